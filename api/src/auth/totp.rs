//! Time-based one-time passwords (RFC 6238): six digits, 30 seconds, HMAC-SHA-1, as all authenticator apps know
//! them. SHA-1 is no weakness here: HMAC does not rest on what is broken of it. Knows no storage and no clock.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;

/// Bytes of a secret: those of the hash (RFC 4226, section 4).
pub const SECRET_BYTES: usize = 20;
/// Seconds of a time step.
const STEP_SECONDS: i64 = 30;
/// Steps before and after now that are accepted, for clocks that differ.
const SKEW: i64 = 1;
const DIGITS: usize = 6;

/// The code of a time step, with its leading zeros.
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let hash = tag.as_ref();
    // RFC 4226, section 5.3: the last four bits say where the number is.
    let at = usize::from(hash.last().copied().unwrap_or_default() & 0x0f);
    let number = hash.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    let number = u32::from_be_bytes(number) & 0x7fff_ffff;
    format!("{:0DIGITS$}", number % 1_000_000)
}

/// The time step of an instant, in seconds since 1970.
pub const fn step(unix_seconds: i64) -> i64 {
    unix_seconds.div_euclid(STEP_SECONDS)
}

/// The step whose code this is: of those around now the newest that is after `used`, the last one that was
/// accepted. All are computed, whichever it is.
pub fn accepted(secret: &[u8], given: &str, unix_seconds: i64, used: i64) -> Option<i64> {
    let now = step(unix_seconds);
    let mut found = None;
    for step in now - SKEW..=now + SKEW {
        let same: bool = code(secret, step).as_bytes().ct_eq(given.as_bytes()).into();
        if same && step > used {
            found = Some(step);
        }
    }
    found
}

/// The code for an instant: what the person's app shows.
pub fn shown(secret: &[u8], unix_seconds: i64) -> String {
    code(secret, step(unix_seconds))
}

/// Base32 without padding (RFC 4648), as apps take secrets.
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut out, mut held, mut bits) = (String::with_capacity(bytes.len() * 8 / 5 + 1), 0_u32, 0_u32);
    let letter = |held: u32| ALPHABET.get((held & 31) as usize).map_or('A', |letter| char::from(*letter));
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xffff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(letter(held >> bits));
        }
    }
    if bits > 0 {
        out.push(letter(held << (5 - bits)));
    }
    out
}

/// The address that an app reads as a QR code.
pub fn uri(secret: &[u8], account: &str) -> String {
    let escaped: String = account
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!(
        "otpauth://totp/Leakage%20Finder:{escaped}?secret={}&issuer=Leakage%20Finder&algorithm=SHA1&digits=6&period=30",
        base32(secret)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, SHA-1: the last six of its eight digits.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(shown(SECRET, seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_accepted_around_its_time_and_never_again() {
        let now = 1_234_567_890;
        let own = step(now);
        for (seconds, accepts) in
            [(now - 61, false), (now - 30, true), (now, true), (now + 30, true), (now + 61, false)]
        {
            let given = shown(SECRET, seconds);
            assert_eq!(accepted(SECRET, &given, now, 0).is_some(), accepts, "{}", seconds - now);
        }
        assert_eq!(accepted(SECRET, "005924", now, 0), Some(own));
        assert_eq!(accepted(SECRET, "005924", now, own), None, "used");
        assert_eq!(accepted(SECRET, "005924", now + 30, own + 1), None, "an older one than the used");
        for wrong in ["", "5924", "0059240", "00592a", "٠٠٥٩٢٤"] {
            assert_eq!(accepted(SECRET, wrong, now, 0), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_are_written_as_apps_take_them() {
        // RFC 4648, section 10, without padding.
        for (bytes, text) in
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")]
        {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(base32(SECRET).len(), 32);
        let uri = uri(SECRET, "ann+x@example.com");
        assert!(
            uri.starts_with("otpauth://totp/Leakage%20Finder:ann%2Bx%40example.com?secret=GEZDGNBV"),
            "{uri}"
        );
    }
}
