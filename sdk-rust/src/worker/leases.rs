//! The leases of one worker, each moved along its state machine.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::proto::v1;
use crate::worker::failure::StopReason;
use crate::worker::job_context::JobContext;
use crate::worker::progress::Reporter;

/// Where a lease stands in this worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Its accept has no answer yet, the handler has not begun.
    Offered,
    /// The handler runs.
    Running,
    /// The handler runs and was asked to stop; the lease is still ours.
    Stopping,
    /// The handler still runs although the lease is lost.
    Lingering,
    /// The handler is done with; the server has not answered the outcome yet.
    Reporting,
    /// No longer in the table.
    Gone,
}

/// What can happen to a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The server applied the accept, or the lease came active.
    Accepted,
    /// The server refused the accept.
    Refused,
    /// The handler is asked to stop.
    Stop,
    /// The job moved on without this lease.
    Lost,
    /// The handler ended, or will never begin.
    Finished,
    /// The handler did not stop within the grace.
    GaveUp,
    /// The server answered the outcome.
    Answered,
}

/// Every legal move; an absent one is illegal.
const MOVES: &[(State, Event, State)] = &[
    (State::Offered, Event::Accepted, State::Running),
    (State::Offered, Event::Refused, State::Gone),
    (State::Offered, Event::Lost, State::Gone),
    (State::Offered, Event::Finished, State::Reporting),
    (State::Running, Event::Stop, State::Stopping),
    (State::Running, Event::Lost, State::Lingering),
    (State::Running, Event::Finished, State::Reporting),
    (State::Stopping, Event::Lost, State::Lingering),
    (State::Stopping, Event::Finished, State::Reporting),
    (State::Stopping, Event::GaveUp, State::Reporting),
    (State::Lingering, Event::Finished, State::Gone),
    (State::Lingering, Event::GaveUp, State::Gone),
    (State::Reporting, Event::Answered, State::Gone),
];

fn next(state: State, event: Event) -> Option<State> {
    MOVES.iter().find(|(from, on, _)| (*from, *on) == (state, event)).map(|(_, _, to)| *to)
}

/// Names a lease: a job can be here twice, under an old epoch and its successor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LeaseKey {
    pub(crate) job_id: Arc<str>,
    pub(crate) epoch: i64,
}

impl LeaseKey {
    pub(crate) fn new(job_id: &str, epoch: i64) -> Self {
        Self { job_id: job_id.into(), epoch }
    }

    pub(crate) fn of(lease: &v1::LeaseRef) -> Self {
        Self::new(&lease.job_id, lease.lease_epoch)
    }
}

/// What a timer of a lease is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// The attempt's deadline, or the grace of its stop.
    Stop,
    /// Progress that waited to be sent.
    Progress,
}

/// What a running handler is held by.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) job: JobContext,
    pub(crate) reporter: Reporter,
    pub(crate) task: AbortHandle,
}

/// A lease that this worker holds, or held until its handler ends.
#[derive(Debug)]
pub(crate) struct HeldLease {
    pub(crate) lease: v1::LeaseRef,
    pub(crate) pool: String,
    pub(crate) state: State,
    /// Why the handler was asked to stop, the first reason; lease lost overrides.
    pub(crate) stop_reason: Option<StopReason>,
    /// What was offered, until the handler begins.
    pub(crate) offer: Option<Box<v1::Offer>>,
    /// Set once the handler has begun.
    pub(crate) run: Option<Run>,
    alarms: [Option<Instant>; 2],
}

/// The leases of one worker.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    leases: HashMap<LeaseKey, HeldLease>,
    /// The newest epoch of each job.
    newest: HashMap<Arc<str>, i64>,
    counts: [usize; 5],
    alarms: BTreeSet<(Instant, LeaseKey, Alarm)>,
}

impl Leases {
    pub(crate) fn len(&self) -> usize {
        self.leases.len()
    }

    pub(crate) fn get(&self, key: &LeaseKey) -> Option<&HeldLease> {
        self.leases.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &LeaseKey) -> Option<&mut HeldLease> {
        self.leases.get_mut(key)
    }

    pub(crate) fn state(&self, key: &LeaseKey) -> State {
        self.leases.get(key).map_or(State::Gone, |lease| lease.state)
    }

    pub(crate) fn add(&mut self, offer: v1::Offer, lease: v1::LeaseRef) -> LeaseKey {
        let key = LeaseKey::of(&lease);
        let held = HeldLease {
            lease,
            pool: offer.pool.clone(),
            state: State::Offered,
            stop_reason: None,
            offer: Some(Box::new(offer)),
            run: None,
            alarms: [None; 2],
        };
        self.newest.insert(Arc::clone(&key.job_id), key.epoch);
        self.leases.insert(key.clone(), held);
        self.counts[State::Offered as usize] += 1;
        key
    }

    /// Moves a lease. Returns where it stands now, or nothing if the event means nothing in its
    /// state. A lease that is gone is out of the table, and is handed out to whom it concerns.
    pub(crate) fn apply(&mut self, key: &LeaseKey, event: Event) -> Option<State> {
        let held = self.leases.get_mut(key)?;
        let to = next(held.state, event)?;
        self.counts[held.state as usize] -= 1;
        held.state = to;
        if to != State::Gone {
            self.counts[to as usize] += 1;
            return Some(to);
        }
        self.clear(key, Alarm::Stop);
        self.clear(key, Alarm::Progress);
        self.leases.remove(key);
        if self.newest.get(&key.job_id) == Some(&key.epoch) {
            self.newest.remove(&key.job_id);
        }
        Some(to)
    }

