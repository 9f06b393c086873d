//! Up to which event time sources are complete.

use std::time::{Duration, SystemTime};

use crate::client::connection::WatermarkCalls;
use crate::client::listing::Pages;
use crate::client::orchestrator::Orchestrator;
use crate::client::reason::Reason;
use crate::contract::{count, from_duration, from_timestamp, non_empty, to_duration};
use crate::error::{Error, absent};
use crate::proto::v1;
use crate::retry::with_retries;

/// Up to which event time sources are complete: [`Orchestrator::watermarks`].
#[derive(Debug, Clone)]
pub struct Watermarks(Orchestrator);

impl Watermarks {
    pub(crate) fn new(orchestrator: Orchestrator) -> Self {
        Self(orchestrator)
    }

    /// Declares the windows of a source and scope, or changes how late data may come.
    ///
    /// # Errors
    /// `FailedPrecondition` (`WINDOW_SERIES_IN_USE`: width and origin cannot change once something
    /// is covered, nor while a backfill is under way).
    pub async fn put_series(
        &self,
        series: WindowSeries,
        reason: impl Into<Reason>,
    ) -> Result<Watermark, Error> {
        let reason = reason.into();
        let request = v1::PutWindowSeriesRequest {
            series: Some(series.into()),
            reason: reason.text,
            ticket: reason.ticket,
        };
        let client = self.0.connection.watermarks();
        let call = |mut client: WatermarkCalls, request| async move {
            client.put_window_series(request).await
        };
        let response = with_retries(self.0.timeout, client, request, call).await?;
        response.watermark.ok_or_else(|| absent("watermark"))?.try_into()
    }

    /// The watermark of a source and scope; none as the scope of a source that has none.
    ///
    /// # Errors
    /// `NotFound` (`WINDOW_SERIES_NOT_FOUND`).
    pub async fn get(&self, source: &str, scope: Option<&str>) -> Result<Watermark, Error> {
        let scope = scope.unwrap_or_default().into();
        let request = v1::GetWatermarkRequest { source: source.into(), scope };
        let client = self.0.connection.watermarks();
        let call = |mut client: WatermarkCalls, request| async move {
            client.get_watermark(request).await
        };
        let response = with_retries(self.0.timeout, client, request, call).await?;
        response.watermark.ok_or_else(|| absent("watermark"))?.try_into()
    }

    /// Lists what is due and not covered, oldest first, fetching pages as they are wanted. The
    /// list fails with `NotFound` (`WINDOW_SERIES_NOT_FOUND`) where nobody declared the series.
    pub fn gaps(&self, source: &str, scope: Option<&str>) -> Pages<Gap> {
        self.gaps_between(source, scope, None, None)
    }

    /// Like [`gaps`](Self::gaps), from a moment on, up to a moment, or both.
    pub fn gaps_between(
        &self,
        source: &str,
        scope: Option<&str>,
        from: Option<SystemTime>,
        until: Option<SystemTime>,
    ) -> Pages<Gap> {
        let (client, timeout) = (self.0.connection.watermarks(), self.0.timeout);
        let first = v1::ListGapsRequest {
            source: source.into(),
            scope: scope.unwrap_or_default().into(),
            from_time: from.map(Into::into),
            until_time: until.map(Into::into),
            ..Default::default()
        };
        Pages::new(move |page_token| {
            let client = client.clone();
            let request = v1::ListGapsRequest { page_token, ..first.clone() };
            async move {
                let call = |mut client: WatermarkCalls, request| async move {
                    client.list_gaps(request).await
                };
                let page = with_retries(timeout, client, request, call).await?;
                let gaps = page.gaps.into_iter().map(Gap::try_from).collect::<Result<_, _>>()?;
                Ok((gaps, page.next_page_token))
            }
        })
    }
}

/// How the event time of a source and scope is cut into windows.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use stellaops_orchestrator::WindowSeries;
///
/// let origin = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
/// let hourly = WindowSeries::new("osv.dev", Duration::from_secs(3600), origin).scope("npm");
/// # let _ = hourly;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct WindowSeries {
    /// The source.
    pub source: String,
    /// The partition of the source, such as an ecosystem; none where the source has none.
    pub scope: Option<String>,
    /// How wide a window is, in whole seconds. Windows begin at whole multiples of it since the
    /// Unix epoch.
    pub width: Duration,
    /// How much later than a window's end its data may still come.
    pub allowed_lateness: Duration,
    /// Where the series begins; rounded down to the start of a window.
    pub origin: SystemTime,
}

