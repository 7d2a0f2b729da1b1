//! Where uploaded files are kept: a local folder, or S3 by configuration.
//!
//! An object is written whole or not at all, and never changed: its key ends in its digest. This
//! module knows keys and bytes. It knows nothing of what is in a file or who may read it.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

/// Parts of 5 MiB: the least that S3 takes for a part that is not the last.
const PART_BYTES: usize = 5 * 1024 * 1024;
/// Parts of one object on their way at once, which bounds the memory that an upload takes.
const PARTS_AT_ONCE: usize = 2;
/// The longest key: that of S3.
const KEY_MAX: usize = 1024;

/// Where objects go: without `s3` into the folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectsConfig {
    /// The local folder. Made on first use, closed to other accounts.
    pub folder: PathBuf,
    /// A bucket, instead.
    #[serde(default)]
    pub s3: Option<S3Config>,
}

/// Where files go when nothing is said.
pub fn default_folder() -> PathBuf {
    PathBuf::from("data/objects")
}

impl Default for ObjectsConfig {
    fn default() -> Self {
        Self { folder: default_folder(), s3: None }
    }
}

/// A bucket of S3 or of something that speaks its protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// Its name.
    pub bucket: String,
    /// Its region, such as `eu-central-1`.
    pub region: String,
    /// The address, if it is not Amazon's. `http` is accepted for this machine only.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Put before every key, without slashes at the ends.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Without key and secret the machine's role is used (instance metadata, web identity).
    #[serde(default)]
    pub access_key_id: Option<String>,
    /// See `access_key_id`.
    #[serde(default)]
    pub secret_access_key: Option<SecretString>,
}

/// Why an object could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is none with this key.
    #[error("there is no object with this key")]
    NotFound,
    /// Not a key that we make.
    #[error("`{0}` is not a key of an object")]
    InvalidKey(String),
    /// The settings cannot work.
    #[error("objects.{setting}: {reason}")]
    Config {
        /// Which.
        setting: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The bytes stopped coming; nothing was kept.
    #[error("the file ended before it was complete")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The folder or the bucket failed.
    #[error("the object store could not do this")]
    Store(#[source] object_store::Error),
}

impl From<object_store::Error> for ObjectError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

/// The kept files. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The folder, of a store that is one.
    folder: Option<PathBuf>,
}

impl Objects {
    /// Opens the folder or the bucket. A bucket is not asked for anything yet.
    pub fn from_config(config: &ObjectsConfig) -> Result<Self, ObjectError> {
        match &config.s3 {
            Some(s3) => Ok(Self { store: bucket(s3)?, folder: None }),
            None => folder(&config.folder),
        }
    }

    /// Keeps an object of unknown size under `<organization>/<what>/<name>`. It is there when this returns, on disk, and
    /// not before; if the stream fails, nothing is kept. Writing the same key again is harmless.
    pub async fn put_stream<S, E>(&self, key: &str, stream: S) -> Result<(), ObjectError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = checked(key)?;
        let upload =
            self.store.put_multipart_opts(&path, object_store::PutMultipartOptions::default()).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut stream = pin!(stream);
        while let Some(bytes) = stream.next().await {
            let failed = match bytes {
                Ok(bytes) => match upload.wait_for_capacity(PARTS_AT_ONCE).await {
                    Ok(()) => {
                        upload.put(bytes);
                        continue;
                    }
                    Err(error) => error.into(),
                },
                Err(error) => ObjectError::Source(error.into()),
            };
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, key, "an unfinished upload could not be removed");
            }
            return Err(failed);
        }
        upload.finish().await?;
        Ok(())
    }

    /// A whole object. For those whose size is bounded by what was accepted.
    pub async fn get_bytes(&self, key: &str) -> Result<Bytes, ObjectError> {
        Ok(self.store.get(&checked(key)?).await?.bytes().await?)
    }

    /// Where an object lies, when it is a file of this machine's.
    pub fn local_path(&self, key: &str) -> Result<Option<PathBuf>, ObjectError> {
        let path = checked(key)?;
        Ok(self.folder.as_ref().map(|folder| folder.join(path.as_ref())))
    }

    /// An object piece by piece, with its size in bytes.
    pub async fn get_stream(
        &self,
        key: &str,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes, ObjectError>> + Send + use<>), ObjectError> {
        let found = self.store.get(&checked(key)?).await?;
        Ok((found.meta.size, found.into_stream().map_err(ObjectError::from)))
    }

    /// Removes an object; one that is not there is no fault.
    pub async fn delete(&self, key: &str) -> Result<(), ObjectError> {
        match self.store.delete(&checked(key)?).await.map_err(ObjectError::from) {
            Err(ObjectError::NotFound) => Ok(()),
            other => other,
        }
    }
}

