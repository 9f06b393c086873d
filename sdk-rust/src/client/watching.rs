//! Jobs as they change.

use std::collections::{HashMap, VecDeque};

use tokio::time::sleep;
use tonic::Streaming;

use crate::client::connection::Connection;
use crate::client::job::Job;
use crate::client::names::JobState;
use crate::error::Error;
use crate::proto::v1;
use crate::proto::v1::watch_jobs_request::Target;
use crate::retry::Backoff;

/// What to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchTarget {
    /// Up to 1,000 jobs, by their ids.
    Jobs(Vec<String>),
    /// All jobs of a run, also those that are appended meanwhile, up to 1,000; an open run is
    /// watched until it is closed.
    Run(String),
}

impl WatchTarget {
    /// These jobs, up to 1,000.
    pub fn jobs<I: Into<String>>(job_ids: impl IntoIterator<Item = I>) -> Self {
        Self::Jobs(job_ids.into_iter().map(Into::into).collect())
    }

    /// All jobs of this run.
    pub fn run(run_id: impl Into<String>) -> Self {
        Self::Run(run_id.into())
    }
}

/// Jobs as they change, until all of them have finished.
///
/// A watch that breaks is opened again, for ever, and jobs that did not change meanwhile are not
/// yielded again. Drop it to stop.
#[derive(Debug)]
#[must_use = "a watch asks for nothing until it is asked"]
pub struct Watch {
    connection: Connection,
    target: WatchTarget,
    /// What was said last of each job.
    seen: HashMap<String, v1::Job>,
    news: VecDeque<v1::Job>,
    stream: Option<Streaming<v1::WatchJobsResponse>>,
    tries: u32,
    is_over: bool,
}

impl Watch {
    pub(crate) fn new(connection: Connection, target: WatchTarget) -> Self {
        Self {
            connection,
            target,
            seen: HashMap::new(),
            news: VecDeque::new(),
            stream: None,
            tries: 0,
            is_over: false,
        }
    }

    /// The next job that changed, or none when all have finished. Changes in quick succession
    /// may arrive as one.
    ///
    /// # Errors
    /// `NotFound` (`JOB_NOT_FOUND`, `RUN_NOT_FOUND`), `FailedPrecondition` (`RUN_TOO_LARGE`: the
    /// run has, or has got, more than 1,000 jobs) and whatever else waiting cannot cure.
    pub async fn next(&mut self) -> Result<Option<Job>, Error> {
        loop {
            if let Some(job) = self.news.pop_front() {
                return Ok(Some(job.into()));
            }
            if self.is_over {
                return Ok(None);
            }
            let error = match self.read().await {
                Ok(()) => continue,
                Err(error) => error,
            };
            self.stream = None;
            if !error.is_retryable() {
                return Err(error);
            }
            tracing::debug!(error = %error, "watch broke; watching again");
            sleep(Backoff::CONTRACT.delay(self.tries, fastrand::f64(), error.retry_after())).await;
            self.tries = self.tries.saturating_add(1);
        }
    }

    async fn read(&mut self) -> Result<(), Error> {
        if self.stream.is_none() {
            let Some(target) = self.left() else {
                self.is_over = true;
                return Ok(());
            };
            let request = v1::WatchJobsRequest { target: Some(target) };
            self.stream = Some(self.connection.jobs().watch_jobs(request).await?.into_inner());
        }
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let Some(response) = stream.message().await? else {
            self.is_over = true;
            return Ok(());
        };
        self.tries = 0;
        for job in response.jobs {
            if self.seen.get(&job.job_id) != Some(&job) {
                self.seen.insert(job.job_id.clone(), job.clone());
                self.news.push_back(job);
            }
        }
        Ok(())
    }

    /// What is left to watch; none when every job named has finished.
    fn left(&self) -> Option<Target> {
        match &self.target {
            WatchTarget::Run(run_id) => Some(Target::RunId(run_id.clone())),
            WatchTarget::Jobs(job_ids) => {
                let is_finished = |id: &&String| {
                    let job = self.seen.get(*id);
                    job.is_some_and(|job| JobState::from_number(job.state).is_terminal())
                };
                let left: Vec<_> = job_ids.iter().filter(|id| !is_finished(id)).cloned().collect();
                (!left.is_empty()).then_some(Target::Jobs(v1::JobIds { job_ids: left }))
            }
        }
    }
}
