//! The contract's clocks and sizes, and how its times read in Rust.

use std::time::{Duration, SystemTime};

use crate::proto::{constants, v1};

/// The clocks and sizes that a client or worker goes by.
///
/// [`LeaseClocks::CONTRACT`] has the contract's defaults, generated out of its `lease_policy`
/// option. A server's `Welcome` may say otherwise for a session, and then counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseClocks {
    /// How long an offer waits for its accept.
    pub offer_accept_deadline: Duration,
    /// How long a lease lives without a renewal.
    pub lease_ttl: Duration,
    /// How often leases are renewed and how often both sides ping in-band.
    pub renew_interval: Duration,
    /// How often the server looks for expired leases.
    pub expiry_sweep: Duration,
    /// How long one attempt may run.
    pub attempt_deadline: Duration,
    /// How long a draining worker may go on with what it holds.
    pub drain_grace: Duration,
    /// How long a unary claim waits when the caller does not say.
    pub unary_poll_default: Duration,
    /// The longest wait that a unary claim grants.
    pub unary_poll_max: Duration,
    /// The age at which the server ends a stream with a Goaway.
    pub stream_max_age: Duration,
    /// How far ahead of the end of a stream its Goaway comes.
    pub goaway_notice: Duration,
    /// The smallest reconnect delay.
    pub reconnect_min: Duration,
    /// The largest reconnect delay.
    pub reconnect_max: Duration,
    /// How many interruptions a job survives in `interruption_window`.
    pub max_interruptions: u32,
    /// The window in which interruptions are counted.
    pub interruption_window: Duration,
    /// The largest artifact chunk, in bytes.
    pub artifact_chunk_bytes: usize,
    /// The largest message that the server reads, in bytes.
    pub max_message_bytes: usize,
    /// The largest inline payload, result or checkpoint, in bytes.
    pub max_payload_bytes: usize,
    /// How long an idempotency key is remembered.
    pub idempotency_retention: Duration,
    /// How failed attempts are repeated unless the job says otherwise.
    pub retry: RetryDefaults,
}

/// How failed attempts are repeated unless the job says otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RetryDefaults {
    /// How many attempts a job gets in all, the first included.
    pub max_attempts: u32,
    /// The bound of the first delay.
    pub initial_backoff: Duration,
    /// What the bound is multiplied with after each failure.
    pub multiplier: f64,
    /// The largest bound.
    pub max_backoff: Duration,
    /// No attempt starts later than this after the first one started.
    pub max_elapsed: Duration,
}

impl Eq for RetryDefaults {}

impl LeaseClocks {
    /// The defaults as the contract states them.
    pub const CONTRACT: Self = Self {
        offer_accept_deadline: constants::OFFER_ACCEPT_DEADLINE,
        lease_ttl: constants::LEASE_TTL,
        renew_interval: constants::RENEW_INTERVAL,
        expiry_sweep: constants::EXPIRY_SWEEP,
        attempt_deadline: constants::ATTEMPT_DEADLINE,
        drain_grace: constants::DRAIN_GRACE,
        unary_poll_default: constants::UNARY_POLL_DEFAULT,
        unary_poll_max: constants::UNARY_POLL_MAX,
        stream_max_age: constants::STREAM_MAX_AGE,
        goaway_notice: constants::GOAWAY_NOTICE,
        reconnect_min: constants::RECONNECT_MIN,
        reconnect_max: constants::RECONNECT_MAX,
        max_interruptions: constants::MAX_INTERRUPTIONS,
        interruption_window: constants::INTERRUPTION_WINDOW,
        artifact_chunk_bytes: constants::ARTIFACT_CHUNK_BYTES,
        max_message_bytes: constants::MAX_MESSAGE_BYTES,
        max_payload_bytes: constants::MAX_PAYLOAD_BYTES,
        idempotency_retention: constants::IDEMPOTENCY_RETENTION,
        retry: RetryDefaults {
            max_attempts: constants::RETRY_MAX_ATTEMPTS,
            initial_backoff: constants::RETRY_INITIAL_BACKOFF,
            multiplier: constants::RETRY_MULTIPLIER,
            max_backoff: constants::RETRY_MAX_BACKOFF,
            max_elapsed: constants::RETRY_MAX_ELAPSED,
        },
    };

