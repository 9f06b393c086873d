//! What a worker does about its leases: accepts what is offered, runs handlers under what was
//! accepted or came active, and reports how they ended. It knows nothing of streams.

mod attempts;
mod reports;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use crate::client::orchestrator::Orchestrator;
use crate::contract::{LeaseClocks, from_duration};
use crate::error::Error;
use crate::payload::Output;
use crate::proto::v1;
use crate::proto::v1::server_frame::Frame;
use crate::worker::failure::{HandlerError, Outcome, StopReason};
use crate::worker::handler::AnyHandler;
use crate::worker::job_context::{Teller, Told};
use crate::worker::leases::{Alarm, Event, LeaseKey, Leases, State};
use crate::worker::outbox::{Outbox, Write};

/// What a handler's task came to.
pub(crate) type Ended = Result<(Id, Result<Output, HandlerError>), JoinError>;

/// A worker's leases and what runs under them.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) leases: Leases,
    pub(crate) outbox: Outbox,
    pub(crate) clocks: LeaseClocks,
    handlers: HashMap<String, AnyHandler>,
    orchestrator: Orchestrator,
    /// Handlers that run; dropping them aborts them.
    pub(crate) running: JoinSet<Result<Output, HandlerError>>,
    tasks: HashMap<Id, LeaseKey>,
    teller: Teller,
    pub(crate) told: mpsc::UnboundedReceiver<Told>,
    is_draining: bool,
}

impl Agent {
    pub(crate) fn new(handlers: HashMap<String, AnyHandler>, orchestrator: Orchestrator) -> Self {
        let (teller, told) = mpsc::unbounded_channel();
        Self {
            leases: Leases::default(),
            outbox: Outbox::default(),
            clocks: LeaseClocks::CONTRACT,
            handlers,
            orchestrator,
            running: JoinSet::new(),
            tasks: HashMap::new(),
            teller,
            told,
            is_draining: false,
        }
    }