    /// The keys of the leases in any of these states.
    pub(crate) fn keys_in(&self, states: &[State]) -> Vec<LeaseKey> {
        let held = self.leases.iter().filter(|(_, held)| states.contains(&held.state));
        held.map(|(key, _)| key.clone()).collect()
    }

    /// The leases in any of these states.
    pub(crate) fn refs_in(&self, states: &[State]) -> Vec<v1::LeaseRef> {
        let held = self.leases.values().filter(|held| states.contains(&held.state));
        held.map(|held| held.lease.clone()).collect()
    }

    /// The pools of the lingering leases, one entry per lease.
    pub(crate) fn lingering_pools(&self) -> impl Iterator<Item = &str> {
        // Mostly there are none, and then nothing is searched.
        let held = self.leases.values().take(match self.count(&[State::Lingering]) {
            0 => 0,
            _ => usize::MAX,
        });
        held.filter(|held| held.state == State::Lingering).map(|held| held.pool.as_str())
    }

    /// How many leases are in any of these states.
    pub(crate) fn count(&self, states: &[State]) -> usize {
        states.iter().map(|state| self.counts[*state as usize]).sum()
    }

    /// The newest lease of a job that this worker knows.
    pub(crate) fn newest_of(&self, job_id: &str) -> Option<LeaseKey> {
        let (job_id, epoch) = self.newest.get_key_value(job_id)?;
        Some(LeaseKey { job_id: Arc::clone(job_id), epoch: *epoch })
    }

    /// Sets an alarm of a lease, in place of the one before.
    pub(crate) fn set(&mut self, key: &LeaseKey, alarm: Alarm, at: Instant) {
        self.clear(key, alarm);
        if let Some(held) = self.leases.get_mut(key) {
            held.alarms[alarm as usize] = Some(at);
            self.alarms.insert((at, key.clone(), alarm));
        }
    }

    pub(crate) fn clear(&mut self, key: &LeaseKey, alarm: Alarm) {
        let Some(held) = self.leases.get_mut(key) else { return };
        if let Some(at) = held.alarms[alarm as usize].take() {
            self.alarms.remove(&(at, key.clone(), alarm));
        }
    }

    /// When the next alarm goes off.
    pub(crate) fn next_alarm(&self) -> Option<Instant> {
        self.alarms.first().map(|(at, _, _)| *at)
    }

    /// Takes an alarm that has gone off.
    pub(crate) fn take_alarm(&mut self, now: Instant) -> Option<(LeaseKey, Alarm)> {
        self.alarms.first().filter(|(at, _, _)| *at <= now)?;
        let (_, key, alarm) = self.alarms.pop_first()?;
        if let Some(held) = self.leases.get_mut(&key) {
            held.alarms[alarm as usize] = None;
        }
        Some((key, alarm))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn offered(leases: &mut Leases, epoch: i64) -> LeaseKey {
        let lease = v1::LeaseRef { job_id: "j".into(), lease_epoch: epoch, ..Default::default() };
        leases.add(v1::Offer::default(), lease)
    }

    #[test]
    fn a_lease_goes_its_way() {
        let mut leases = Leases::default();
        let key = offered(&mut leases, 1);
        assert_eq!(leases.apply(&key, Event::Stop), None);
        assert_eq!(leases.apply(&key, Event::Accepted), Some(State::Running));
        assert_eq!(leases.count(&[State::Running]), 1);
        assert_eq!(leases.apply(&key, Event::Finished), Some(State::Reporting));
        assert_eq!(leases.apply(&key, Event::Finished), None);
        assert_eq!(leases.apply(&key, Event::Answered), Some(State::Gone));
        assert_eq!(leases.len(), 0);
    }

    #[test]
    fn the_newest_epoch_is_known_until_it_is_gone() {
        let mut leases = Leases::default();
        let old = offered(&mut leases, 1);
        let new = offered(&mut leases, 2);
        assert_eq!(leases.newest_of("j"), Some(new.clone()));
        leases.apply(&old, Event::Refused);
        assert_eq!(leases.newest_of("j"), Some(new));
    }

    #[tokio::test]
    async fn alarms_go_off_in_order_and_once() {
        let mut leases = Leases::default();
        let key = offered(&mut leases, 1);
        let now = Instant::now();
        leases.set(&key, Alarm::Stop, now + Duration::from_secs(9));
        leases.set(&key, Alarm::Stop, now + Duration::from_secs(2));
        leases.set(&key, Alarm::Progress, now + Duration::from_secs(1));
        assert_eq!(leases.take_alarm(now), None);
        let later = now + Duration::from_secs(5);
        assert_eq!(leases.take_alarm(later), Some((key.clone(), Alarm::Progress)));
        assert_eq!(leases.take_alarm(later), Some((key, Alarm::Stop)));
        assert_eq!(leases.next_alarm(), None);
    }
}
