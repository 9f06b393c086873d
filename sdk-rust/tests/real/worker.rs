use std::time::Duration;

use stellaops_orchestrator::{
    ErrorKind, FailureClass, HandlerError, JobContext, JobRequest, JobState, Orchestrator,
    Progress, RetryOverrides, TraceContext, Worker, WorkerBuilder,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::server::{client, url};

/// A worker in the background, and what stops it.
pub(crate) struct Running {
    stop: CancellationToken,
    working: JoinHandle<Result<(), stellaops_orchestrator::Error>>,
}

impl Running {
    pub(crate) fn start(tenant: &str, set: impl FnOnce(WorkerBuilder) -> WorkerBuilder) -> Self {
        let builder = Worker::builder().url(url()).tenant(tenant);
        let worker = set(builder).build().unwrap();
        let stop = CancellationToken::new();
        let working = tokio::spawn(worker.run_until(stop.clone()));
        Self { stop, working }
    }

    pub(crate) async fn drain(self) {
        self.stop.cancel();
        self.working.await.unwrap().unwrap();
    }
}

async fn run_one(
    orchestrator: &Orchestrator,
    request: JobRequest,
) -> stellaops_orchestrator::JobDetail {
    let job = orchestrator.enqueue(request).await.unwrap();
    orchestrator.wait_for_job(&job.job_id).await.unwrap()
}

fn once() -> RetryOverrides {
    RetryOverrides { max_attempts: Some(1), ..RetryOverrides::default() }
}

fn twice() -> RetryOverrides {
    RetryOverrides {
        max_attempts: Some(2),
        initial_backoff: Some(Duration::from_millis(1)),
        ..RetryOverrides::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_reaches_the_next_attempt() {
    let tenant = "rust-checkpoint";
    let handler = |job: JobContext| async move {
        if job.attempt() == 1 {
            job.progress(Progress::new(0.5).checkpoint("half"))?;
            return Err(HandlerError::retryable("again"));
        }
        Ok(job.checkpoint().clone())
    };
    let worker = Running::start(tenant, |worker| worker.handler("rust.checkpoint", handler));
    let request = JobRequest::new("rust.checkpoint").retry(twice());
    let done = run_one(&client(tenant), request).await;
    assert_eq!((done.state, &done.result[..]), (JobState::Succeeded, &b"half"[..]));
    worker.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failure_of_its_own_class() {
    let tenant = "rust-panic";
    async fn handler(_: JobContext) -> Result<(), HandlerError> {
        panic!("no such luck")
    }
    let worker = Running::start(tenant, |worker| worker.handler("rust.panic", handler));
    let done = run_one(&client(tenant), JobRequest::new("rust.panic").retry(once())).await;
    let failure = done.last_failure.as_ref().unwrap();
    assert_eq!((done.state, failure.failure_class), (JobState::Dead, FailureClass::Panic));
    assert!(failure.message.contains("no such luck"), "{}", failure.message);
    worker.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_inherits_trace_and_correlation() {
    let tenant = "rust-lineage";
    let parent = |job: JobContext| async move {
        let child = job.orchestrator().enqueue(JobRequest::new("rust.child")).await?;
        Ok::<_, HandlerError>(child.job_id)
    };
    let worker = Running::start(tenant, |worker| worker.handler("rust.parent", parent));
    let orchestrator = client(tenant);
    let trace = TraceContext::new("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "");
    let request = JobRequest::new("rust.parent").correlation_id("c-1");
    let done = run_one(&orchestrator, request.trace_context(trace.clone())).await;
    let child = std::str::from_utf8(&done.result).unwrap();
    let child = orchestrator.get_job(child).await.unwrap();
    assert_eq!((&child.trace_context, child.correlation_id.as_str()), (&trace, "c-1"));
    worker.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_worker_of_the_same_id_ends_the_older() {
    let tenant = "rust-supersede";
    let handler = |_: JobContext| async move { Ok(()) };
    let start =
        || Running::start(tenant, |worker| worker.handler("rust.any", handler).worker_id("one"));
    let older = start();
    // It is up once it has done a job.
    run_one(&client(tenant), JobRequest::new("rust.any")).await;
    let newer = start();
    let error = older.working.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Aborted, "SESSION_SUPERSEDED"));
    assert!(!error.is_retryable());
    newer.drain().await;
}

#[tokio::test]
async fn a_worker_without_handlers_is_none() {
    let error = Worker::builder().url(url()).build().unwrap_err();
    assert_eq!(error.reason(), "WORKER_INVALID");
}
