//! A worker that is told to stop in mid-job: what it holds finishes, nothing is lost:
//! `cargo run --example graceful-shutdown`.

use std::time::Duration;

use stellaops_orchestrator::{Error, HandlerError, JobContext, JobRequest, Orchestrator, Worker};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let orchestrator = Orchestrator::new()?;
    let shutdown = CancellationToken::new();
    let is_begun = shutdown.clone();
    let slow = move |job: JobContext| {
        is_begun.cancel();
        async move {
            println!("begun {}", job.job_id());
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => Ok::<_, HandlerError>(()),
                // Not before the grace is over.
                reason = job.stopped() => Err(reason.into()),
            }
        }
    };
    let worker = Worker::builder()
        .handler("example.slow", slow)
        .concurrency(2)
        .drain_grace(Duration::from_secs(10))
        .build()?;

    let requests = (0..4).map(|index| JobRequest::new("example.slow").payload(index.to_string()));
    let jobs = orchestrator.enqueue_many(requests).await;
    let jobs = jobs.into_iter().collect::<Result<Vec<_>, _>>()?;
    // With `run()` it is SIGTERM and SIGINT that ask for the drain.
    worker.run_until(shutdown).await?;
    println!("the worker has drained");

    for job in &jobs {
        let job = orchestrator.get_job(&job.job_id).await?;
        println!("{}, {} interruptions", job.state, job.interruptions);
    }
    // The others went back to their queue unharmed; they are not needed any more.
    let job_ids = jobs.into_iter().map(|job| job.job_id);
    orchestrator.cancel_jobs(job_ids, "end of the example", None).await?;
    Ok(())
}
