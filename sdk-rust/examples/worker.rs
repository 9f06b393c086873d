//! Runs handlers until SIGTERM or Ctrl-C: `cargo run --example worker`.

use std::error::Error;
use std::time::Duration;

use stellaops_orchestrator::{FailureClass, HandlerError, JobContext, Output, Progress, Worker};

/// Counts the lines of a manifest, a line at a time, and can be stopped at any of them.
async fn scan(job: JobContext) -> Result<Output, HandlerError> {
    let manifest = job.load_payload().await?;
    let text = std::str::from_utf8(&manifest).map_err(|cause| {
        HandlerError::terminal(cause.to_string()).failure_class(FailureClass::ParseError)
    })?;
    let lines = text.lines().count();
    for line in 0..lines {
        if let Some(reason) = job.stop_reason() {
            return Err(reason.into());
        }
        job.progress(Progress::new(line as f64 / lines as f64).message("scanning"))?;
        tokio::task::yield_now().await;
    }
    Ok(Output::json(&lines)?)
}

/// An upstream that is down: tried again, not before the delay that it asked for.
async fn ingest(job: JobContext) -> Result<(), HandlerError> {
    match job.attempt() {
        1 => Err(HandlerError::retryable("HTTP 503")
            .failure_class(FailureClass::Http5xx)
            .retry_after(Duration::from_millis(100))),
        _ => Ok(()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let worker = Worker::builder()
        .handler("sbom.scan", scan)
        .handler("concelier.ingest.osv", ingest)
        .concurrency(16)
        .build()?;
    println!("worker {}", worker.worker_id());
    worker.run().await?;
    println!("drained");
    Ok(())
}