impl WindowSeries {
    /// A series of a source without partitions, whose data is never late.
    pub fn new(source: impl Into<String>, width: Duration, origin: SystemTime) -> Self {
        let allowed_lateness = Duration::ZERO;
        Self { source: source.into(), scope: None, width, allowed_lateness, origin }
    }

    /// The partition of the source.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// How much later than a window's end its data may still come; not at all unless told.
    pub fn allowed_lateness(mut self, lateness: Duration) -> Self {
        self.allowed_lateness = lateness;
        self
    }
}

/// How complete a series is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Watermark {
    /// The series.
    pub series: WindowSeries,
    /// Up to here everything is covered. Never goes back.
    pub watermark: SystemTime,
    /// Windows that end up to here are due.
    pub due: Option<SystemTime>,
    /// From the watermark to `due`; zero if nothing is missing.
    pub lag: Duration,
    /// How many windows are due and not covered.
    pub missing_windows: u64,
    /// How many gaps they are.
    pub gaps: u64,
    /// The end of the newest window that is covered; none if none is.
    pub covered_until: Option<SystemTime>,
}

/// A span of event time that is due and not covered: neighbouring windows as one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// Its first moment.
    pub start: SystemTime,
    /// The first moment after it.
    pub end: SystemTime,
    /// How many windows it has.
    pub windows: u64,
    /// How many of them unfinished jobs are to cover.
    pub in_progress: u64,
}

impl From<WindowSeries> for v1::WindowSeries {
    fn from(series: WindowSeries) -> Self {
        Self {
            source: series.source,
            scope: series.scope.unwrap_or_default(),
            width: Some(to_duration(series.width)),
            allowed_lateness: Some(to_duration(series.allowed_lateness)),
            origin_time: Some(series.origin.into()),
        }
    }
}

impl TryFrom<v1::Watermark> for Watermark {
    type Error = Error;

    fn try_from(found: v1::Watermark) -> Result<Self, Error> {
        let series = found.series.ok_or_else(|| absent("series"))?;
        let origin = from_timestamp(series.origin_time).ok_or_else(|| absent("origin"))?;
        Ok(Self {
            series: WindowSeries {
                source: series.source,
                scope: non_empty(series.scope),
                width: series.width.map(from_duration).unwrap_or_default(),
                allowed_lateness: series.allowed_lateness.map(from_duration).unwrap_or_default(),
                origin,
            },
            watermark: from_timestamp(found.watermark_time).ok_or_else(|| absent("watermark"))?,
            due: from_timestamp(found.due_time),
            lag: found.lag.map(from_duration).unwrap_or_default(),
            missing_windows: count(found.missing_windows),
            gaps: count(found.gaps),
            covered_until: from_timestamp(found.covered_until_time),
        })
    }
}

impl TryFrom<v1::Gap> for Gap {
    type Error = Error;

    fn try_from(gap: v1::Gap) -> Result<Self, Error> {
        Ok(Self {
            start: from_timestamp(gap.start_time).ok_or_else(|| absent("start of a gap"))?,
            end: from_timestamp(gap.end_time).ok_or_else(|| absent("end of a gap"))?,
            windows: count(gap.windows),
            in_progress: count(gap.in_progress),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_watermark_needs_its_series_and_its_moment() {
        let series = WindowSeries::new("osv.dev", Duration::from_secs(3600), UNIX_EPOCH);
        let found = v1::Watermark {
            series: Some(series.clone().into()),
            watermark_time: Some(UNIX_EPOCH.into()),
            missing_windows: 2,
            ..Default::default()
        };
        let watermark = Watermark::try_from(found.clone()).expect("a watermark");
        assert_eq!((watermark.series, watermark.missing_windows), (series, 2));
        assert_eq!((watermark.lag, watermark.covered_until), (Duration::ZERO, None));
        let without = v1::Watermark { series: None, ..found };
        let error = Watermark::try_from(without).expect_err("no series");
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
}
