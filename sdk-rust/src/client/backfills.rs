//! Covering event time that was missed.

use uuid::Uuid;

use crate::client::backfill_view::{Backfill, BackfillPreview, BackfillSpec};
use crate::client::connection::BackfillCalls;
use crate::client::listing::Pages;
use crate::client::orchestrator::Orchestrator;
use crate::client::reason::Reason;
use crate::error::{Error, absent};
use crate::proto::v1;
use crate::retry::with_retries;

/// Covers event time that was missed, or covers it again: [`Orchestrator::backfills`].
#[derive(Debug, Clone)]
pub struct Backfills(Orchestrator);

impl Backfills {
    pub(crate) fn new(orchestrator: Orchestrator) -> Self {
        Self(orchestrator)
    }

    /// Says what a backfill would do.
    ///
    /// # Errors
    /// `NotFound` (`WINDOW_SERIES_NOT_FOUND`), `InvalidArgument` (`BACKFILL_TOO_LARGE`: more than
    /// 1,000,000 windows).
    pub async fn preview(&self, spec: &BackfillSpec) -> Result<BackfillPreview, Error> {
        let request = v1::PreviewBackfillRequest { spec: Some(spec.to_message()) };
        let client = self.0.connection.backfills();
        let call = |mut client: BackfillCalls, request| async move {
            client.preview_backfill(request).await
        };
        with_retries(self.0.timeout, client, request, call).await.map(Into::into)
    }

    /// Starts a backfill. The history wants a reason that is not empty.
    ///
    /// # Errors
    /// As [`preview`](Self::preview), `InvalidArgument` (`PAYLOAD_TOO_LARGE`),
    /// `FailedPrecondition` (`PAYLOAD_ARTIFACT_NOT_FOUND`).
    pub async fn create(
        &self,
        spec: &BackfillSpec,
        reason: impl Into<Reason>,
    ) -> Result<Backfill, Error> {
        let reason = reason.into();
        let request = v1::CreateBackfillRequest {
            spec: Some(spec.to_message()),
            request_id: Uuid::now_v7().to_string(),
            reason: reason.text,
            ticket: reason.ticket,
        };
        let client = self.0.connection.backfills();
        let call = |mut client: BackfillCalls, request| async move {
            client.create_backfill(request).await
        };
        found(with_retries(self.0.timeout, client, request, call).await?.backfill)
    }

    /// A backfill with its progress.
    ///
    /// # Errors
    /// `NotFound` (`BACKFILL_NOT_FOUND`).
    pub async fn get(&self, backfill_id: &str) -> Result<Backfill, Error> {
        let request = v1::GetBackfillRequest { backfill_id: backfill_id.into() };
        let client = self.0.connection.backfills();
        let call =
            |mut client: BackfillCalls, request| async move { client.get_backfill(request).await };
        found(with_retries(self.0.timeout, client, request, call).await?.backfill)
    }

    /// Lists backfills, newest first, fetching pages as they are wanted: those of a source, or all.
    pub fn list(&self, source: Option<&str>) -> Pages<Backfill> {
        let (client, timeout) = (self.0.connection.backfills(), self.0.timeout);
        let source = source.unwrap_or_default();
        let first = v1::ListBackfillsRequest { source: source.into(), ..Default::default() };
        Pages::new(move |page_token| {
            let client = client.clone();
            let request = v1::ListBackfillsRequest { page_token, ..first.clone() };
            async move {
                let call = |mut client: BackfillCalls, request| async move {
                    client.list_backfills(request).await
                };
                let page = with_retries(timeout, client, request, call).await?;
                let backfills = page.backfills.into_iter().map(Backfill::try_from);
                Ok((backfills.collect::<Result<_, _>>()?, page.next_page_token))
            }
        })
    }

    /// Pauses a backfill: it makes no more jobs; those that it made go on.
    ///
    /// # Errors
    /// `NotFound` (`BACKFILL_NOT_FOUND`), `FailedPrecondition` (`BACKFILL_FINISHED`).
    pub async fn pause(
        &self,
        backfill_id: &str,
        reason: impl Into<Reason>,
    ) -> Result<Backfill, Error> {
        let Reason { text: reason, ticket } = reason.into();
        let backfill_id = backfill_id.into();
        let request = v1::PauseBackfillRequest { backfill_id, reason, ticket };
        let client = self.0.connection.backfills();
        let call = |mut client: BackfillCalls, request| async move {
            client.pause_backfill(request).await
        };
        found(with_retries(self.0.timeout, client, request, call).await?.backfill)
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn resume(
        &self,
        backfill_id: &str,
        reason: impl Into<Reason>,
    ) -> Result<Backfill, Error> {
        let Reason { text: reason, ticket } = reason.into();
        let backfill_id = backfill_id.into();
        let request = v1::ResumeBackfillRequest { backfill_id, reason, ticket };
        let client = self.0.connection.backfills();
        let call = |mut client: BackfillCalls, request| async move {
            client.resume_backfill(request).await
        };
        found(with_retries(self.0.timeout, client, request, call).await?.backfill)
    }

    /// Cancels a backfill and its unfinished jobs, those soon after this returns; what is covered
    /// stays covered. `finish_time` is set once all of them have ended.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn cancel(
        &self,
        backfill_id: &str,
        reason: impl Into<Reason>,
    ) -> Result<Backfill, Error> {
        let Reason { text: reason, ticket } = reason.into();
        let backfill_id = backfill_id.into();
        let request = v1::CancelBackfillRequest { backfill_id, reason, ticket };
        let client = self.0.connection.backfills();
        let call = |mut client: BackfillCalls, request| async move {
            client.cancel_backfill(request).await
        };
        found(with_retries(self.0.timeout, client, request, call).await?.backfill)
    }
}

fn found(backfill: Option<v1::Backfill>) -> Result<Backfill, Error> {
    backfill.ok_or_else(|| absent("backfill"))?.try_into()
}
