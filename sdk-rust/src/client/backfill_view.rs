//! Backfills: what they do, what they would do, and how far they are.

use std::time::{Duration, SystemTime};

use crate::client::explaining::FlowScope;
use crate::client::job_request::JobRequest;
use crate::client::plan_names::BackfillState;
use crate::client::window::EventWindow;
use crate::contract::{count, from_duration, from_timestamp, non_empty};
use crate::error::{Error, absent};
use crate::proto::v1;

/// What a backfill does: a job per window of a range of event time.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use stellaops_orchestrator::{BackfillSpec, JobRequest};
///
/// let end = SystemTime::now();
/// let start = end - Duration::from_secs(24 * 3600);
/// let job = JobRequest::new("concelier.ingest.osv").priority(-5);
/// let day = BackfillSpec::new("osv.dev", start, end, job).scope("npm").max_parallel(4);
/// # let _ = day;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct BackfillSpec {
    /// The source.
    pub source: String,
    /// The partition of the source; none where the source has none.
    pub scope: Option<String>,
    /// From this event time on; rounded down to the start of a window.
    pub start: SystemTime,
    /// Up to this event time; rounded up to the end of a window.
    pub end: SystemTime,
    /// The job of each window. It can have no idempotency key, `not_before` and window, its source
    /// is the backfill's, and it inherits nothing from the handler that starts the backfill.
    pub job: JobRequest,
    /// The most of its jobs that may be unfinished at once, up to 1,000; 10 if none.
    pub max_parallel: Option<u32>,
    /// Whether windows that are covered are covered again.
    pub repeat_covered: bool,
}

impl BackfillSpec {
    /// Covers what is not covered of a source without partitions.
    pub fn new(
        source: impl Into<String>,
        start: SystemTime,
        end: SystemTime,
        job: JobRequest,
    ) -> Self {
        Self {
            source: source.into(),
            scope: None,
            start,
            end,
            job,
            max_parallel: None,
            repeat_covered: false,
        }
    }

    /// The partition of the source.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The most of its jobs that may be unfinished at once, up to 1,000; 10 unless told.
    pub fn max_parallel(mut self, jobs: u32) -> Self {
        self.max_parallel = Some(jobs);
        self
    }

    /// Whether windows that are covered are covered again. False unless told.
    pub fn repeat_covered(mut self, repeat_covered: bool) -> Self {
        self.repeat_covered = repeat_covered;
        self
    }

    pub(crate) fn to_message(&self) -> v1::BackfillSpec {
        v1::BackfillSpec {
            source: self.source.clone(),
            scope: self.scope.clone().unwrap_or_default(),
            start_time: Some(self.start.into()),
            end_time: Some(self.end.into()),
            job: Some(self.job.clone().into_template()),
            max_parallel: self.max_parallel.map_or(0, |jobs| jobs.min(i32::MAX as u32) as i32),
            repeat_covered: self.repeat_covered,
        }
    }

    fn from_message(spec: v1::BackfillSpec) -> Result<Self, Error> {
        Ok(Self {
            source: spec.source,
            scope: non_empty(spec.scope),
            start: from_timestamp(spec.start_time).ok_or_else(|| absent("start of the range"))?,
            end: from_timestamp(spec.end_time).ok_or_else(|| absent("end of the range"))?,
            job: JobRequest::from_spec(spec.job.unwrap_or_default()),
            max_parallel: u32::try_from(spec.max_parallel).ok().filter(|&jobs| jobs > 0),
            repeat_covered: spec.repeat_covered,
        })
    }
}

/// What a backfill would do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BackfillPreview {
    /// How many windows the range has.
    pub windows: u64,
    /// How many of them are covered.
    pub covered: u64,
    /// How many unfinished jobs are to cover already.
    pub in_progress: u64,
    /// How many are not due yet; they are left out.
    pub not_due: u64,
    /// How many jobs it would make.
    pub jobs: u64,
    /// The start of the range after rounding.
    pub start: Option<SystemTime>,
    /// The end of the range after rounding.
    pub end: Option<SystemTime>,
    /// How long one job takes by the newest attempts of the series; none if there are none.
    pub mean_job: Option<Duration>,
    /// How long all of it takes at that pace, if nothing limits it.
    pub estimated: Option<Duration>,
    /// What has settings that limit its jobs.
    pub limited_by: Vec<FlowScope>,
    /// The first 10 windows that it would cover.
    pub sample: Vec<EventWindow>,
}

/// A backfill as the ledger has it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Backfill {
    /// The id, a UUID.
    pub backfill_id: String,
    /// What it does, its range rounded.
    pub spec: BackfillSpec,
    /// Where it stands.
    pub state: BackfillState,
    /// Who started it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The ticket that asks for it.
    pub ticket: Option<String>,
    /// How many windows the range has.
    pub windows: u64,
    /// How many its jobs covered.
    pub covered: u64,
    /// How many were covered already, or by jobs that are not its own.
    pub shared: u64,
    /// How many of its jobs are unfinished.
    pub in_progress: u64,
    /// How many failed: their job is dead or was cancelled.
    pub failed: u64,
    /// When it was started.
    pub create_time: Option<SystemTime>,
    /// When it ended.
    pub finish_time: Option<SystemTime>,
}

impl From<v1::PreviewBackfillResponse> for BackfillPreview {
    fn from(preview: v1::PreviewBackfillResponse) -> Self {
        Self {
            windows: count(preview.windows),
            covered: count(preview.covered),
            in_progress: count(preview.in_progress),
            not_due: count(preview.not_due),
            jobs: count(preview.jobs),
            start: from_timestamp(preview.start_time),
            end: from_timestamp(preview.end_time),
            mean_job: preview.mean_job_duration.map(from_duration),
            estimated: preview.estimated_duration.map(from_duration),
            limited_by: preview.limits.into_iter().map(|limits| limits.scope.into()).collect(),
            sample: preview.sample.into_iter().filter_map(EventWindow::from_message).collect(),
        }
    }
}

impl TryFrom<v1::Backfill> for Backfill {
    type Error = Error;

    fn try_from(backfill: v1::Backfill) -> Result<Self, Error> {
        let spec = backfill.spec.ok_or_else(|| absent("spec of the backfill"))?;
        Ok(Self {
            backfill_id: backfill.backfill_id,
            spec: BackfillSpec::from_message(spec)?,
            state: BackfillState::from_number(backfill.state),
            actor: backfill.actor,
            reason: backfill.reason,
            ticket: non_empty(backfill.ticket),
            windows: count(backfill.windows),
            covered: count(backfill.covered),
            shared: count(backfill.shared),
            in_progress: count(backfill.in_progress),
            failed: count(backfill.failed),
            create_time: from_timestamp(backfill.create_time),
            finish_time: from_timestamp(backfill.finish_time),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_spec_goes_there_and_back() {
        let end = UNIX_EPOCH + Duration::from_secs(7200);
        let job = JobRequest::new("t").priority(-5);
        let spec = BackfillSpec::new("osv.dev", UNIX_EPOCH, end, job).scope("npm").max_parallel(4);
        let message = spec.to_message();
        assert_eq!(message.job.as_ref().map(|job| job.job_id.as_str()), Some(""));
        assert_eq!(BackfillSpec::from_message(message).expect("a spec"), spec);
    }
}
