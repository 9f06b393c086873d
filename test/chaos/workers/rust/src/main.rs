//! A chaos worker in Rust, for all tenants: its settings are the JSON in its argument. It says in
//! a journal what it does, and works until its standard input ends. See ../../worker.ts, which is
//! the same in TypeScript. This SDK has no log line for a result that was refused as stale, so
//! the journal has none either.

mod journal;

use std::error::Error;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use stellaops_orchestrator::{HandlerError, JobContext, Output, Worker};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::journal::Journal;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    url: String,
    worker_id: String,
    incarnation: u32,
    tenants: Vec<String>,
    marks: Vec<String>,
    concurrency: usize,
    journal: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    nonce: String,
    work_ms: u64,
    failures: i32,
}

const JOB_TYPES: [&str; 6] =
    ["chaos.quick", "chaos.work", "chaos.deaf", "chaos.flaky", "chaos.hopeless", "chaos.poison"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().next_back().ok_or("no settings")?;
    let settings: Settings = serde_json::from_str(&argument)?;
    let process = format!("{}#{}", settings.worker_id, settings.incarnation);
    let journal = Arc::new(Journal::open(&settings.journal, process)?);
    let stop = CancellationToken::new();
    stop_at_end_of_input(stop.clone());
    let mut workers = JoinSet::new();
    for tenant in &settings.tenants {
        let worker = worker_for(&settings, tenant, &journal)?;
        workers.spawn(worker.run_until(stop.clone()));
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(())
}

/// A thread of its own: a read of the standard input cannot be cancelled.
fn stop_at_end_of_input(stop: CancellationToken) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while std::io::stdin().read(&mut buffer).is_ok_and(|bytes| bytes > 0) {}
        stop.cancel();
    });
}

fn worker_for(
    settings: &Settings,
    tenant: &str,
    journal: &Arc<Journal>,
) -> Result<Worker, Box<dyn Error>> {
    let mut builder = Worker::builder()
        .url(&settings.url)
        .tenant(tenant)
        .worker_id(&settings.worker_id)
        .concurrency(settings.concurrency);
    for job_type in JOB_TYPES {
        let telling = Arc::new(Telling {
            tenant: tenant.to_owned(),
            marks: settings.marks.clone(),
            journal: Arc::clone(journal),
        });
        builder = builder.handler(job_type, move |job| {
            let telling = Arc::clone(&telling);
            async move { telling.handle(job).await }
        });
    }
    Ok(builder.build()?)
}

/// Notes what happens to a handler.
struct Telling {
    tenant: String,
    marks: Vec<String>,
    journal: Arc<Journal>,
}

impl Telling {
    async fn handle(&self, job: JobContext) -> Result<Output, HandlerError> {
        let payload: Payload = job.json()?;
        let lease = job.lease();
        let facts = json!({
            "jobId": lease.job_id, "attempt": lease.attempt, "leaseEpoch": lease.lease_epoch,
        });
        let mut begun = facts.clone();
        begun["leaseToken"] = lease.lease_token.clone().into();
        begun["nonce"] = payload.nonce.clone().into();
        begun["marks"] = self.marks_in(&job);
        self.journal.note(&self.tenant, "started", &begun);
        let result = act(&job, &payload).await;
        let event = if result.is_ok() { "finished" } else { "thrown" };
        self.journal.note(&self.tenant, event, &facts);
        result
    }

    fn marks_in(&self, job: &JobContext) -> Value {
        let payload = String::from_utf8_lossy(job.payload());
        let text = format!("{payload} {:?} {:?}", job.labels(), job.source());
        self.marks.iter().filter(|mark| text.contains(*mark)).cloned().collect()
    }
}

/// Does what the job's type says.
async fn act(job: &JobContext, payload: &Payload) -> Result<Output, HandlerError> {
    let work = Duration::from_millis(payload.work_ms);
    match job.job_type() {
        "chaos.quick" | "chaos.work" => tokio::select! {
            () = tokio::time::sleep(work) => Ok(Output::json(&json!({ "worked": payload.work_ms }))?),
            reason = job.stopped() => Err(reason.into()),
        },
        // Does not hear that it is to stop, as a handler in a system call.
        "chaos.deaf" => {
            tokio::task::spawn_blocking(move || std::thread::sleep(work)).await?;
            Ok(Output::json(&json!({ "worked": payload.work_ms }))?)
        }
        "chaos.flaky" if job.attempt() <= payload.failures => {
            let text = format!("attempt {} of {} that fail", job.attempt(), payload.failures);
            Err(HandlerError::retryable(text))
        }
        "chaos.flaky" => Ok(Output::json(&json!({ "attempt": job.attempt() }))?),
        "chaos.poison" => {
            let own = rustix::process::getpid();
            let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
            std::future::pending().await
        }
        _ => Err(HandlerError::terminal("no attempt could succeed")),
    }
}
