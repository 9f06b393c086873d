//! Spans of event time.

use std::time::SystemTime;

use crate::contract::{from_timestamp, non_empty};
use crate::proto::v1;

/// A span of event time of a source, from `start` up to but not including `end`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EventWindow {
    /// The partition of the source, such as an ecosystem; none where the source has none.
    pub scope: Option<String>,
    /// Its first moment.
    pub start: SystemTime,
    /// The first moment after it.
    pub end: SystemTime,
}

impl EventWindow {
    /// A window of a source without partitions.
    #[must_use]
    pub fn new(start: SystemTime, end: SystemTime) -> Self {
        Self { scope: None, start, end }
    }

    /// The partition of the source.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// A window of the contract; one without both ends is none.
    pub(crate) fn from_message(window: v1::EventWindow) -> Option<Self> {
        let start = from_timestamp(window.start_time)?;
        let end = from_timestamp(window.end_time)?;
        Some(Self { scope: non_empty(window.scope), start, end })
    }
}

impl From<EventWindow> for v1::EventWindow {
    fn from(window: EventWindow) -> Self {
        Self {
            scope: window.scope.unwrap_or_default(),
            start_time: Some(window.start.into()),
            end_time: Some(window.end.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_window_goes_there_and_back() {
        let start = UNIX_EPOCH + Duration::from_millis(1_767_225_600_500);
        let window = EventWindow::new(start, start + Duration::from_secs(3600)).scope("npm");
        let message = v1::EventWindow::from(window.clone());
        assert_eq!(message.start_time.map(|time| time.nanos), Some(500_000_000));
        assert_eq!(EventWindow::from_message(message), Some(window));
    }

    #[test]
    fn a_window_with_one_end_is_none() {
        let message = v1::EventWindow { start_time: Some(UNIX_EPOCH.into()), ..Default::default() };
        assert_eq!(EventWindow::from_message(message), None);
    }
}
