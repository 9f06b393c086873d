//! What the worker has to say and must not lose.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use prost::Message;
use tokio::time::Instant;

use crate::contract::{to_duration, truncate};
use crate::proto::constants::{ACCEPT_LEASES_MAX_ITEMS, THROTTLE_RESOURCE_KEY_MAX_BYTES};
use crate::proto::v1;
use crate::proto::v1::worker_frame::Frame;
use crate::worker::failure::Throttle;
use crate::worker::leases::LeaseKey;

/// Tag and length of an item in its frame.
const FRAMING_BYTES: usize = 8;

/// Which write under a lease, in the order in which they go: an attempt's checkpoint before its
/// failure, so that the next attempt has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Accept,
    Progress,
    Fail,
    Complete,
    Release,
}

const KINDS: [Kind; 5] = [Kind::Accept, Kind::Progress, Kind::Fail, Kind::Complete, Kind::Release];

impl Kind {
    fn of(number: i32) -> Option<Self> {
        match v1::WriteKind::try_from(number).ok()? {
            v1::WriteKind::Accept => Some(Self::Accept),
            v1::WriteKind::Progress => Some(Self::Progress),
            v1::WriteKind::Complete => Some(Self::Complete),
            v1::WriteKind::Fail => Some(Self::Fail),
            v1::WriteKind::Release => Some(Self::Release),
            v1::WriteKind::Unspecified => None,
        }
    }
}

/// A write under a lease that the server answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Write {
    Accept(v1::LeaseRef),
    Progress(v1::ProgressReport),
    Complete(v1::Completion),
    Fail(v1::FailureReport),
    Release(v1::Release),
}

impl Write {
    fn kind(&self) -> Kind {
        match self {
            Self::Accept(_) => Kind::Accept,
            Self::Progress(_) => Kind::Progress,
            Self::Complete(_) => Kind::Complete,
            Self::Fail(_) => Kind::Fail,
            Self::Release(_) => Kind::Release,
        }
    }

    fn bytes(&self) -> usize {
        FRAMING_BYTES
            + match self {
                Self::Accept(value) => value.encoded_len(),
                Self::Progress(value) => value.encoded_len(),
                Self::Complete(value) => value.encoded_len(),
                Self::Fail(value) => value.encoded_len(),
                Self::Release(value) => value.encoded_len(),
            }
    }