/// Lets only keys through that we make: an organization's id, then names of `a-z 0-9 . _ -` that do
/// not begin with a point, so that no key leaves its organization, folder or bucket.
fn checked(key: &str) -> Result<Path, ObjectError> {
    let invalid = || ObjectError::InvalidKey(key.chars().take(200).collect());
    let (org, rest) = key.split_once('/').ok_or_else(invalid)?;
    let plain = |name: &str| {
        !name.starts_with('.')
            && !name.is_empty()
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
    };
    let is_org = uuid::Uuid::try_parse(org).is_ok_and(|id| id.hyphenated().to_string() == org);
    if !is_org || key.len() > KEY_MAX || !rest.split('/').all(plain) {
        return Err(invalid());
    }
    Path::parse(key).map_err(|_| invalid())
}

fn folder(folder: &std::path::Path) -> Result<Objects, ObjectError> {
    let unusable = |error: io::Error| ObjectError::Config {
        setting: "folder",
        reason: format!("{} cannot be used: {error}", folder.display()),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
    let folder = fs::canonicalize(folder).map_err(unusable)?;
    // A write goes to a file aside that is renamed when it is whole and on disk.
    let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
    Ok(Objects { store: Arc::new(store), folder: Some(folder) })
}

fn bucket(s3: &S3Config) -> Result<Arc<dyn ObjectStore>, ObjectError> {
    let wrong = |setting, reason: &str| Err(ObjectError::Config { setting, reason: reason.to_owned() });
    if s3.bucket.is_empty() {
        return wrong("s3.bucket", "is empty");
    }
    // from_env would also take settings that nobody meant for us; the machine's role is found anyway.
    let mut builder = AmazonS3Builder::new().with_bucket_name(&s3.bucket).with_region(&s3.region);
    match (&s3.access_key_id, &s3.secret_access_key) {
        (Some(id), Some(secret)) => {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret.expose_secret());
        }
        (None, None) => {}
        _ => return wrong("s3", "access_key_id and secret_access_key belong together: set both or neither"),
    }
    if let Some(endpoint) = &s3.endpoint {
        let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|local| {
            endpoint.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        });
        if !local && !endpoint.starts_with("https://") {
            return wrong("s3.endpoint", "must begin with https:// (http:// is accepted for localhost only)");
        }
        builder = builder.with_endpoint(endpoint).with_allow_http(local);
    }
    let store = builder.build()?;
    Ok(match s3.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => match Path::parse(prefix) {
            Ok(prefix) => Arc::new(PrefixStore::new(store, prefix)),
            Err(_) => return wrong("s3.prefix", "must be names with single slashes between them"),
        },
        None => Arc::new(store),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::os::unix::fs::PermissionsExt;

    const ORG: &str = "0192f0c1-2345-7abc-8def-0123456789ab";

    fn local() -> (tempfile::TempDir, Objects) {
        let folder = tempfile::tempdir().unwrap();
        let config = ObjectsConfig { folder: folder.path().join("objects"), s3: None };
        let objects = Objects::from_config(&config).unwrap();
        (folder, objects)
    }

    fn pieces(pieces: &[&'static [u8]]) -> impl Stream<Item = Result<Bytes, io::Error>> + use<> {
        let owned: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece))).collect();
        stream::iter(owned)
    }

    fn files(folder: &std::path::Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() { found.extend(files(&entry.path())) } else { found.push(entry.path()) }
        }
        found
    }

    #[tokio::test]
    async fn what_was_put_is_read_whole_and_in_pieces() {
        let (_folder, objects) = local();
        let key = format!("{ORG}/imports/aa");
        objects.put_stream(&key, pieces(&[b"one ", b"", b"two"])).await.unwrap();
        assert_eq!(objects.get_bytes(&key).await.unwrap(), Bytes::from_static(b"one two"));
        let path = objects.local_path(&key).unwrap().unwrap();
        assert_eq!(fs::read(path).unwrap(), b"one two");
        let (size, stream) = objects.get_stream(&key).await.unwrap();
        let parts: Vec<Bytes> = stream.try_collect().await.unwrap();
        assert_eq!((size, parts.concat()), (7, b"one two".to_vec()));
    }

    #[tokio::test]
    async fn an_empty_file_and_one_of_many_parts_are_kept_as_they_are() {
        let (_folder, objects) = local();
        let key = format!("{ORG}/imports/empty");
        objects.put_stream(&key, pieces(&[])).await.unwrap();
        assert_eq!(objects.get_bytes(&key).await.unwrap().len(), 0);

        let key = format!("{ORG}/imports/large");
        let blocks: Vec<Result<Bytes, io::Error>> =
            (0..17_u8).map(|n| Ok(Bytes::from(vec![n; 1_000_003]))).collect();
        objects.put_stream(&key, stream::iter(blocks)).await.unwrap();
        let read = objects.get_bytes(&key).await.unwrap();
        assert_eq!(read.len(), 17 * 1_000_003);
        assert!(read.chunks(1_000_003).zip(0..17_u8).all(|(block, n)| block.iter().all(|byte| *byte == n)));
    }

    #[tokio::test]
    async fn a_stream_that_breaks_leaves_nothing() {
        let (folder, objects) = local();
        let key = format!("{ORG}/imports/bb");
        let broken = stream::iter([Ok(Bytes::from(vec![1; 12_000_000])), Err(io::Error::other("hung up"))]);
        let error = objects.put_stream(&key, broken).await.unwrap_err();
        assert!(matches!(error, ObjectError::Source(_)), "{error:?}");
        assert!(matches!(objects.get_bytes(&key).await, Err(ObjectError::NotFound)));
        assert_eq!(files(folder.path()), Vec::<PathBuf>::new(), "no part is left");
    }

    #[tokio::test]
    async fn an_object_is_not_there_before_it_is_whole_and_the_old_one_stays_until_then() {
        let (_folder, objects) = local();
        let key = format!("{ORG}/imports/cc");
        objects.put_stream(&key, pieces(&[b"old"])).await.unwrap();
        let reader = objects.clone();
        let looked = key.clone();
        let slow = stream::once(async move {
            assert_eq!(reader.get_bytes(&looked).await.unwrap(), Bytes::from_static(b"old"));
            Ok::<_, io::Error>(Bytes::from_static(b"new"))
        });
        objects.put_stream(&key, slow).await.unwrap();
        assert_eq!(objects.get_bytes(&key).await.unwrap(), Bytes::from_static(b"new"));
    }

    #[tokio::test]
    async fn deleting_twice_is_no_fault() {
        let (_folder, objects) = local();
        let key = format!("{ORG}/imports/dd");
        objects.put_stream(&key, pieces(&[b"x"])).await.unwrap();
        objects.delete(&key).await.unwrap();
        objects.delete(&key).await.unwrap();
        assert!(matches!(objects.get_bytes(&key).await, Err(ObjectError::NotFound)));
    }

    #[tokio::test]
    async fn keys_that_lead_elsewhere_are_refused_by_every_operation() {
        let (_folder, objects) = local();
        for key in [
            "",
            "imports/aa",
            "../etc/passwd",
            "0192f0c1-2345-7abc-8def-0123456789ab",
            "0192f0c1-2345-7abc-8def-0123456789ab/",
            "0192f0c1-2345-7abc-8def-0123456789ab/../x",
            "0192f0c1-2345-7abc-8def-0123456789ab//x",
            "0192f0c1-2345-7abc-8def-0123456789ab/.hidden",
            "0192f0c1-2345-7abc-8def-0123456789ab/imports/a\0b",
            "0192f0c1-2345-7abc-8def-0123456789ab/imports/A%2F..",
            "0192F0C1-2345-7ABC-8DEF-0123456789AB/imports/aa",
        ] {
            let invalid = |result: Result<(), ObjectError>| {
                assert!(matches!(result, Err(ObjectError::InvalidKey(_))), "{key:?} {result:?}");
            };
            invalid(objects.put_stream(key, pieces(&[b"x"])).await);
            invalid(objects.get_bytes(key).await.map(|_| ()));
            invalid(objects.get_stream(key).await.map(|_| ()));
            invalid(objects.delete(key).await);
        }
    }

    #[test]
    fn the_folder_is_closed_to_others() {
        let (folder, _objects) = local();
        let mode = fs::metadata(folder.path().join("objects")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn half_a_credential_and_plain_http_are_refused() {
        let config = |s3: S3Config| ObjectsConfig { s3: Some(s3), ..ObjectsConfig::default() };
        let s3 = S3Config {
            bucket: "files".to_owned(),
            region: "eu-central-1".to_owned(),
            endpoint: None,
            prefix: Some("leakage/prod".to_owned()),
            access_key_id: Some("id".to_owned()),
            secret_access_key: None,
        };
        let refused = |s3| Objects::from_config(&config(s3)).unwrap_err().to_string();
        assert!(refused(s3.clone()).contains("belong together"));
        let with_secret = S3Config { secret_access_key: Some("secret".into()), ..s3 };
        Objects::from_config(&config(with_secret.clone())).unwrap();
        for endpoint in ["http://files.example", "http://localhost.example", "files.example"] {
            let s3 = S3Config { endpoint: Some(endpoint.to_owned()), ..with_secret.clone() };
            assert!(refused(s3).contains("https://"), "{endpoint}");
        }
        let near = S3Config { endpoint: Some("http://127.0.0.1:9000".to_owned()), ..with_secret };
        Objects::from_config(&config(near)).unwrap();
    }
}
