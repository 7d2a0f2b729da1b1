//! Makes and checks an evidence bundle of any size, for `scripts/bench bundle`:
//! `bundle GAPS ROWS FILE [made|checked]`.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use leakage_core::evidence::verify::verify;
use leakage_core::evidence::{Seal, SealError, example, write};
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};

struct Sealed(Ed25519KeyPair);

impl Seal for Sealed {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap_or([0; 32])
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SealError> {
        self.0.sign(message).as_ref().try_into().map_err(|_| SealError("no signature".to_owned()))
    }

    fn pseudonym_key(&self) -> [u8; 32] {
        [5; 32]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [gaps, rows, file, what] = arguments.as_slice() else {
        return Err("usage: bundle GAPS ROWS FILE made|checked".into());
    };
    let seal = Sealed(Ed25519KeyPair::from_seed_unchecked(&[1; 32]).map_err(|_| "the key")?);
    if what == "made" {
        let facts = example::logged(example::facts(gaps.parse()?, rows.parse()?)?, &seal)?;
        let (mut out, sealed) = write(&facts, &seal, BufWriter::new(File::create(file)?))?;
        out.flush()?;
        writeln!(io::stdout(), "{{\"files\":{}}}", sealed.manifest.files.len())?;
        return Ok(());
    }
    let mut bundle = Vec::new();
    File::options().read(true).open(file)?.read_to_end(&mut bundle)?;
    let signature = |key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
    };
    let verification = verify(&bundle, &[seal.public_key()], &signature);
    if let Some(check) = verification.first_failure() {
        return Err(check.says.clone().into());
    }
    writeln!(io::stdout(), "{{\"files\":{}}}", verification.checks.len())?;
    Ok(())
}
