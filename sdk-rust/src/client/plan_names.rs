//! The contract's enums as Rust's: those of runs, pipelines, operations and backfills.

use std::fmt;

use crate::client::names::names;
use crate::proto::v1;

names! {
    /// The sum of a run's jobs.
    RunState is v1::RunState:
    /// At least one job is unfinished, or the run is open.
    Active = "active",
    /// Every job succeeded or was skipped.
    Succeeded = "succeeded",
    /// Every job is finished and at least one is dead.
    Failed = "failed",
    /// Every job is finished, none is dead and at least one is cancelled, not counting skipped
    /// ones.
    Cancelled = "cancelled",
}

names! {
    /// What happens to a job when one that must succeed first becomes dead or cancelled.
    OnFailure is v1::OnFailure:
    /// The job is cancelled, and what depends on it sees it end so.
    Cancel = "cancel",
    /// The job stays blocked; a retry of the failed job can still let it run.
    Hold = "hold",
    /// The job goes on as if the other had succeeded.
    Continue = "continue",
}

names! {
    /// Which end of a job lets one go that depends on it.
    EdgeCondition is v1::EdgeCondition:
    /// It succeeded. [`OnFailure`] says what happens otherwise.
    Success = "success",
    /// It ended, in whatever way.
    Completion = "completion",
    /// It became dead or was cancelled. If it succeeds, the waiting job is skipped.
    Failure = "failure",
}

names! {
    /// Why a job is part of a replay.
    ReplayCause is v1::ReplayCause:
    /// It was named.
    Selected = "selected",
    /// It did not succeed.
    NotSucceeded = "not_succeeded",
    /// It depends on one that runs again.
    Downstream = "downstream",
    /// One that runs again depends on it, and what it left is not reused.
    Upstream = "upstream",
    /// It does not run: one that runs again uses what it left.
    Reused = "reused",
}

names! {
    /// What an operation does.
    OperationKind is v1::OperationKind:
    /// Retries jobs.
    Retry = "retry",
    /// Cancels jobs.
    Cancel = "cancel",
    /// Discards dead letters.
    Discard = "discard",
    /// Changes priorities.
    Reprioritise = "reprioritise",
    /// Moves jobs to another queue.
    Move = "move",
    /// Gives attempts more time.
    ExtendDeadline = "extend_deadline",
    /// Cancels a run.
    CancelRun = "cancel_run",
    /// Writes the jobs of a replay.
    ReplayRun = "replay_run",
}

names! {
    /// Where an operation stands.
    OperationState is v1::OperationState:
    /// It works through its jobs.
    Running = "running",
    /// It has looked at every job.
    Done = "done",
    /// Somebody stopped it.
    Stopped = "stopped",
}

names! {
    /// What values a pipeline's parameter takes.
    ParameterKind is v1::ParameterKind:
    /// Text.
    String = "string",
    /// A whole number of at most 53 bits, which a double holds exactly.
    Int = "int",
    /// True or false.
    Bool = "bool",
    /// Any JSON value.
    Json = "json",
}

names! {
    /// Where a backfill stands.
    BackfillState is v1::BackfillState:
    /// It makes jobs and waits for them.
    Running = "running",
    /// It makes no jobs.
    Paused = "paused",
    /// Every window that was due when it was started is covered.
    Succeeded = "succeeded",
    /// Every window that was due was tried, and some are not covered.
    Failed = "failed",
    /// Somebody cancelled it.
    Cancelled = "cancelled",
}

impl BackfillState {
    /// Whether the backfill is over.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl RunState {
    /// Whether every job is finished. A retry or an append can still make the run active again.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_contract_has_a_name() {
        for number in 1..=8 {
            let kind = OperationKind::from_number(number);
            assert_ne!(kind, OperationKind::Unknown);
            assert_eq!(
                (kind.to_number(), OperationKind::from_name(kind.as_str())),
                (number, Some(kind))
            );
        }
        assert_eq!(OnFailure::from_name("continue").map(OnFailure::to_number), Some(3));
        assert_eq!(EdgeCondition::from_number(0), EdgeCondition::Unknown);
    }
}
