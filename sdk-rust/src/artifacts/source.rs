//! What is uploaded, and its digest.

use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio::sync::mpsc;

use crate::error::{Error, ErrorKind};

/// How much of a file is read at once, in bytes, to hash it.
const READ_BYTES: usize = 1 << 20;

/// What to upload.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ArtifactSource {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A file. It must not change while it is uploaded.
    File(PathBuf),
}

impl ArtifactSource {
    /// A file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }
}

macro_rules! source_from_bytes {
    ($($source:ty),+) => {$(
        impl From<$source> for ArtifactSource {
            fn from(bytes: $source) -> Self {
                Self::Bytes(bytes.into())
            }
        }
    )+};
}
source_from_bytes!(Bytes, Vec<u8>, String, &'static [u8], &'static str);

impl From<PathBuf> for ArtifactSource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for ArtifactSource {
    fn from(path: &Path) -> Self {
        Self::File(path.into())
    }
}

/// A source whose digest and size are known.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) digest: String,
    pub(crate) size: u64,
    source: ArtifactSource,
}

impl ArtifactSource {
    /// Hashes the source, off the runtime's threads.
    pub(crate) async fn measure(self) -> Result<Measured, Error> {
        let hashing = tokio::task::spawn_blocking(move || {
            let (digest, size) = match &self {
                Self::Bytes(bytes) => {
                    (digest_of(Sha256::new().chain_update(bytes)), bytes.len() as u64)
                }
                Self::File(path) => hash_file(path).map_err(|cause| unreadable(path, cause))?,
            };
            Ok(Measured { digest, size, source: self })
        });
        hashing.await.unwrap_or_else(|cause| {
            Err(Error::new(ErrorKind::Cancelled, "", "hashing was stopped").with_source(cause))
        })
    }
}

fn hash_file(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((digest_of(hasher), size));
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
}

/// A finished hash as the contract writes it.
pub(crate) fn digest_of(hasher: Sha256) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::from("sha256:");
    for byte in hasher.finalize() {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

impl Measured {
    /// Sends everything from `offset` in chunks of at most `chunk` bytes; stops without an error
    /// when nobody listens any more.
    pub(crate) async fn read(
        &self,
        offset: u64,
        chunk: usize,
        chunks: &mpsc::Sender<Bytes>,
    ) -> Result<(), Error> {
        match &self.source {
            ArtifactSource::Bytes(bytes) => {
                let mut rest = bytes.slice(usize::try_from(offset).unwrap_or(usize::MAX)..);
                while !rest.is_empty() {
                    let next = rest.split_to(chunk.min(rest.len()));
                    if chunks.send(next).await.is_err() {
                        break;
                    }
                }
                Ok(())
            }
            ArtifactSource::File(path) => self.read_file(path, offset, chunk, chunks).await,
        }
    }

    async fn read_file(
        &self,
        path: &Path,
        offset: u64,
        chunk: usize,
        chunks: &mpsc::Sender<Bytes>,
    ) -> Result<(), Error> {
        let unreadable = |cause| unreadable(path, cause);
        let mut file = File::open(path).await.map_err(unreadable)?;
        let found = file.metadata().await.map_err(unreadable)?.len();
        if found != self.size {
            return Err(self.changed(path, found));
        }
        file.seek(SeekFrom::Start(offset)).await.map_err(unreadable)?;
        let mut at = offset;
        while at < self.size {
            let mut buffer = BytesMut::with_capacity(chunk);
            let wanted = (chunk as u64).min(self.size - at);
            let mut limited = (&mut file).take(wanted);
            while (buffer.len() as u64) < wanted {
                if limited.read_buf(&mut buffer).await.map_err(unreadable)? == 0 {
                    return Err(self.changed(path, at + buffer.len() as u64));
                }
            }
            at += wanted;
            if chunks.send(buffer.freeze()).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn changed(&self, path: &Path, found: u64) -> Error {
        let message = format!("{} changed while it was uploaded", path.display());
        Error::new(ErrorKind::FailedPrecondition, "FILE_CHANGED", message)
            .with_metadata("path", path.display())
            .with_metadata("expected_bytes", self.size)
            .with_metadata("found_bytes", found)
    }
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    let message = format!("cannot read {}: {cause}", path.display());
    Error::new(ErrorKind::FailedPrecondition, "FILE_UNREADABLE", message)
        .with_metadata("path", path.display())
        .with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn digests_are_those_of_sha256() {
        let measured = ArtifactSource::from("abc").measure().await.expect("a digest");
        assert_eq!(
            measured.digest,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(measured.size, 3);
    }

    #[tokio::test]
    async fn a_source_is_read_from_an_offset_in_chunks() {
        let measured = ArtifactSource::from("0123456789").measure().await.expect("a digest");
        let (sender, mut chunks) = mpsc::channel(8);
        measured.read(3, 4, &sender).await.expect("chunks");
        drop(sender);
        let mut read = Vec::new();
        while let Some(chunk) = chunks.recv().await {
            read.push(chunk);
        }
        assert_eq!(read, ["3456", "789"]);
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_says_so() {
        let error = ArtifactSource::file("/no/such/file").measure().await.expect_err("none");
        assert_eq!(error.reason(), "FILE_UNREADABLE");
    }
}