    /// These clocks with what a server's policy sets laid over them. What it leaves out or sets
    /// to zero stays: a server older than this SDK knows fewer fields.
    pub(crate) fn overlaid(mut self, policy: &v1::LeasePolicy) -> Self {
        let durations = [
            (&mut self.offer_accept_deadline, policy.offer_accept_deadline),
            (&mut self.lease_ttl, policy.lease_ttl),
            (&mut self.renew_interval, policy.renew_interval),
            (&mut self.expiry_sweep, policy.expiry_sweep),
            (&mut self.attempt_deadline, policy.attempt_deadline),
            (&mut self.drain_grace, policy.drain_grace),
            (&mut self.stream_max_age, policy.stream_max_age),
            (&mut self.goaway_notice, policy.goaway_notice),
            (&mut self.reconnect_min, policy.reconnect_min),
            (&mut self.reconnect_max, policy.reconnect_max),
        ];
        for (mine, theirs) in durations {
            match theirs.map(from_duration) {
                Some(duration) if !duration.is_zero() => *mine = duration,
                _ => {}
            }
        }
        let sizes = [
            (&mut self.artifact_chunk_bytes, policy.artifact_chunk_bytes),
            (&mut self.max_message_bytes, policy.max_message_bytes),
            (&mut self.max_payload_bytes, policy.max_payload_bytes),
        ];
        for (mine, theirs) in sizes {
            match usize::try_from(theirs) {
                Ok(bytes) if bytes > 0 => *mine = bytes,
                _ => {}
            }
        }
        self
    }
}

/// A duration of the contract; one that is negative or absurd reads as zero.
pub(crate) fn from_duration(duration: prost_types::Duration) -> Duration {
    duration.try_into().unwrap_or_default()
}

/// A duration as the contract carries it; one beyond its range reads as the longest.
pub(crate) fn to_duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(duration)
        .unwrap_or(prost_types::Duration { seconds: 315_576_000_000, nanos: 0 })
}

/// A point in time of the contract; one that this machine cannot express reads as none.
pub(crate) fn from_timestamp(timestamp: Option<prost_types::Timestamp>) -> Option<SystemTime> {
    timestamp.and_then(|timestamp| timestamp.try_into().ok())
}

/// A number of things; the contract's are signed, and never negative.
pub(crate) fn count(number: i64) -> u64 {
    number.max(0).unsigned_abs()
}

/// `text` cut to at most `bytes` bytes on a character's edge, so that a long message never breaks
/// a field rule.
pub(crate) fn truncate(mut text: String, bytes: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes.saturating_sub(ELLIPSIS.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push(ELLIPSIS);
    text
}

/// A string of the contract, where an empty one means none.
pub(crate) fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_overrides_only_what_it_sets() {
        let policy = v1::LeasePolicy {
            renew_interval: Some(to_duration(Duration::from_millis(250))),
            lease_ttl: Some(to_duration(Duration::ZERO)),
            max_payload_bytes: 10,
            ..Default::default()
        };
        let clocks = LeaseClocks::CONTRACT.overlaid(&policy);
        assert_eq!(clocks.renew_interval, Duration::from_millis(250));
        assert_eq!(clocks.lease_ttl, LeaseClocks::CONTRACT.lease_ttl);
        assert_eq!(clocks.max_payload_bytes, 10);
    }

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(truncate("kurz".into(), 4), "kurz");
        assert_eq!(truncate("äöüäöü".into(), 8), "äö…");
        assert!(truncate("🦀🦀🦀".into(), 10).len() <= 10);
    }
}
