//! Watches a job and cancels it once it has got somewhere: `cargo run --example cancel`.

use std::time::Duration;

use stellaops_orchestrator::{
    Error, HandlerError, JobContext, JobRequest, Orchestrator, Progress, WatchTarget, Worker,
};
use tokio_util::sync::CancellationToken;

/// Has no end of its own, and stops when it is asked to.
async fn count(job: JobContext) -> Result<(), HandlerError> {
    job.progress(Progress::new(0.5).message("half way"))?;
    let reason = job.stopped().await;
    println!("the handler stops: {reason}");
    Err(reason.into())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let orchestrator = Orchestrator::new()?;
    let worker = Worker::builder().handler("example.count", count).build()?;
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.run_until(stop.clone()));

    let job = orchestrator.enqueue(JobRequest::new("example.count")).await?;
    let mut watch = orchestrator.watch_jobs(WatchTarget::jobs([&job.job_id]));
    let mut is_cancelled = false;
    while let Some(seen) = watch.next().await? {
        println!("{}", seen.state);
        if seen.progress.is_some() && !is_cancelled {
            is_cancelled = true;
            let grace = Some(Duration::from_secs(2));
            let cancelled = orchestrator.cancel_jobs([&job.job_id], "seen enough", grace).await?;
            println!("cancel: {}", cancelled[0].outcome);
        }
    }
    for event in orchestrator.job_events(&job.job_id).collect().await? {
        println!("{} by {}", event.kind, event.actor);
    }
    stop.cancel();
    working.await.expect("the worker did not panic")
}
