//! A worker with handlers that do nothing, for the benchmarks: the Rust twin of
//! `bench/src/programs/worker.ts`. It takes commands as lines of JSON and answers likewise, and
//! ends with its standard input.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::{Value, json};
use stellaops_orchestrator::{HandlerError, JobContext, Output, Worker};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Bounds how often handled jobs are told: a line for each would be a load of its own.
const COUNT_INTERVAL: Duration = Duration::from_millis(4);

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Command {
    Start { url: String, tenant: String, worker_id: String, slots: usize },
    Stop,
}

/// When a job was meant to be sent, in microseconds of the machine's monotonic clock.
#[derive(Deserialize)]
struct Payload {
    t: i64,
}

#[derive(Default)]
struct Counts {
    handled: u64,
    latencies_us: Vec<i64>,
    telling: bool,
}

/// A worker that runs.
struct Fleet {
    counts: Arc<Mutex<Counts>>,
    stop: CancellationToken,
    running: JoinHandle<Result<(), stellaops_orchestrator::Error>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut fleet = None;
    while let Some(line) = lines.next_line().await? {
        match obey(serde_json::from_str(&line)?, &mut fleet).await {
            Ok(answer) => println!("{}", json!({ "answer": answer })),
            Err(error) => println!("{}", json!({ "failed": error.to_string() })),
        }
    }
    Ok(())
}

async fn obey(command: Command, fleet: &mut Option<Fleet>) -> Result<Value, Box<dyn Error>> {
    match command {
        Command::Start { url, tenant, worker_id, slots } => {
            *fleet = Some(start(&url, &tenant, &worker_id, slots)?);
            Ok(json!(true))
        }
        Command::Stop => {
            let Fleet { counts, stop, running } = fleet.take().ok_or("does not work")?;
            stop.cancel();
            running.await??;
            let counts = locked(&counts);
            Ok(json!({ "handled": counts.handled, "latenciesUs": counts.latencies_us }))
        }
    }
}

fn start(url: &str, tenant: &str, id: &str, slots: usize) -> Result<Fleet, Box<dyn Error>> {
    let counts = Arc::new(Mutex::new(Counts::default()));
    let (noop, timed) = (Arc::clone(&counts), Arc::clone(&counts));
    let worker = Worker::builder()
        .url(url)
        .tenant(tenant)
        .worker_id(id)
        .concurrency(slots)
        .handler("bench.noop", move |_: JobContext| {
            count(&noop, None);
            async { Ok::<_, HandlerError>(Output::default()) }
        })
        .handler("bench.timed", move |job: JobContext| {
            let now = now_us();
            let timed = Arc::clone(&timed);
            async move {
                let Payload { t } = job.json()?;
                count(&timed, Some(now - t));
                Ok::<_, HandlerError>(Output::default())
            }
        })
        .build()?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker.run_until(stop.clone()));
    Ok(Fleet { counts, stop, running })
}

fn count(counts: &Arc<Mutex<Counts>>, latency_us: Option<i64>) {
    let mut held = locked(counts);
    held.handled += 1;
    held.latencies_us.extend(latency_us);
    if std::mem::replace(&mut held.telling, true) {
        return;
    }
    let counts = Arc::clone(counts);
    tokio::spawn(async move {
        tokio::time::sleep(COUNT_INTERVAL).await;
        let mut held = locked(&counts);
        held.telling = false;
        println!("{}", json!({ "done": held.handled }));
    });
}

fn locked(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clock that Node's `process.hrtime` reads, too.
fn now_us() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}
