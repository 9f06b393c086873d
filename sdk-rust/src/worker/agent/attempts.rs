//! Handlers: how they begin, and what their ends mean.

use tokio::task::JoinError;
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use crate::client::names::FailureClass;
use crate::contract::from_duration;
use crate::payload::Output;
use crate::proto::v1;
use crate::worker::agent::{Agent, Ended};
use crate::worker::failure::{HandlerError, Outcome, failure};
use crate::worker::job_context::{JobContext, Parts};
use crate::worker::leases::{Alarm, Event, LeaseKey, Run};
use crate::worker::progress::{Reporter, Slot};

impl Agent {
    pub(super) fn start(&mut self, key: &LeaseKey) {
        let Some(held) = self.leases.get_mut(key) else { return };
        let Some(offer) = held.offer.take() else { return };
        let job_type = offer.spec.as_ref().map(|spec| spec.job_type.clone()).unwrap_or_default();
        let Some(handler) = self.handlers.get(&job_type) else {
            let message = format!("this worker has no handler for \"{job_type}\"");
            let incapable = failure(FailureClass::Incapable, message, false, None);
            return self.settle(key, Outcome::Failed(incapable));
        };
        let deadline = offer.attempt_deadline.map(from_duration).filter(|limit| !limit.is_zero());
        let slot = Slot::default();
        let parts = Parts {
            orchestrator: self.orchestrator.clone(),
            progress: slot.clone(),
            max_checkpoint_bytes: self.clocks.max_payload_bytes,
            teller: self.teller.clone(),
        };
        let job = JobContext::new(*offer, &held.lease, parts);
        let span = tracing::info_span!(
            "job",
            job_id = job.job_id(),
            job_type = job.job_type(),
            attempt = job.attempt(),
            lease_epoch = job.lease().lease_epoch,
            correlation_id = job.correlation_id(),
        );
        let attempt = job.lineage().scope(handler.start(job.clone()));
        let task = self.running.spawn(attempt.instrument(span));
        self.tasks.insert(task.id(), key.clone());
        let reporter = Reporter::new(slot);
        held.run = Some(Run { job, reporter, task });
        self.leases.apply(key, Event::Accepted);
        let deadline = deadline.unwrap_or(self.clocks.attempt_deadline);
        self.leases.set(key, Alarm::Stop, Instant::now() + deadline);
    }

    /// A handler's task is over. One that was aborted had been given up before, and one that
    /// ended after that comes to nothing.
    pub(crate) fn on_ended(&mut self, ended: Ended) {
        let (id, result) = match ended {
            Ok((id, result)) => (id, Some(result)),
            Err(error) => (error.id(), panic_of(error).map(Err)),
        };
        let key = self.tasks.remove(&id);
        let Some((key, result)) = key.zip(result) else { return };
        let Some(held) = self.leases.get(&key) else { return };
        let Some(job) = held.run.as_ref().map(|run| run.job.clone()) else { return };
        let outcome = match result {
            Ok(output) => self.completed(&held.lease, &job, output),
            Err(error) => {
                let (reason, attempt) = (held.stop_reason, job.attempt());
                tracing::warn!(job_id = job.job_id(), attempt, %error, "attempt failed");
                if let Some(throttle) = error.throttle.clone() {
                    self.outbox.throttle(throttle);
                }
                match reason {
                    Some(reason) => reason.outcome(&error.message),
                    None => Outcome::Failed(error.into()),
                }
            }
        };
        self.settle(&key, outcome);
    }

    /// The completion of an attempt that succeeded; an oversize result is a terminal failure.
    pub(super) fn completed(
        &self,
        lease: &v1::LeaseRef,
        job: &JobContext,
        output: Output,
    ) -> Outcome {
        let (size, limit) = (output.0.len(), self.clocks.max_payload_bytes);
        if size > limit {
            let message = format!(
                "a result of {size} bytes exceeds the limit of {limit}: upload it as an artifact"
            );
            return Outcome::Failed(failure(FailureClass::Oversize, message, true, None));
        }
        Outcome::Completed(v1::Completion {
            lease: Some(lease.clone()),
            completion_id: Uuid::now_v7().to_string(),
            result: output.0,
            artifacts: job.bindings(),
        })
    }
}

/// What a task that did not return came to: a panic, or nothing when it was aborted.
fn panic_of(error: JoinError) -> Option<HandlerError> {
    let panic = error.try_into_panic().ok()?;
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let message = format!("the handler panicked: {}", text.as_deref().unwrap_or("no message"));
    Some(HandlerError::retryable(message).failure_class(FailureClass::Panic))
}
