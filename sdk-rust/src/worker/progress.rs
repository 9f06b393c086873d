//! The progress of one attempt: merged in the handler's task, paced in the worker's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::contract::truncate;
use crate::proto::constants::PROGRESS_MESSAGE_MAX_BYTES;
use crate::proto::v1;

/// How often a report without a checkpoint is sent at most. People read it; nobody reads faster.
const PACE: Duration = Duration::from_millis(500);

/// How far an attempt got.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Progress {
    fraction: f64,
    message: String,
    pub(crate) checkpoint: Bytes,
}

impl Progress {
    /// A fraction from 0 to 1; one outside of that is cut to it.
    pub fn new(fraction: f64) -> Self {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        Self { fraction, ..Self::default() }
    }

    /// For people; cut to 1,024 bytes.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = truncate(message.into(), PROGRESS_MESSAGE_MAX_BYTES);
        self
    }

    /// What the next attempt is handed, at most
    /// [`LeaseClocks::max_payload_bytes`](crate::LeaseClocks::max_payload_bytes). Left out, the
    /// last checkpoint stays.
    pub fn checkpoint(mut self, checkpoint: impl Into<Bytes>) -> Self {
        self.checkpoint = checkpoint.into();
        self
    }

    /// This report with what it leaves out taken from an older one.
    fn over(mut self, older: Option<Self>) -> Self {
        let older = older.unwrap_or_default();
        if self.message.is_empty() {
            self.message = older.message;
        }
        if self.checkpoint.is_empty() {
            self.checkpoint = older.checkpoint;
        }
        self
    }
}

/// Told whether the ledger has a report.
pub(crate) type Stored = oneshot::Sender<bool>;

#[derive(Debug, Default)]
struct Next {
    report: Option<Progress>,
    waiting: Vec<Stored>,
    is_closed: bool,
}

/// Where the handler leaves its newest report for the worker to fetch. However often it reports,
/// there is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Next>>);

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Next> {
        // What is inside is whole between any two statements: a panic elsewhere does not matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a report; true if the worker has to be told that there is one.
    pub(crate) fn put(&self, report: Progress, stored: Option<Stored>) -> bool {
        let mut next = self.lock();
        if next.is_closed {
            return false;
        }
        let older = next.report.take();
        let is_first = older.is_none();
        next.report = Some(report.over(older));
        next.waiting.extend(stored);
        is_first
    }

    fn take(&self) -> Option<(Progress, Vec<Stored>)> {
        let mut next = self.lock();
        let report = next.report.take()?;
        Some((report, std::mem::take(&mut next.waiting)))
    }

    fn is_urgent(&self) -> Option<bool> {
        self.lock().report.as_ref().map(|report| !report.checkpoint.is_empty())
    }

    /// Takes no more reports; who waits for the last one is told that it never comes.
    fn close(&self) {
        let mut next = self.lock();
        next.is_closed = true;
        next.report = None;
        next.waiting.clear();
    }
}

/// What the worker is to do about an attempt's progress.
#[derive(Debug, PartialEq)]
pub(crate) enum Due {
    /// Nothing: there is none, or the answer to the last one comes first.
    Nothing,
    /// Look again then.
    At(Instant),
    /// Send this.
    Now(v1::Progress),
}

/// Paces the reports of one attempt: one at a time is on its way.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    slot: Slot,
    on_its_way: Option<Vec<Stored>>,
    sent_at: Option<Instant>,
}

impl Reporter {
    pub(crate) fn new(slot: Slot) -> Self {
        Self { slot, ..Self::default() }
    }

    /// What to do now.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        if self.on_its_way.is_some() {
            return Due::Nothing;
        }
        let Some(is_urgent) = self.slot.is_urgent() else { return Due::Nothing };
        match self.sent_at.map(|at| at + PACE) {
            Some(at) if at > now && !is_urgent => Due::At(at),
            _ => self.send(now),
        }
    }

    fn send(&mut self, now: Instant) -> Due {
        let Some((report, waiting)) = self.slot.take() else { return Due::Nothing };
        self.sent_at = Some(now);
        self.on_its_way.get_or_insert_default().extend(waiting);
        Due::Now(v1::Progress {
            fraction: report.fraction,
            message: report.message,
            checkpoint: report.checkpoint,
        })
    }

    /// The report on its way was answered.
    pub(crate) fn answered(&mut self, is_stored: bool) {
        for stored in self.on_its_way.take().into_iter().flatten() {
            let _ = stored.send(is_stored);
        }
    }

    /// The last report, for the next attempt to have the newest checkpoint.
    pub(crate) fn flush(&mut self, now: Instant) -> Due {
        let last = self.send(now);
        self.slot.close();
        last
    }

    /// There is nothing left to report on.
    pub(crate) fn close(&mut self) {
        self.slot.close();
        self.answered(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reports_are_merged_and_paced() {
        let slot = Slot::default();
        let mut reporter = Reporter::new(slot.clone());
        let start = Instant::now();
        assert!(slot.put(Progress::new(0.1).message("a"), None));
        assert!(matches!(reporter.due(start), Due::Now(_)));
        slot.put(Progress::new(0.2).message("b"), None);
        assert!(!slot.put(Progress::new(0.3), None));
        assert_eq!(reporter.due(start), Due::Nothing);
        reporter.answered(true);
        assert_eq!(reporter.due(start), Due::At(start + PACE));
        let Due::Now(sent) = reporter.due(start + PACE) else { panic!("not due") };
        assert_eq!((sent.fraction, sent.message.as_str()), (0.3, "b"));
    }

    #[tokio::test]
    async fn a_checkpoint_does_not_wait() {
        let slot = Slot::default();
        let mut reporter = Reporter::new(slot.clone());
        let now = Instant::now();
        slot.put(Progress::new(0.1), None);
        reporter.due(now);
        reporter.answered(true);
        let (stored, is_stored) = oneshot::channel();
        slot.put(Progress::new(0.2).checkpoint("c"), Some(stored));
        assert!(matches!(reporter.due(now), Due::Now(_)));
        reporter.close();
        assert_eq!(is_stored.await, Ok(false));
        assert!(!slot.put(Progress::new(0.3), None));
    }
}