    /// Whether every handler has ended or was given up, and every outcome was answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.leases.len() == 0 && self.outbox.unanswered() == 0
    }

    /// How many leases still need their handler, or may yet.
    pub(crate) fn unfinished(&self) -> usize {
        self.leases.count(&[State::Offered, State::Running, State::Stopping, State::Lingering])
    }

    /// Leases to name in a Hello: everything that may still be ours.
    pub(crate) fn held(&self) -> Vec<v1::LeaseRef> {
        use State::{Offered, Reporting, Running, Stopping};
        self.leases.refs_in(&[Offered, Running, Stopping, Reporting])
    }

    /// Leases to renew. Offers are not: their accept is on its way, and a server that looks at
    /// both at once might find the lease not active yet and call it superseded.
    pub(crate) fn renewable(&self) -> Vec<v1::LeaseRef> {
        self.leases.refs_in(&[State::Running, State::Stopping, State::Reporting])
    }

    /// Takes a frame of the server.
    pub(crate) fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Offers(v1::Offers { offers, active }) => {
                offers.into_iter().for_each(|offer| self.on_offer(offer, active));
            }
            Frame::Results(results) => results.results.iter().for_each(|r| self.on_result(r)),
            Frame::Verdicts(answer) => answer.verdicts.iter().for_each(|v| self.on_verdict(v)),
            Frame::Cancels(cancels) => cancels.cancels.iter().for_each(|c| self.on_cancel(c)),
            Frame::Hint(hint) => log(&hint),
            _ => {}
        }
    }

    /// Starts nothing any more: what was not begun is given back.
    pub(crate) fn stop_accepting(&mut self) {
        self.is_draining = true;
    }

    /// Asks every handler to stop, for the drain.
    pub(crate) fn stop_all(&mut self, grace: Duration) {
        for key in self.leases.keys_in(&[State::Running]) {
            self.stop(&key, StopReason::Drain, grace);
        }
    }

    /// Gives up every handler that still runs.
    pub(crate) fn give_up_all(&mut self) {
        for key in self.leases.keys_in(&[State::Stopping, State::Lingering]) {
            self.give_up(&key);
        }
    }

    /// Takes all leases for lost: another instance of this worker has them now.
    pub(crate) fn lose_all(&mut self) {
        for key in self.leases.keys_in(&[State::Offered, State::Running, State::Stopping]) {
            self.lose(&key);
        }
    }

    fn on_offer(&mut self, offer: v1::Offer, active: bool) {
        let Some(lease) = offer.lease.clone() else { return };
        let key = LeaseKey::of(&lease);
        match self.leases.get(&key).map(|held| held.state) {
            None => {
                if let Some(older) = self.leases.newest_of(&key.job_id) {
                    self.lose(&older);
                }
                self.leases.add(offer, lease.clone());
                if self.is_draining {
                    self.release(&key, v1::ReleaseReason::Unstarted);
                } else if active {
                    self.start(&key);
                } else {
                    self.outbox.add(&key, Write::Accept(lease));
                }
            }
            // The same offer again: its accept may be lost. Repeating it changes nothing else.
            Some(State::Offered) => self.outbox.add(&key, Write::Accept(lease)),
            Some(_) => {}
        }
    }

    fn on_result(&mut self, result: &v1::WriteResult) {
        let Some((key, write)) = self.outbox.answer(result) else { return };
        let verdict = v1::WriteVerdict::try_from(result.verdict).unwrap_or_default();
        let is_applied =
            matches!(verdict, v1::WriteVerdict::Applied | v1::WriteVerdict::AlreadyApplied);
        match write {
            Write::Accept(lease) => self.on_accept(&key, lease, is_applied),
            Write::Progress(_) => self.on_progress_answer(&key, is_applied),
            Write::Complete(_) if verdict == v1::WriteVerdict::Rejected => {
                self.on_rejected(&key, Error::from_item(result.error.clone()));
            }
            Write::Complete(_) | Write::Fail(_) | Write::Release(_) => {
                if !is_applied {
                    let error = result.error.clone().map(|error| Error::from_item(Some(error)));
                    tracing::warn!(job_id = %key.job_id, ?verdict, ?error, "outcome dropped");
                }
                self.close_progress(&key);
                self.leases.apply(&key, Event::Answered);
            }
        }
    }

    fn on_accept(&mut self, key: &LeaseKey, lease: v1::LeaseRef, is_applied: bool) {
        let Some(held) = self.leases.get(key) else {
            if is_applied {
                // A verdict took it away while its accept was on its way, yet it is ours.
                let reason = v1::ReleaseReason::Unstarted as i32;
                let lease = Some(lease);
                self.outbox.add(key, Write::Release(v1::Release { lease, reason }));
            }
            return;
        };
        if held.state != State::Offered {
            return;
        }
        match held.stop_reason {
            _ if !is_applied => {
                self.leases.apply(key, Event::Refused);
            }
            Some(reason) => match reason.outcome("") {
                Outcome::Released => self.release(key, v1::ReleaseReason::Unstarted),
                outcome => self.settle(key, outcome),
            },
            None if self.is_draining => self.release(key, v1::ReleaseReason::Unstarted),
            None => self.start(key),
        }
    }

    fn on_verdict(&mut self, verdict: &v1::Verdict) {
        let key = LeaseKey::new(&verdict.job_id, verdict.lease_epoch);
        match v1::LeaseVerdict::try_from(verdict.verdict) {
            Ok(v1::LeaseVerdict::Renewed) => {
                if let Some(left) = verdict.attempt_time_left {
                    self.move_deadline(&key, left);
                }
            }
            Ok(v1::LeaseVerdict::Cancelled) => {
                self.stop(&key, StopReason::Cancelled, self.clocks.drain_grace);
            }
            Ok(v1::LeaseVerdict::Superseded | v1::LeaseVerdict::Unknown) => self.lose(&key),
            _ => {}
        }
    }

    /// An operator moved the attempt's deadline: what the offer said counts no longer.
    fn move_deadline(&mut self, key: &LeaseKey, left: prost_types::Duration) {
        let Some(held) = self.leases.get_mut(key) else { return };
        match (held.state, &mut held.offer) {
            // Not begun yet: its clock starts when it does.
            (State::Offered, Some(offer)) => offer.attempt_deadline = Some(left),
            (State::Running, _) => {
                self.leases.set(key, Alarm::Stop, Instant::now() + from_duration(left));
            }
            _ => {}
        }
    }

    fn on_cancel(&mut self, cancel: &v1::Cancel) {
        let key = LeaseKey::new(&cancel.job_id, cancel.lease_epoch);
        let grace = cancel.grace.map_or(self.clocks.drain_grace, from_duration);
        match StopReason::from_number(cancel.reason) {
            StopReason::LeaseLost => self.lose(&key),
            reason => self.stop(&key, reason, grace),
        }
    }

    /// Asks a handler to stop; after the grace it is given up.
    fn stop(&mut self, key: &LeaseKey, reason: StopReason, grace: Duration) {
        let Some(held) = self.leases.get_mut(key) else { return };
        if held.state == State::Offered {
            held.stop_reason.get_or_insert(reason);
        }
        if self.leases.apply(key, Event::Stop).is_some() {
            self.interrupt(key, reason, grace);
        }
    }

    /// The lease is no longer ours; whatever the handler still does comes to nothing.
    fn lose(&mut self, key: &LeaseKey) {
        // Before the move: a lease that is gone has no progress to close.
        if matches!(self.leases.state(key), State::Running | State::Stopping) {
            self.close_progress(key);
        }
        // An accept stays in the outbox: should it be applied, the lease is given back.
        if self.leases.apply(key, Event::Lost) == Some(State::Lingering) {
            tracing::warn!(job_id = %key.job_id, lease_epoch = key.epoch, "lease lost");
            self.interrupt(key, StopReason::LeaseLost, self.clocks.drain_grace);
        }
    }

    fn interrupt(&mut self, key: &LeaseKey, reason: StopReason, grace: Duration) {
        let Some(held) = self.leases.get_mut(key) else { return };
        if held.state == State::Lingering {
            held.stop_reason = Some(reason);
        } else {
            held.stop_reason.get_or_insert(reason);
        }
        if let Some(run) = &held.run {
            run.job.stop(reason);
        }
        self.leases.set(key, Alarm::Stop, Instant::now() + grace);
    }

    /// A handler did not stop within its grace.
    fn give_up(&mut self, key: &LeaseKey) {
        let Some(held) = self.leases.get(key) else { return };
        let reason = held.stop_reason.unwrap_or(StopReason::Drain);
        if let Some(run) = &held.run {
            run.task.abort();
        }
        let Some(state) = self.leases.apply(key, Event::GaveUp) else { return };
        tracing::error!(job_id = %key.job_id, %reason, "the handler did not stop and was given up");
        if state == State::Reporting {
            self.report(key, reason.outcome("the handler did not stop"));
        }
    }

    /// The handler ended, or never begins. After it was given up, its result is dropped.
    fn settle(&mut self, key: &LeaseKey, outcome: Outcome) {
        if self.leases.apply(key, Event::Finished) == Some(State::Reporting) {
            self.report(key, outcome);
        }
    }

    /// Takes what a handler told.
    pub(crate) fn on_told(&mut self, told: Told) {
        match told {
            Told::Throttle(throttle) => self.outbox.throttle(throttle),
            Told::Progress(key) => self.pace_progress(&key),
        }
    }

    /// Does what time has come for.
    pub(crate) fn look(&mut self, now: Instant) {
        while let Some((key, alarm)) = self.leases.take_alarm(now) {
            match (alarm, self.leases.state(&key)) {
                (Alarm::Progress, _) => self.pace_progress(&key),
                (Alarm::Stop, State::Running) => {
                    self.stop(&key, StopReason::Deadline, self.clocks.drain_grace);
                }
                (Alarm::Stop, _) => self.give_up(&key),
            }
        }
    }
}

fn log(hint: &v1::Hint) {
    let (ready_jobs, causes) = (hint.ready_jobs, &hint.blocked_by);
    if hint.more_workers_help && causes.is_empty() {
        tracing::debug!(ready_jobs, "all slots are taken and more jobs wait");
    } else {
        tracing::debug!(ready_jobs, blocked_by = ?causes, "idle");
    }
}
