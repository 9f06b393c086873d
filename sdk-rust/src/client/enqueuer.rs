//! Coalesces concurrent enqueue calls into batches without a timer.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::client::connection::{Connection, Jobs};
use crate::contract::LeaseClocks;
use crate::error::{Error, ErrorKind};
use crate::proto::constants::ENQUEUE_JOBS_REQUEST_JOBS_MAX_ITEMS as MAX_JOBS;
use crate::proto::v1::{EnqueueJobsRequest, EnqueueResult, JobSpec};
use crate::retry::with_retries;

/// The most bytes of jobs in one request: seven eighths of what the server reads, so that no
/// framing, ours or a proxy's, breaks the limit.
const MAX_BATCH_BYTES: usize = LeaseClocks::CONTRACT.max_message_bytes / 8 * 7;

/// Tag and length of a job in its request.
const FRAMING_BYTES: usize = 8;

/// The server's answer for a spec, or why there is none.
pub(crate) type Answer = Result<EnqueueResult, Error>;

/// Sends jobs to the server.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) connection: Connection,
    pub(crate) timeout: Duration,
}

impl Sender {
    async fn send(&self, jobs: &[JobSpec]) -> Result<Vec<EnqueueResult>, Error> {
        let request = EnqueueJobsRequest { jobs: jobs.to_vec() };
        let client = self.connection.jobs();
        let call = |mut client: Jobs, request| async move { client.enqueue_jobs(request).await };
        with_retries(self.timeout, client, request, call).await.map(|response| response.results)
    }

    /// Sends a batch so that one bad item never fails its neighbours: when the server refuses
    /// the request as a whole (`InvalidArgument`), the items that its violations name go alone
    /// and the rest together again; when it names none, every item goes alone.
    pub(crate) async fn send_isolated(&self, specs: &[JobSpec]) -> Vec<Answer> {
        let error = match self.send(specs).await {
            Ok(results) => return answers(results, specs.len()),
            Err(error) => error,
        };
        if specs.len() == 1 || error.kind() != ErrorKind::InvalidArgument {
            return vec![Err(error); specs.len()];
        }
        let named = named_by(&error, specs.len());
        let mut sent: Vec<Option<Answer>> = vec![None; specs.len()];
        if !named.is_empty() && named.len() < specs.len() {
            let rest: Vec<usize> = (0..specs.len()).filter(|i| !named.contains(i)).collect();
            let jobs: Vec<JobSpec> = rest.iter().map(|&i| specs[i].clone()).collect();
            let answered = Box::pin(self.send_isolated(&jobs)).await;
            for (index, answer) in rest.into_iter().zip(answered) {
                sent[index] = Some(answer);
            }
        }
        for (spec, slot) in specs.iter().zip(&mut sent) {
            if slot.is_none() {
                let answered = self.send(std::slice::from_ref(spec)).await;
                *slot = answered.map_or_else(|error| Some(Err(error)), |r| answers(r, 1).pop());
            }
        }
        sent.into_iter().map(|answer| answer.unwrap_or_else(unanswered)).collect()
    }
}

fn answers(results: Vec<EnqueueResult>, count: usize) -> Vec<Answer> {
    let mut results = results.into_iter();
    (0..count).map(|_| results.next().map_or_else(unanswered, Ok)).collect()
}

fn unanswered() -> Answer {
    let message = "the server left a job without an answer";
    Err(Error::new(ErrorKind::Internal, "", message))
}

/// The indexes of the jobs that a request's violations name, such as `jobs[3].job_type`.
fn named_by(error: &Error, count: usize) -> HashSet<usize> {
    let index = |field: &str| field.strip_prefix("jobs[")?.split_once(']')?.0.parse().ok();
    error
        .violations()
        .iter()
        .filter_map(|violation| index(&violation.field))
        .filter(|&index| index < count)
        .collect()
}

fn weight(spec: &JobSpec) -> usize {
    spec.encoded_len() + FRAMING_BYTES
}