    fn completion_id(&self) -> Option<&str> {
        match self {
            Self::Complete(value) => Some(&value.completion_id),
            Self::Fail(value) => Some(&value.completion_id),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Pending {
    write: Write,
    bytes: usize,
    /// When it went out last; none while it waits to.
    sent_at: Option<Instant>,
    is_staged: bool,
}

/// Writes stay here until they are answered and are staged again for every new stream, so that
/// an outcome survives any number of broken ones. What is staged when the stream takes a frame
/// goes in one frame per kind.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pending: HashMap<(Kind, LeaseKey), Pending>,
    /// In order; entries whose write is not staged any more are skipped.
    staged: [VecDeque<LeaseKey>; KINDS.len()],
    /// By resource: what counts is the newest word about it.
    throttles: BTreeMap<String, v1::Throttle>,
}

impl Outbox {
    /// How many writes have no answer yet.
    pub(crate) fn unanswered(&self) -> usize {
        self.pending.len()
    }

    /// Adds a write; the newest of a kind for a lease replaces the one before.
    pub(crate) fn add(&mut self, key: &LeaseKey, write: Write) {
        let kind = write.kind();
        let pending = Pending { bytes: write.bytes(), write, sent_at: None, is_staged: true };
        self.pending.insert((kind, key.clone()), pending);
        self.staged[kind as usize].push_back(key.clone());
    }

    /// Reports an upstream that asked to slow down. Sent once; the server does not answer it.
    pub(crate) fn throttle(&mut self, throttle: Throttle) {
        if throttle.resource_key.is_empty() {
            return;
        }
        let resource_key = truncate(throttle.resource_key, THROTTLE_RESOURCE_KEY_MAX_BYTES);
        let message = v1::Throttle {
            resource_key: resource_key.clone(),
            retry_after: throttle.retry_after.map(to_duration),
            remaining: throttle.remaining.map(|left| i64::try_from(left).unwrap_or(i64::MAX)),
        };
        self.throttles.insert(resource_key, message);
    }

    /// Settles the write that a result answers; nothing if it answers none.
    pub(crate) fn answer(&mut self, result: &v1::WriteResult) -> Option<(LeaseKey, Write)> {
        let kind = Kind::of(result.kind)?;
        let key = (kind, LeaseKey::new(&result.job_id, result.lease_epoch));
        let expected = self.pending.get(&key)?.write.completion_id();
        let is_other = expected.is_some_and(|id| id != result.completion_id);
        if is_other && !result.completion_id.is_empty() {
            return None;
        }
        let pending = self.pending.remove(&key)?;
        Some((key.1, pending.write))
    }

    /// Takes a write back.
    pub(crate) fn forget(&mut self, kind: Kind, key: &LeaseKey) {
        self.pending.remove(&(kind, key.clone()));
    }

    /// Stages again what was sent at least `age` ago and has no answer.
    pub(crate) fn resend(&mut self, now: Instant, age: Duration) {
        for ((kind, key), pending) in &mut self.pending {
            let is_old = pending.sent_at.is_some_and(|at| at + age <= now);
            if is_old && !pending.is_staged {
                pending.is_staged = true;
                self.staged[*kind as usize].push_back(key.clone());
            }
        }
    }

    /// The next frame: as many staged writes of one kind as fit; none if none is staged.
    pub(crate) fn take(&mut self, now: Instant, max_bytes: usize) -> Option<Frame> {
        for kind in KINDS {
            let writes = self.take_kind(kind, now, max_bytes);
            if !writes.is_empty() {
                return Some(frame_of(kind, writes));
            }
        }
        self.throttles.pop_first().map(|(_, throttle)| Frame::Throttle(throttle))
    }

    fn take_kind(&mut self, kind: Kind, now: Instant, max_bytes: usize) -> Vec<Write> {
        let staged = &mut self.staged[kind as usize];
        let mut writes = Vec::new();
        let mut bytes = 0;
        while let Some(key) = staged.pop_front() {
            let key = (kind, key);
            let Some(pending) = self.pending.get_mut(&key).filter(|p| p.is_staged) else {
                continue;
            };
            bytes += pending.bytes;
            let is_full = writes.len() == ACCEPT_LEASES_MAX_ITEMS || bytes > max_bytes / 8 * 7;
            if is_full && !writes.is_empty() {
                staged.push_front(key.1);
                break;
            }
            pending.is_staged = false;
            pending.sent_at = Some(now);
            writes.push(pending.write.clone());
        }
        writes
    }
}

fn frame_of(kind: Kind, writes: Vec<Write>) -> Frame {
    macro_rules! items {
        ($variant:ident) => {
            writes
                .into_iter()
                .filter_map(|write| match write {
                    Write::$variant(value) => Some(value),
                    _ => None,
                })
                .collect()
        };
    }
    match kind {
        Kind::Accept => Frame::Accept(v1::Accept { leases: items!(Accept) }),
        Kind::Progress => Frame::Progress(v1::ReportProgressRequest { reports: items!(Progress) }),
        Kind::Fail => Frame::Fail(v1::FailAttemptsRequest { failures: items!(Fail) }),
        Kind::Complete => {
            Frame::Complete(v1::CompleteAttemptsRequest { completions: items!(Complete) })
        }
        Kind::Release => Frame::Release(v1::ReleaseLeasesRequest { releases: items!(Release) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 4 << 20;

    fn completion(job_id: &str, id: &str, bytes: usize) -> (LeaseKey, Write) {
        let write = Write::Complete(v1::Completion {
            completion_id: id.into(),
            result: vec![0; bytes].into(),
            ..Default::default()
        });
        (LeaseKey::new(job_id, 1), write)
    }

    fn answer(job_id: &str, completion_id: &str) -> v1::WriteResult {
        v1::WriteResult {
            kind: v1::WriteKind::Complete as i32,
            job_id: job_id.into(),
            lease_epoch: 1,
            completion_id: completion_id.into(),
            ..Default::default()
        }
    }

    fn count(frame: Option<Frame>) -> usize {
        match frame {
            Some(Frame::Complete(request)) => request.completions.len(),
            None => 0,
            other => panic!("unexpected {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_write_stays_until_it_is_answered() {
        let mut outbox = Outbox::default();
        let now = Instant::now();
        let (key, write) = completion("a", "1", 0);
        outbox.add(&key, write.clone());
        assert_eq!(count(outbox.take(now, MAX)), 1);
        assert_eq!(count(outbox.take(now, MAX)), 0);
        outbox.resend(now, Duration::from_secs(1));
        assert_eq!(count(outbox.take(now, MAX)), 0);
        outbox.resend(now, Duration::ZERO);
        assert_eq!(count(outbox.take(now, MAX)), 1);
        assert_eq!(outbox.answer(&answer("a", "other")), None);
        assert_eq!(outbox.answer(&answer("a", "1")), Some((key, write)));
        assert_eq!(outbox.unanswered(), 0);
    }

    #[tokio::test]
    async fn frames_fit_both_limits() {
        let mut outbox = Outbox::default();
        let now = Instant::now();
        for index in 0..1500 {
            let (key, write) = completion(&index.to_string(), "1", 0);
            outbox.add(&key, write);
        }
        assert_eq!(count(outbox.take(now, MAX)), 1000);
        assert_eq!(count(outbox.take(now, MAX)), 500);
        for index in 0..5 {
            let (key, write) = completion(&format!("big{index}"), "1", 1 << 20);
            outbox.add(&key, write);
        }
        assert_eq!(count(outbox.take(now, MAX)), 3);
        assert_eq!(count(outbox.take(now, MAX)), 2);
    }
}
