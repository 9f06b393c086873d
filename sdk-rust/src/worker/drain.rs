//! Ends a worker's time without losing anything.

use std::time::Duration;

use tokio::time::Instant;

/// Where a drain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for the barrier: after it, every offer that was on its way has arrived.
    Announced,
    /// Lets what is held end by itself.
    Finishing,
    /// Handlers were asked to stop.
    Stopping,
    /// Waits for the answers.
    Reporting,
}

/// What the worker is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait until then, or until something changes.
    Wait(Instant),
    /// Ask every handler to stop within this.
    StopAll(Duration),
    /// Give up the handlers that did not stop.
    GiveUpAll,
    /// It is over.
    Done,
}

/// What a drain looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) is_connected: bool,
    pub(crate) is_idle: bool,
    pub(crate) unfinished: usize,
}

/// No new offers, then what is held ends by itself within the grace, then the rest is asked to
/// stop and released, then the answers are waited for. After the grace come two short waits of a
/// tenth of it each, so with the contract's 25 s all is over in 30 s, which is what Kubernetes
/// gives.
#[derive(Debug)]
pub(crate) struct Drain {
    phase: Phase,
    pub(crate) reason: String,
    is_acknowledged: bool,
    /// The end of the grace.
    deadline: Instant,
    /// The end of this phase.
    until: Instant,
    short: Duration,
}

impl Drain {
    pub(crate) fn start(reason: String, grace: Duration, now: Instant) -> Self {
        Self {
            phase: Phase::Announced,
            reason,
            is_acknowledged: false,
            deadline: now + grace,
            until: now + grace,
            short: grace / 10,
        }
    }

    /// The server has said that no offer comes any more.
    pub(crate) fn acknowledge(&mut self) {
        self.is_acknowledged = true;
    }

    /// What to do now; to be asked again until it says to wait.
    pub(crate) fn step(&mut self, view: View, now: Instant) -> Step {
        let is_late = now >= self.until;
        match self.phase {
            Phase::Announced => {
                let has_nothing = !view.is_connected && view.is_idle;
                if !self.is_acknowledged && !has_nothing && !is_late {
                    return Step::Wait(self.until);
                }
                self.phase = Phase::Finishing;
                self.step(view, now)
            }
            Phase::Finishing if view.unfinished == 0 => self.report(view, now),
            Phase::Finishing if is_late => {
                self.phase = Phase::Stopping;
                self.until = now + self.short;
                Step::StopAll(self.short)
            }
            Phase::Stopping if view.unfinished == 0 => self.report(view, now),
            Phase::Stopping if is_late => {
                self.phase = Phase::Reporting;
                self.until = now + self.short;
                Step::GiveUpAll
            }
            Phase::Reporting if view.is_idle || is_late => Step::Done,
            _ => Step::Wait(self.until),
        }
    }

    fn report(&mut self, view: View, now: Instant) -> Step {
        self.phase = Phase::Reporting;
        self.until = self.deadline.max(now + self.short);
        self.step(view, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: View = View { is_connected: true, is_idle: false, unfinished: 1 };

    #[tokio::test]
    async fn a_drain_waits_for_the_barrier_the_handlers_and_the_answers() {
        let now = Instant::now();
        let mut drain = Drain::start("test".into(), Duration::from_secs(10), now);
        let end = Step::Wait(now + Duration::from_secs(10));
        assert_eq!(drain.step(BUSY, now), end);
        drain.acknowledge();
        assert_eq!(drain.step(BUSY, now), end);
        let reporting = View { unfinished: 0, ..BUSY };
        assert_eq!(drain.step(reporting, now), end);
        let idle = View { is_idle: true, ..reporting };
        assert_eq!(drain.step(idle, now), Step::Done);
    }

    #[tokio::test]
    async fn handlers_that_do_not_end_are_stopped_then_given_up() {
        let now = Instant::now();
        let mut drain = Drain::start("test".into(), Duration::from_secs(10), now);
        let second = Duration::from_secs(1);
        assert_eq!(drain.step(BUSY, now + 10 * second), Step::StopAll(second));
        assert_eq!(drain.step(BUSY, now + 11 * second), Step::GiveUpAll);
        assert_eq!(drain.step(BUSY, now + 12 * second), Step::Done);
    }
}
