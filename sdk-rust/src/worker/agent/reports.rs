//! What the server is told of an attempt: its progress and its outcome.

use tokio::time::Instant;
use uuid::Uuid;

use crate::client::names::FailureClass;
use crate::error::Error;
use crate::proto::v1;
use crate::worker::agent::Agent;
use crate::worker::failure::{Outcome, failure};
use crate::worker::leases::{Alarm, Event, LeaseKey};
use crate::worker::outbox::{Kind, Write};
use crate::worker::progress::Due;

impl Agent {
    pub(super) fn release(&mut self, key: &LeaseKey, reason: v1::ReleaseReason) {
        if self.leases.apply(key, Event::Finished).is_some() {
            self.write_release(key, reason);
        }
    }

    pub(super) fn write_release(&mut self, key: &LeaseKey, reason: v1::ReleaseReason) {
        let Some(held) = self.leases.get(key) else { return };
        let lease = Some(held.lease.clone());
        let reason = reason as i32;
        self.outbox.add(key, Write::Release(v1::Release { lease, reason }));
    }

    pub(super) fn report(&mut self, key: &LeaseKey, outcome: Outcome) {
        self.leases.clear(key, Alarm::Stop);
        self.leases.clear(key, Alarm::Progress);
        match outcome {
            Outcome::Completed(completion) => {
                self.close_progress(key);
                self.outbox.add(key, Write::Complete(completion));
            }
            Outcome::Failed(reason) => {
                self.flush_progress(key);
                self.fail(key, reason);
            }
            Outcome::Released => {
                self.flush_progress(key);
                self.write_release(key, v1::ReleaseReason::Drained);
            }
            Outcome::Dropped => {
                self.close_progress(key);
                self.leases.apply(key, Event::Answered);
            }
        }
    }

    pub(super) fn fail(&mut self, key: &LeaseKey, reason: v1::Failure) {
        let Some(held) = self.leases.get(key) else { return };
        let report = v1::FailureReport {
            lease: Some(held.lease.clone()),
            completion_id: Uuid::now_v7().to_string(),
            failure: Some(reason),
        };
        self.outbox.add(key, Write::Fail(report));
    }

    /// A completion that cannot be stored. The lease stands: a result that is too large is
    /// terminal, a lost artifact is not.
    pub(super) fn on_rejected(&mut self, key: &LeaseKey, error: Error) {
        tracing::error!(job_id = %key.job_id, %error, "completion rejected");
        let is_terminal = error.reason() == "RESULT_TOO_LARGE";
        let class = if is_terminal { FailureClass::Oversize } else { FailureClass::User };
        let message = format!("the completion was rejected: {error}");
        self.fail(key, failure(class, message, is_terminal, None));
    }

    pub(super) fn pace_progress(&mut self, key: &LeaseKey) {
        let Some(run) = self.leases.get_mut(key).and_then(|held| held.run.as_mut()) else { return };
        match run.reporter.due(Instant::now()) {
            Due::Nothing => {}
            Due::At(at) => self.leases.set(key, Alarm::Progress, at),
            Due::Now(progress) => self.send_progress(key, progress),
        }
    }

    pub(super) fn send_progress(&mut self, key: &LeaseKey, progress: v1::Progress) {
        let Some(held) = self.leases.get(key) else { return };
        let report =
            v1::ProgressReport { lease: Some(held.lease.clone()), progress: Some(progress) };
        self.outbox.add(key, Write::Progress(report));
    }

    pub(super) fn on_progress_answer(&mut self, key: &LeaseKey, is_stored: bool) {
        if let Some(run) = self.leases.get_mut(key).and_then(|held| held.run.as_mut()) {
            run.reporter.answered(is_stored);
            self.pace_progress(key);
        }
    }

    pub(super) fn flush_progress(&mut self, key: &LeaseKey) {
        let Some(run) = self.leases.get_mut(key).and_then(|held| held.run.as_mut()) else { return };
        if let Due::Now(progress) = run.reporter.flush(Instant::now()) {
            self.send_progress(key, progress);
        }
    }

    pub(super) fn close_progress(&mut self, key: &LeaseKey) {
        if let Some(run) = self.leases.get_mut(key).and_then(|held| held.run.as_mut()) {
            run.reporter.close();
        }
        self.outbox.forget(Kind::Progress, key);
    }
}
