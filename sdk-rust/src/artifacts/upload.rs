//! One upload, going on at the committed size after every broken stream.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use crate::artifacts::source::Measured;
use crate::client::connection::Connection;
use crate::contract::LeaseClocks;
use crate::error::{Error, ErrorKind};
use crate::proto::v1;
use crate::proto::v1::upload_artifact_request::Message;
use crate::retry::Backoff;

/// How many chunks are read ahead of the network.
const READ_AHEAD: usize = 2;

/// How far an upload got, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadProgress {
    /// Handed to the network; steps back when a broken upload is resumed.
    pub sent_bytes: u64,
    /// The whole.
    pub total_bytes: u64,
}

type OnProgress = Arc<dyn Fn(UploadProgress) + Send + Sync>;

/// How to upload.
#[derive(Clone, Default)]
#[must_use]
pub struct UploadOptions {
    media_type: String,
    on_progress: Option<OnProgress>,
}

impl UploadOptions {
    /// The media type `application/octet-stream`, and no one to tell about progress.
    pub fn new() -> Self {
        Self::default()
    }

    /// The media type; `application/octet-stream` unless told.
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = media_type.into();
        self
    }

    /// Called after each chunk.
    pub fn on_progress(mut self, tell: impl Fn(UploadProgress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(tell));
        self
    }
}

impl fmt::Debug for UploadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadOptions")
            .field("media_type", &self.media_type)
            .finish_non_exhaustive()
    }
}

struct Upload<'a> {
    connection: &'a Connection,
    stall: Duration,
    source: Arc<Measured>,
    options: UploadOptions,
    /// The same for every try, so that the server knows what it has.
    upload_id: String,
}

/// Uploads a source; says whether the tenant had it already.
pub(crate) async fn run(
    connection: &Connection,
    stall: Duration,
    source: Arc<Measured>,
    options: UploadOptions,
) -> Result<bool, Error> {
    let upload =
        Upload { connection, stall, source, options, upload_id: Uuid::now_v7().to_string() };
    let (mut committed, mut moved_at, mut tries) = (0, Instant::now(), 0);
    let mut result = upload.send(0).await;
    loop {
        let error = match result {
            Ok(already_existed) => return Ok(already_existed),
            Err(error) => error,
        };
        // Asking again cures an offset that does not fit, and chunks that ended for the server
        // only: here they end with the last byte. Waiting cures the rest.
        let is_curable = matches!(error.reason(), "UPLOAD_OFFSET_MISMATCH" | "UPLOAD_INCOMPLETE");
        if !error.is_retryable() && !is_curable {
            return Err(error);
        }
        if moved_at.elapsed() > stall {
            return Err(error);
        }
        tracing::debug!(error = %error, "upload broke; resuming");
        sleep(Backoff::CONTRACT.delay(tries, fastrand::f64(), error.retry_after())).await;
        tries += 1;
        result = match upload.query().await {
            Ok(status) if status.complete => return Ok(false),
            Ok(status) => {
                let safe = status.committed_size.max(0).unsigned_abs();
                if safe > committed {
                    (moved_at, tries) = (Instant::now(), 0);
                }
                committed = safe;
                upload.send(committed).await
            }
            Err(error) => Err(error),
        };
    }
}

impl Upload<'_> {
    async fn query(&self) -> Result<v1::QueryUploadResponse, Error> {
        let request = v1::QueryUploadRequest {
            upload_id: self.upload_id.clone(),
            digest: self.source.digest.clone(),
        };
        let mut client = self.connection.artifacts();
        match timeout(self.stall, client.query_upload(request)).await {
            Ok(response) => Ok(response?.into_inner()),
            Err(_) => Err(Error::new(ErrorKind::Unavailable, "CALL_TIMEOUT", "no answer")),
        }
    }

    async fn send(&self, offset: u64) -> Result<bool, Error> {
        let (messages, outgoing) = mpsc::channel(1);
        let header = v1::UploadHeader {
            upload_id: self.upload_id.clone(),
            digest: self.source.digest.clone(),
            size_bytes: i64::try_from(self.source.size).unwrap_or(i64::MAX),
            media_type: self.options.media_type.clone(),
            write_offset: i64::try_from(offset).unwrap_or(i64::MAX),
        };
        let (failed, failure) = oneshot::channel();
        let (source, on_progress) = (Arc::clone(&self.source), self.options.on_progress.clone());
        let reading = tokio::spawn(async move {
            if let Err(error) = produce(&source, header, offset, on_progress, &messages).await {
                let _ = failed.send(error);
            }
        });
        let outgoing = ReceiverStream::new(outgoing);
        let response = self.connection.artifacts().upload_artifact(outgoing).await;
        reading.abort();
        // A read that failed cut the stream short, and that is the reason to tell.
        match (response, failure.await) {
            (_, Ok(error)) => Err(error),
            (Ok(response), Err(_)) => Ok(response.into_inner().already_existed),
            (Err(status), Err(_)) => Err(status.into()),
        }
    }
}

async fn produce(
    source: &Measured,
    header: v1::UploadHeader,
    offset: u64,
    on_progress: Option<OnProgress>,
    messages: &mpsc::Sender<v1::UploadArtifactRequest>,
) -> Result<(), Error> {
    let message = |message| v1::UploadArtifactRequest { message: Some(message) };
    if messages.send(message(Message::Header(header))).await.is_err() {
        return Ok(());
    }
    let (chunks, mut read) = mpsc::channel::<Bytes>(READ_AHEAD);
    let reading = async {
        let chunks = chunks;
        source.read(offset, LeaseClocks::CONTRACT.artifact_chunk_bytes, &chunks).await
    };
    let sending = async {
        let mut sent_bytes = offset;
        while let Some(chunk) = read.recv().await {
            sent_bytes += chunk.len() as u64;
            if messages.send(message(Message::Chunk(chunk))).await.is_err() {
                break;
            }
            if let Some(tell) = &on_progress {
                tell(UploadProgress { sent_bytes, total_bytes: source.size });
            }
        }
        read.close();
    };
    tokio::join!(reading, sending).0
}
