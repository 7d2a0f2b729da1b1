//! One-time codes that people copy from a mail: eight digits, each as likely as any other. Knows no storage.

use super::secrets::NoRandomness;
use aws_lc_rs::rand;
use secrecy::SecretString;

/// Digits of a code.
pub const DIGITS: usize = 8;

/// Codes that there are.
const CODES: u32 = 100_000_000;

/// Makes a code.
pub fn generate() -> Result<SecretString, NoRandomness> {
    loop {
        let mut bytes = [0; 4];
        rand::fill(&mut bytes).map_err(|_unspecified| NoRandomness)?;
        if let Some(code) = of(u32::from_be_bytes(bytes)) {
            return Ok(code.into());
        }
    }
}

/// The code of a random number; none for the last ones, which would make some codes likelier.
fn of(number: u32) -> Option<String> {
    let even = u32::MAX - u32::MAX % CODES;
    (number < even).then(|| format!("{:0DIGITS$}", number % CODES))
}

/// The digits of a code as a person wrote it, with spaces or dashes; none: it is no code.
pub fn read(text: &str) -> Option<String> {
    let kept = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let digits: String = kept.take(DIGITS + 1).collect();
    (digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit())).then_some(digits)
}

/// In two groups, as it is easy to copy.
pub fn spaced(code: &str) -> String {
    let (first, last) = code.split_at_checked(DIGITS / 2).unwrap_or((code, ""));
    format!("{first} {last}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn every_code_has_its_digits_and_reads_as_it_was_made() {
        for _ in 0..50 {
            let code = generate().unwrap();
            let code = code.expose_secret();
            assert_eq!(code.len(), DIGITS);
            assert_eq!(read(&spaced(code)).as_deref(), Some(code));
        }
    }

    #[test]
    fn no_code_is_likelier_than_another() {
        assert_eq!(of(0).as_deref(), Some("00000000"));
        assert_eq!(of(199_999_999).as_deref(), Some("99999999"));
        assert_eq!(of(4_199_999_999).as_deref(), Some("99999999"));
        assert_eq!(of(4_200_000_000), None);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for (text, code) in [
            (" 1234 5678 ", Some("12345678")),
            ("1234-5678", Some("12345678")),
            ("1234567", None),
            ("123456789", None),
            ("1234567a", None),
            ("", None),
            ("\u{661}234567", None),
        ] {
            assert_eq!(read(text).as_deref(), code, "{text}");
        }
    }
}