/// Splits specs into batches that fit the contract's item and message limits, in order.
pub(crate) fn batches_of(specs: &[JobSpec]) -> impl Iterator<Item = &[JobSpec]> {
    let mut rest = specs;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take(MAX_JOBS).take_while(|spec| {
            bytes += weight(spec);
            bytes <= MAX_BATCH_BYTES
        });
        let count = fits.count().max(1).min(rest.len());
        let (batch, others) = rest.split_at(count);
        rest = others;
        (!batch.is_empty()).then_some(batch)
    })
}

struct Waiting {
    spec: JobSpec,
    answer: oneshot::Sender<Answer>,
    room: Option<OwnedSemaphorePermit>,
}

/// A queue of jobs that waits for the batch before to be answered: a call that finds it idle
/// goes at once, calls that come meanwhile share the next batch. So one caller sees no delay and
/// many callers share the cost of an RPC.
#[derive(Debug, Clone)]
pub(crate) struct Enqueuer {
    waiting: mpsc::UnboundedSender<Waiting>,
    /// Bounds the bytes that wait; callers beyond it wait for room.
    room: Arc<Semaphore>,
    max_bytes: u32,
}

impl Enqueuer {
    /// Starts the queue's task, which ends with the last clone of the enqueuer.
    pub(crate) fn start(sender: Sender, max_bytes: u32) -> Self {
        let (waiting, incoming) = mpsc::unbounded_channel();
        tokio::spawn(pump(sender, incoming));
        Self { waiting, room: Arc::new(Semaphore::new(max_bytes as usize)), max_bytes }
    }

    /// Adds a job and waits for its answer. Dropping the future withdraws a job that waits; one
    /// that is on its way is not called back, and may be in the ledger.
    pub(crate) async fn add(&self, spec: JobSpec) -> Answer {
        let bytes = u32::try_from(weight(&spec)).unwrap_or(u32::MAX).min(self.max_bytes);
        let permit = Arc::clone(&self.room).acquire_many_owned(bytes).await.ok();
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { spec, answer, room: permit };
        if self.waiting.send(waiting).is_err() {
            return unanswered();
        }
        answered.await.unwrap_or_else(|_| unanswered())
    }
}

async fn pump(sender: Sender, mut incoming: mpsc::UnboundedReceiver<Waiting>) {
    let mut queue = Vec::new();
    loop {
        if queue.is_empty() && incoming.recv_many(&mut queue, MAX_JOBS).await == 0 {
            return;
        }
        // Callers that were woken together shall share the batch.
        tokio::task::yield_now().await;
        while queue.len() < MAX_JOBS {
            let Ok(waiting) = incoming.try_recv() else { break };
            queue.push(waiting);
        }
        queue.retain(|waiting| !waiting.answer.is_closed());
        let mut bytes = 0;
        let fits = queue.iter().take_while(|waiting| {
            bytes += weight(&waiting.spec);
            bytes <= MAX_BATCH_BYTES
        });
        let count = fits.count().max(1).min(queue.len());
        let (mut specs, mut callers) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for waiting in queue.drain(..count) {
            specs.push(waiting.spec);
            callers.push((waiting.answer, waiting.room));
        }
        if specs.is_empty() {
            continue;
        }
        for ((caller, _), answer) in callers.into_iter().zip(sender.send_isolated(&specs).await) {
            // A caller that went away meanwhile needs no answer.
            let _ = caller.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(bytes: usize) -> JobSpec {
        JobSpec { payload: vec![0; bytes].into(), ..Default::default() }
    }

    fn sizes(specs: &[JobSpec]) -> Vec<usize> {
        batches_of(specs).map(<[JobSpec]>::len).collect()
    }

    #[test]
    fn batches_fit_both_limits() {
        assert_eq!(sizes(&vec![spec(1); 2500]), [1000, 1000, 500]);
        assert_eq!(sizes(&vec![spec(1 << 20); 7]), [3, 3, 1]);
        assert_eq!(sizes(&[spec(5 << 20), spec(1)]), [1, 1]);
        assert!(sizes(&[]).is_empty());
    }
}
