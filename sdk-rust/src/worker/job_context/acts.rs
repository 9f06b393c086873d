//! What a handler does with its job: reports, products, more jobs.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::artifacts::{ArtifactSource, UploadOptions, UploadedArtifact};
use crate::client::names::FailureClass;
use crate::client::run_spec::RunJob;
use crate::client::run_view::AppendedJobs;
use crate::error::{Error, ErrorKind};
use crate::proto::constants::{ARTIFACT_BINDING_NAME_MAX_BYTES, COMPLETION_ARTIFACTS_MAX_ITEMS};
use crate::worker::failure::{HandlerError, Throttle};
use crate::worker::job_context::{JobContext, Told};
use crate::worker::progress::{Progress, Stored};

impl JobContext {
    /// Says how far the attempt got. May be called as often as you like: what is said while a
    /// report is on its way is merged into the next.
    ///
    /// # Errors
    /// Terminal, of the class [`FailureClass::Oversize`], for a checkpoint that is too large.
    pub fn progress(&self, progress: Progress) -> Result<(), HandlerError> {
        self.report(progress, None)
    }

    /// Like [`progress`](Self::progress), and waits until the ledger has this or a newer report;
    /// false if it never will, because the lease is lost.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    pub async fn progress_stored(&self, progress: Progress) -> Result<bool, HandlerError> {
        let (stored, is_stored) = oneshot::channel();
        self.report(progress, Some(stored))?;
        Ok(is_stored.await.unwrap_or(false))
    }

    fn report(&self, progress: Progress, stored: Option<Stored>) -> Result<(), HandlerError> {
        let (size, limit) = (progress.checkpoint.len(), self.0.max_checkpoint_bytes);
        if size > limit {
            let text = format!("a checkpoint of {size} bytes exceeds the limit of {limit}");
            return Err(HandlerError::terminal(text).failure_class(FailureClass::Oversize));
        }
        if self.0.progress.put(progress, stored) {
            self.tell(Told::Progress(self.0.key.clone()));
        }
        Ok(())
    }

    /// Uploads an artifact of this attempt. It is bound to the job under `name`, of 1 to 255
    /// bytes, when the handler succeeds; a second one of the same name replaces the first.
    ///
    /// # Errors
    /// As [`Artifacts::upload`](crate::Artifacts::upload), and `InvalidArgument`
    /// (`ARTIFACT_INVALID`) for a name that is none or more than 1,000 artifacts.
    pub async fn upload_artifact(
        &self,
        name: impl Into<String>,
        source: impl Into<ArtifactSource>,
        options: UploadOptions,
    ) -> Result<UploadedArtifact, Error> {
        let name = name.into();
        let invalid = |message| Error::new(ErrorKind::InvalidArgument, "ARTIFACT_INVALID", message);
        if name.is_empty() || name.len() > ARTIFACT_BINDING_NAME_MAX_BYTES {
            let limit = ARTIFACT_BINDING_NAME_MAX_BYTES;
            return Err(invalid(format!("an artifact's name has 1 to {limit} bytes: \"{name}\"")));
        }
        let artifacts = self.orchestrator().artifacts();
        let uploaded = artifacts.upload_with(source, options).await?;
        let mut bound = self.0.artifacts.lock().unwrap_or_else(PoisonError::into_inner);
        if bound.len() == COMPLETION_ARTIFACTS_MAX_ITEMS && !bound.contains_key(&name) {
            let limit = COMPLETION_ARTIFACTS_MAX_ITEMS;
            return Err(invalid(format!("an attempt binds at most {limit} artifacts")));
        }
        bound.insert(name, uploaded.digest.clone());
        Ok(uploaded)
    }

    /// Appends 1 to 1,000 jobs to the job's own run, under its lease; the run need not be open.
    /// Whoever depends on this job with
    /// [`include_fan_out`](crate::Dependency::include_fan_out) waits for them, too. Safe to
    /// repeat, also in the next attempt: a name that is there with the same content is the same
    /// job. They inherit the job's trace context, and their run's correlation id.
    ///
    /// # Errors
    /// `FailedPrecondition` (`JOB_NOT_IN_RUN`) outside of a run, without asking the server;
    /// `FailedPrecondition` (`STALE_LEASE`) when the lease is lost; and as
    /// [`Runs::append`](crate::Runs::append).
    pub async fn fan_out(
        &self,
        jobs: impl IntoIterator<Item = RunJob>,
    ) -> Result<AppendedJobs, Error> {
        let Some(run_id) = self.run_id() else {
            let message = "a job outside of a run cannot fan out: enqueue instead";
            return Err(Error::new(ErrorKind::FailedPrecondition, "JOB_NOT_IN_RUN", message));
        };
        self.orchestrator().runs().fan_out(run_id, jobs, self.lease()).await
    }

    /// Reports that an upstream asked to slow down, without failing the attempt; the whole fleet
    /// hears of it. `resource_key` is the upstream's host, `remaining` the calls that it says are
    /// left. See [`HandlerError::throttled`] to fail as well.
    pub fn throttle(
        &self,
        resource_key: impl Into<String>,
        retry_after: Option<Duration>,
        remaining: Option<u64>,
    ) {
        self.tell(Told::Throttle(Throttle {
            resource_key: resource_key.into(),
            retry_after,
            remaining,
        }));
    }

    fn tell(&self, told: Told) {
        // A worker that is gone has nobody left to tell.
        let _ = self.0.teller.send(told);
    }
}
