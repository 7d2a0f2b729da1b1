//! Signatures as the Standard Webhooks specification has them: HMAC-SHA256 of id, time and body, with a secret
//! that both sides know.

use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

/// Bytes of a secret; the specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;
/// How the text of a secret begins.
const PREFIX: &str = "whsec_";

/// A new secret; none: the system gives no random numbers.
pub fn new_secret() -> Option<[u8; SECRET_BYTES]> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).ok().map(|()| bytes)
}

/// A secret as its owner is shown it.
pub fn shown(secret: &[u8]) -> SecretString {
    format!("{PREFIX}{}", STANDARD.encode(secret)).into()
}

/// The value of `webhook-signature`: one signature for each secret.
pub fn signature(secrets: &[Vec<u8>], id: &str, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let one = |secret: &Vec<u8>| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, signed.as_bytes())))
    };
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    /// Of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &str = r#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> Vec<u8> {
        STANDARD.decode(SECRET.strip_prefix(PREFIX).unwrap()).unwrap()
    }

    #[test]
    fn the_specifications_example_is_signed_as_it_says() {
        assert_eq!(signature(&[secret()], ID, TIMESTAMP, BODY), SIGNATURE);
        assert_eq!(shown(&secret()).expose_secret(), SECRET);
    }

    #[test]
    fn two_secrets_are_two_signatures_and_everything_counts() {
        let other = new_secret().unwrap().to_vec();
        let both = signature(&[other.clone(), secret()], ID, TIMESTAMP, BODY);
        assert_eq!(both.split(' ').nth(1), Some(SIGNATURE));
        assert_ne!(both.split(' ').next(), Some(SIGNATURE));
        for (id, timestamp, body) in
            [("msg_x", TIMESTAMP, BODY), (ID, TIMESTAMP + 1, BODY), (ID, TIMESTAMP, "{}")]
        {
            assert_ne!(signature(&[secret()], id, timestamp, body), SIGNATURE);
        }
    }
}
