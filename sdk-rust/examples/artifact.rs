//! Uploads a file, lets a job read it, and downloads what the job made:
//! `cargo run --example artifact -- [FILE]`.

use std::error::Error;
use std::path::PathBuf;

use stellaops_orchestrator::{
    HandlerError, JobContext, JobRequest, Orchestrator, UploadOptions, Worker,
};
use tokio_util::sync::CancellationToken;

/// Makes an artifact out of one, however large the input is.
async fn fingerprint(job: JobContext) -> Result<(), HandlerError> {
    let input = job.load_payload().await?;
    let zeros = input.iter().filter(|byte| **byte == 0).count();
    let report = format!("{} bytes, {zeros} of them zero\n", input.len());
    let options = UploadOptions::new().media_type("text/plain");
    job.upload_artifact("report.txt", report, options).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let orchestrator = Orchestrator::new()?;
    let worker = Worker::builder().handler("example.fingerprint", fingerprint).build()?;
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.run_until(stop.clone()));

    let path = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::current_exe, |path| Ok(PathBuf::from(path)))?;
    let artifacts = orchestrator.artifacts();
    let options = UploadOptions::new()
        .on_progress(|at| eprintln!("{} of {} bytes", at.sent_bytes, at.total_bytes));
    let input = artifacts.upload_with(path, options).await?;
    println!("{} ({} bytes)", input.digest, input.size_bytes);

    let request = JobRequest::new("example.fingerprint").payload(&input);
    let job = orchestrator.enqueue(request).await?;
    let done = orchestrator.wait_for_job(&job.job_id).await?;
    println!("{}", done.state);
    for artifact in &done.artifacts {
        let file = std::env::temp_dir().join(format!("{}-{}", done.job_id, artifact.name));
        artifacts.download_to(&artifact.digest, &file).await?;
        print!("{}: {}", artifact.name, std::fs::read_to_string(&file)?);
        std::fs::remove_file(file)?;
    }
    stop.cancel();
    working.await??;
    Ok(())
}
