#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leakage_fuzz::zip(bytes));
