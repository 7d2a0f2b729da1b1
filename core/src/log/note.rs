//! Signed notes (c2sp.org/signed-note): text, an empty line, and signatures over the text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// The mark of an Ed25519 key.
const ED25519: u8 = 1;

/// What begins a line of a signature: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// Longer notes are not ours.
const MOST_BYTES: usize = 1 << 20;

/// Why a note cannot be read, or is not signed as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not text, an empty line and lines of signatures.
    #[error("this is not a signed note: text, an empty line, then lines of signatures")]
    Malformed,
    /// A name of a key that is empty, or has a space or a plus sign.
    #[error("a key's name is not empty and has neither spaces nor plus signs")]
    Name,
    /// A key in text that cannot be read.
    #[error("this is not an Ed25519 key: name, id and key, with plus signs between")]
    Key,
    /// None of the signatures is of this key.
    #[error("the note is not signed with this key")]
    Unsigned,
    /// A signature of this key that does not hold.
    #[error("the signature does not fit the text")]
    Wrong,
}

/// The public half of an Ed25519 key, and its name. In text as other tools take it:
/// `name+hex(id)+base64(0x01 || key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    public: [u8; 32],
}

impl NoteKey {
    /// A key of this name, such as a URL without a scheme.
    ///
    /// # Errors
    /// [`NoteError::Name`].
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        let sound =
            !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+');
        if sound { Ok(Self { name: name.to_owned(), public }) } else { Err(NoteError::Name) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its bytes.
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Four bytes that tell it from others in a note.
    pub fn id(&self) -> [u8; 4] {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', ED25519])
            .chain_update(self.public)
            .finalize()
            .into();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend(self.public);
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id()), STANDARD.encode(key))
    }
}

impl FromStr for NoteKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let Some((&ED25519, public)) = bytes.split_first() else { return Err(NoteError::Key) };
        let key = Self::new(name, public.try_into().map_err(|_| NoteError::Key)?)?;
        if format!("{:08x}", u32::from_be_bytes(key.id())) == id { Ok(key) } else { Err(NoteError::Key) }
    }
}

/// One signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Its id.
    pub id: [u8; 4],
    /// The signature; 64 bytes of an Ed25519 key.
    pub signature: Vec<u8>,
}

/// Text with signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl SignedNote {
    /// Signs text, which must end with a line end. `sign` makes an Ed25519 signature over its bytes.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] for text that is no note's, and what `sign` answers.
    pub fn sign<E: From<NoteError>>(
        text: &str,
        key: &NoteKey,
        sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
    ) -> Result<Self, E> {
        if !is_text(text) {
            return Err(NoteError::Malformed.into());
        }
        let signature = sign(text.as_bytes())?.to_vec();
        let signature = NoteSignature { name: key.name.clone(), id: key.id(), signature };
        Ok(Self { text: text.to_owned(), signatures: vec![signature] })
    }

    /// Reads a note. Nothing is verified yet.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MOST_BYTES {
            return Err(NoteError::Malformed);
        }
        // The last empty line: the text may have empty lines of its own.
        let at = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Malformed)?.split('\n');
        let signatures = lines.map(signature).collect::<Result<Vec<_>, _>>()?;
        if !is_text(text) {
            return Err(NoteError::Malformed);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, which says nothing until it is verified.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The signatures.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Answers the text if this key has signed it. `verify` checks an Ed25519 signature: key, message,
    /// signature.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] or [`NoteError::Wrong`].
    pub fn verify(
        &self,
        key: &NoteKey,
        verify: impl Fn(&[u8; 32], &[u8], &[u8; 64]) -> bool,
    ) -> Result<&str, NoteError> {
        let id = key.id();
        let own = self.signatures.iter().find(|signature| signature.id == id && signature.name == key.name);
        let own = own.ok_or(NoteError::Unsigned)?;
        let signature: &[u8; 64] = own.signature.as_slice().try_into().map_err(|_| NoteError::Wrong)?;
        if verify(&key.public, self.text.as_bytes(), signature) {
            Ok(&self.text)
        } else {
            Err(NoteError::Wrong)
        }
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            let mut bytes = signature.id.to_vec();
            bytes.extend(&signature.signature);
            writeln!(f, "{DASH}{} {}", signature.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

/// Lines of visible text, the last one ended.
fn is_text(text: &str) -> bool {
    text.ends_with('\n') && text.len() > 1 && !text.chars().any(|c| c.is_control() && c != '\n')
}

fn signature(line: &str) -> Result<NoteSignature, NoteError> {
    let (name, encoded) =
        line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')).ok_or(NoteError::Malformed)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Malformed)?;
    let (id, signature) = bytes.split_first_chunk::<4>().ok_or(NoteError::Malformed)?;
    if name.is_empty() || name.contains('+') || signature.is_empty() {
        return Err(NoteError::Malformed);
    }
    Ok(NoteSignature { name: name.to_owned(), id: *id, signature: signature.to_vec() })
}
