//! Enqueues one job and waits for it: `cargo run --example enqueue`.

use stellaops_orchestrator::{Error, ErrorKind, JobRequest, Orchestrator};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let orchestrator = Orchestrator::new()?;
    let request = JobRequest::new("sbom.scan")
        .payload("serde 1.0\ntokio 1.54\n")
        .idempotency_key("scan-of-commit-4f2a")
        .label("ecosystem", "crates.io");
    let job = orchestrator.enqueue(request.clone()).await?;
    println!("enqueued {}", job.job_id);

    // The same key and content is the same job; the same key and other content is refused.
    let again = orchestrator.enqueue(request).await?;
    println!("again: duplicate {}", again.is_duplicate);
    let other = JobRequest::new("sbom.scan").idempotency_key("scan-of-commit-4f2a");
    match orchestrator.enqueue(other).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => println!("{}", error.reason()),
        other => println!("unexpected: {other:?}"),
    }

    let done = orchestrator.wait_for_job(&job.job_id).await?;
    println!("{} with {}", done.state, String::from_utf8_lossy(&done.result));
    Ok(())
}
