//! Reads a file with so many threads and says how long that took: `read_file FILE [THREADS]`.

use leakage_core::ingest::{Progress, ReadOptions, ReadSeek, Source, Taker, read_source};
use leakage_core::records::Sourced;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

struct Opened(PathBuf);

impl Source for Opened {
    #[expect(clippy::disallowed_methods, reason = "the example is the caller, who has the file")]
    fn open(&self) -> io::Result<Box<dyn ReadSeek + Send + '_>> {
        Ok(Box::new(File::open(&self.0)?))
    }

    fn size(&self) -> u64 {
        std::fs::metadata(&self.0).map_or(0, |data| data.len())
    }
}

#[derive(Default)]
struct Count(usize);

impl Taker for Count {
    fn take(&mut self, records: Vec<Sourced>, _: Progress) -> ControlFlow<()> {
        self.0 += records.len();
        ControlFlow::Continue(())
    }

    fn discard(&mut self) {
        self.0 = 0;
    }
}

#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it tells how long reading takes")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: read_file FILE [THREADS]")?;
    let threads = arguments.next().map_or(Ok(1), |threads| threads.parse())?;
    let options = ReadOptions { threads, ..ReadOptions::default() };
    let mut count = Count::default();
    let start = Instant::now();
    let report = read_source(&path, &Opened(PathBuf::from(&path)), &options, &mut count)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}: {} rows, {} records, {} refused",
        report.format, report.read, count.0, report.refused_total
    );
    println!("{seconds:.3} s with {threads} threads");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    Ok(())
}
