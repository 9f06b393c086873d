//! Lists that page themselves.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use crate::client::names::JobState;
use crate::error::Error;
use crate::proto::v1;

/// Narrows a list of jobs; what is set must all match.
///
/// ```
/// use stellaops_orchestrator::{JobFilter, JobState};
///
/// let filter = JobFilter {
///     states: vec![JobState::Dead],
///     source: Some("osv.dev".into()),
///     ..JobFilter::default()
/// };
/// # let _ = filter;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Any of these states; all if empty.
    pub states: Vec<JobState>,
    /// Any of these job types; all if empty.
    pub job_types: Vec<String>,
    /// This queue.
    pub queue: Option<String>,
    /// This project.
    pub project: Option<String>,
    /// This source.
    pub source: Option<String>,
    /// This run.
    pub run_id: Option<String>,
    /// All of these labels.
    pub labels: HashMap<String, String>,
    /// Enqueued at or after this.
    pub created_from: Option<SystemTime>,
    /// Enqueued before this.
    pub created_before: Option<SystemTime>,
}

impl From<JobFilter> for v1::JobFilter {
    fn from(filter: JobFilter) -> Self {
        Self {
            states: filter.states.into_iter().map(JobState::to_number).collect(),
            job_types: filter.job_types,
            queue: filter.queue.unwrap_or_default(),
            project: filter.project.unwrap_or_default(),
            source: filter.source.unwrap_or_default(),
            run_id: filter.run_id.unwrap_or_default(),
            labels: filter.labels,
            created_from: filter.created_from.map(Into::into),
            created_before: filter.created_before.map(Into::into),
            ..Default::default()
        }
    }
}

type Page<T> = Result<(Vec<T>, String), Error>;
type Fetching<T> = Pin<Box<dyn Future<Output = Page<T>> + Send>>;

/// A list that fetches its pages as they are wanted.
#[must_use = "a list fetches nothing until it is asked"]
pub struct Pages<T> {
    fetch: Box<dyn FnMut(String) -> Fetching<T> + Send>,
    items: VecDeque<T>,
    /// The token of the next page; none after the last.
    next: Option<String>,
}

impl<T> Pages<T> {
    pub(crate) fn new<F>(mut fetch: impl FnMut(String) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Page<T>> + Send + 'static,
    {
        Self {
            fetch: Box::new(move |token| Box::pin(fetch(token))),
            items: VecDeque::new(),
            next: Some(String::new()),
        }
    }

    /// The next item, or none after the last.
    ///
    /// # Errors
    /// Whatever fetching a page fails with; the same page is fetched again by the next call.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        while self.items.is_empty() {
            let Some(token) = self.next.clone() else { return Ok(None) };
            let (items, next) = (self.fetch)(token).await?;
            self.items = items.into();
            self.next = (!next.is_empty()).then_some(next);
        }
        Ok(self.items.pop_front())
    }

    /// All items that are left. Mind the memory: a list can be long.
    ///
    /// # Errors
    /// Whatever fetching a page fails with.
    pub async fn collect(mut self) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await? {
            all.push(item);
        }
        Ok(all)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("fetched", &self.items.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_follow_each_other() {
        let pages = Pages::new(|token| async move {
            Ok(match token.as_str() {
                "" => (vec![1, 2], "b".to_owned()),
                "b" => (vec![], "c".to_owned()),
                _ => (vec![3], String::new()),
            })
        });
        assert_eq!(pages.collect().await.expect("items"), [1, 2, 3]);
    }
}
