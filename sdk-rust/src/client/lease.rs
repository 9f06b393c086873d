//! Leases, as fences for stores.

use std::time::Duration;

use crate::contract::from_duration;
use crate::proto::v1;

/// A lease with its fence: hand it to a store that must refuse a stale writer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub job_id: String,
    /// The attempt, for people.
    pub attempt: i32,
    /// Grows with every lease of the job; a store can order by it.
    pub lease_epoch: i64,
    /// Opaque; compared for equality.
    pub lease_token: String,
}

/// Whether a lease is the current one, true of the moment at which the database said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedLease {
    /// Whether it is.
    pub is_current: bool,
    /// The newest epoch that was handed out for the job.
    pub newest_lease_epoch: i64,
    /// How long the lease lives unless it is renewed; none when it is not current.
    pub expires_in: Option<Duration>,
}

impl From<&Lease> for v1::LeaseRef {
    fn from(lease: &Lease) -> Self {
        Self {
            job_id: lease.job_id.clone(),
            attempt: lease.attempt,
            lease_epoch: lease.lease_epoch,
            lease_token: lease.lease_token.clone(),
        }
    }
}

impl From<&v1::LeaseRef> for Lease {
    fn from(lease: &v1::LeaseRef) -> Self {
        Self {
            job_id: lease.job_id.clone(),
            attempt: lease.attempt,
            lease_epoch: lease.lease_epoch,
            lease_token: lease.lease_token.clone(),
        }
    }
}

impl From<v1::CheckLeaseResponse> for CheckedLease {
    fn from(response: v1::CheckLeaseResponse) -> Self {
        Self {
            is_current: response.current,
            newest_lease_epoch: response.newest_lease_epoch,
            expires_in: response.expires_in.map(from_duration),
        }
    }
}
