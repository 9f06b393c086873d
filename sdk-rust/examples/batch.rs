//! Enqueues many jobs in one call: `cargo run --example batch -- [COUNT]`.

use std::error::Error;
use std::time::Instant;

use stellaops_orchestrator::{JobRequest, Orchestrator};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let orchestrator = Orchestrator::new()?;
    let count: usize = std::env::args().nth(1).map_or(Ok(1000), |count| count.parse())?;
    let jobs = (0..count)
        .map(|index| JobRequest::new("example.batch").payload(index.to_string()).priority(-5));
    // One bad job does not stop its neighbours.
    let jobs = jobs.chain([JobRequest::new("Not A Job Type")]);

    let started = Instant::now();
    let results = orchestrator.enqueue_many(jobs).await;
    let created = results.iter().filter(|result| result.is_ok()).count();
    println!("created {created} of {} in {:.2?}", results.len(), started.elapsed());
    for error in results.into_iter().filter_map(Result::err) {
        for violation in error.violations() {
            println!("rejected: {} {} {}", error.kind(), violation.field, violation.description);
        }
    }
    Ok(())
}
