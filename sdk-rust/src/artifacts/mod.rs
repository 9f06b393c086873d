//! Bytes that jobs produce or read, named by their SHA-256.

mod download;
mod source;
mod upload;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::client::connection::{ArtifactCalls, Connection};
use crate::error::Error;
use crate::payload::Payload;
use crate::proto::v1;
use crate::retry::with_retries;

pub use download::Download;
pub use source::ArtifactSource;
pub use upload::{UploadOptions, UploadProgress};

/// An artifact that the server has. It converts into a [`Payload`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadedArtifact {
    /// `"sha256:"` and 64 lower-case hexadecimal digits.
    pub digest: String,
    /// The size in bytes.
    pub size_bytes: u64,
    /// True: the tenant had it already and nothing was sent.
    pub already_existed: bool,
}

impl From<&UploadedArtifact> for Payload {
    fn from(artifact: &UploadedArtifact) -> Self {
        Self::artifact(&artifact.digest)
    }
}

/// Uploads and downloads. Made by [`Orchestrator::artifacts`](crate::Orchestrator::artifacts);
/// a clone is cheap. To give a transfer up, drop its future.
#[derive(Debug, Clone)]
pub struct Artifacts {
    connection: Connection,
    /// Bounds a stall, not a whole transfer.
    timeout: Duration,
}

impl Artifacts {
    pub(crate) fn new(connection: Connection, timeout: Duration) -> Self {
        Self { connection, timeout }
    }

    /// Uploads bytes or a file unless the tenant has them already. A broken stream is resumed
    /// where the server's committed bytes end. A file is read twice, to hash it and to send it,
    /// and is never held in memory.
    ///
    /// # Errors
    /// `DataLoss` (`DIGEST_MISMATCH`), `ResourceExhausted` (`DISK_FULL`), `FailedPrecondition`
    /// (`FILE_CHANGED`, `FILE_UNREADABLE`).
    pub async fn upload(
        &self,
        source: impl Into<ArtifactSource>,
    ) -> Result<UploadedArtifact, Error> {
        self.upload_with(source, UploadOptions::default()).await
    }

    /// Like [`upload`](Self::upload), with options.
    ///
    /// # Errors
    /// As [`upload`](Self::upload).
    pub async fn upload_with(
        &self,
        source: impl Into<ArtifactSource>,
        options: UploadOptions,
    ) -> Result<UploadedArtifact, Error> {
        let measured = Arc::new(source.into().measure().await?);
        let already_existed = if self.is_missing(&measured.digest).await? {
            upload::run(&self.connection, self.timeout, Arc::clone(&measured), options).await?
        } else {
            true
        };
        Ok(UploadedArtifact {
            digest: measured.digest.clone(),
            size_bytes: measured.size,
            already_existed,
        })
    }

    /// Streams an artifact's bytes, going on where a broken stream ended.
    pub fn download(&self, digest: impl Into<String>) -> Download {
        Download::new(self.connection.clone(), self.timeout, digest.into())
    }

    /// Writes an artifact to a file that appears complete and verified, or not at all.
    ///
    /// # Errors
    /// `NotFound` (`ARTIFACT_NOT_FOUND`), `DataLoss` (`DIGEST_MISMATCH`), `FailedPrecondition`
    /// (`FILE_UNWRITABLE`).
    pub async fn download_to(
        &self,
        digest: impl Into<String>,
        path: impl AsRef<Path>,
    ) -> Result<(), Error> {
        download::to_file(self.download(digest), path.as_ref()).await
    }

    /// An artifact's bytes, verified, in memory.
    ///
    /// # Errors
    /// `NotFound` (`ARTIFACT_NOT_FOUND`), `DataLoss` (`DIGEST_MISMATCH`).
    pub async fn bytes(&self, digest: impl Into<String>) -> Result<Bytes, Error> {
        download::to_memory(self.download(digest)).await
    }

    async fn is_missing(&self, digest: &str) -> Result<bool, Error> {
        let request = v1::FindMissingArtifactsRequest { digests: vec![digest.to_owned()] };
        let client = self.connection.artifacts();
        let call = |mut client: ArtifactCalls, request| async move {
            client.find_missing_artifacts(request).await
        };
        let missing = with_retries(self.timeout, client, request, call).await?.missing_digests;
        Ok(missing.iter().any(|found| found == digest))
    }
}
