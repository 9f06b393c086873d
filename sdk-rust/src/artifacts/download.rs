//! One download, resumed and verified.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep};
use tonic::Streaming;
use uuid::Uuid;

use crate::artifacts::source::digest_of;
use crate::client::connection::Connection;
use crate::error::{Error, ErrorKind};
use crate::proto::v1;
use crate::proto::v1::download_artifact_response::Message;
use crate::retry::Backoff;

/// An artifact's bytes in order. Trust none of them before [`next`](Self::next) has said that
/// there are no more: the digest is checked at the end.
#[derive(Debug)]
#[must_use = "a download asks for nothing until it is asked"]
pub struct Download {
    connection: Connection,
    stall: Duration,
    digest: String,
    stream: Option<Streaming<v1::DownloadArtifactResponse>>,
    hasher: Sha256,
    offset: u64,
    size: Option<u64>,
    is_over: bool,
    tries: u32,
    moved_at: Instant,
}

impl Download {
    pub(crate) fn new(connection: Connection, stall: Duration, digest: String) -> Self {
        Self {
            connection,
            stall,
            digest,
            stream: None,
            hasher: Sha256::new(),
            offset: 0,
            size: None,
            is_over: false,
            tries: 0,
            moved_at: Instant::now(),
        }
    }

    /// The next bytes, or none when all came and were verified.
    ///
    /// # Errors
    /// `NotFound` (`ARTIFACT_NOT_FOUND`); `DataLoss` (`DIGEST_MISMATCH`) at the end when what
    /// came is not the artifact; what broke the stream last when no new byte came for the
    /// client's timeout.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while !self.is_over {
            match self.read().await {
                Ok(Some(chunk)) => return Ok(Some(chunk)),
                Ok(None) => {}
                Err(error) => {
                    self.stream = None;
                    if !error.is_retryable() || self.moved_at.elapsed() > self.stall {
                        return Err(error);
                    }
                    tracing::debug!(error = %error, "download broke; resuming");
                    let random = fastrand::f64();
                    let hint = error.retry_after();
                    sleep(Backoff::CONTRACT.delay(self.tries, random, hint)).await;
                    self.tries = self.tries.saturating_add(1);
                }
            }
        }
        Ok(None)
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        if self.stream.is_none() {
            let request = v1::DownloadArtifactRequest {
                digest: self.digest.clone(),
                offset: i64::try_from(self.offset).unwrap_or(i64::MAX),
            };
            let mut client = self.connection.artifacts();
            self.stream = Some(client.download_artifact(request).await?.into_inner());
        }
        let Some(stream) = &mut self.stream else { return Ok(None) };
        let Some(response) = stream.message().await? else {
            return self.end().map(|()| None);
        };
        match response.message {
            Some(Message::Artifact(artifact)) => {
                self.size = Some(artifact.size_bytes.max(0).unsigned_abs());
                Ok(None)
            }
            Some(Message::Chunk(chunk)) => {
                self.hasher.update(&chunk);
                self.offset += chunk.len() as u64;
                self.tries = 0;
                self.moved_at = Instant::now();
                Ok(Some(chunk))
            }
            None => Ok(None),
        }
    }

    /// The server says that this was all.
    fn end(&mut self) -> Result<(), Error> {
        if self.size.is_none_or(|size| self.offset < size) {
            let message = format!("the stream of {} ended early", self.digest);
            return Err(Error::new(ErrorKind::Unavailable, "CONNECTION_FAILED", message));
        }
        self.is_over = true;
        let found = digest_of(self.hasher.clone());
        if found == self.digest {
            return Ok(());
        }
        let message = format!("what came for {} has the digest {found}", self.digest);
        Err(Error::new(ErrorKind::DataLoss, "DIGEST_MISMATCH", message)
            .with_metadata("expected", &self.digest)
            .with_metadata("found", found))
    }
}

/// An artifact's bytes, verified.
pub(crate) async fn to_memory(mut download: Download) -> Result<Bytes, Error> {
    let mut all = BytesMut::new();
    while let Some(chunk) = download.next().await? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// A file under another name, removed unless it is kept: also when the future is dropped.
struct Part(Option<PathBuf>);

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Nothing can be done about a file that does not go away.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Writes into a neighbour of `path`, syncs it, and renames it over `path`.
pub(crate) async fn to_file(mut download: Download, path: &Path) -> Result<(), Error> {
    let unwritable = |cause: std::io::Error| {
        let message = format!("cannot write {}: {cause}", path.display());
        Error::new(ErrorKind::FailedPrecondition, "FILE_UNWRITABLE", message)
            .with_metadata("path", path.display())
            .with_source(cause)
    };
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", Uuid::now_v7()));
    let neighbour = PathBuf::from(name);
    let mut file = File::create_new(&neighbour).await.map_err(unwritable)?;
    let mut part = Part(Some(neighbour.clone()));
    while let Some(chunk) = download.next().await? {
        file.write_all(&chunk).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)?;
    file.sync_all().await.map_err(unwritable)?;
    drop(file);
    fs::rename(&neighbour, path).await.map_err(unwritable)?;
    part.0 = None;
    Ok(())
}
