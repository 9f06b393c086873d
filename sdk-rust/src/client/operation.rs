//! Changes to many jobs.

use std::time::SystemTime;

use crate::client::plan_names::{OperationKind, OperationState};
use crate::contract::{count, from_timestamp, non_empty};
use crate::proto::v1;

/// A change to many jobs, which the server makes in batches.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The id, a UUID.
    pub operation_id: String,
    /// What it does.
    pub kind: OperationKind,
    /// Where it stands.
    pub state: OperationState,
    /// Who started it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The ticket that asks for it.
    pub ticket: Option<String>,
    /// The run that it is about, if it is about one.
    pub run_id: Option<String>,
    /// How many jobs matched when it began.
    pub matching: u64,
    /// How many were changed.
    pub applied: u64,
    /// How many needed no change.
    pub unchanged: u64,
    /// How many were refused.
    pub refused: u64,
    /// When it was started.
    pub create_time: Option<SystemTime>,
    /// When it ended.
    pub finish_time: Option<SystemTime>,
}

impl From<v1::Operation> for Operation {
    fn from(operation: v1::Operation) -> Self {
        Self {
            operation_id: operation.operation_id,
            kind: OperationKind::from_number(operation.kind),
            state: OperationState::from_number(operation.state),
            actor: operation.actor,
            reason: operation.reason,
            ticket: non_empty(operation.ticket),
            run_id: non_empty(operation.run_id),
            matching: count(operation.matching),
            applied: count(operation.applied),
            unchanged: count(operation.unchanged),
            refused: count(operation.refused),
            create_time: from_timestamp(operation.create_time),
            finish_time: from_timestamp(operation.finish_time),
        }
    }
}
