//! Named runs that the ledger keeps.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::client::connection::PipelineCalls;
use crate::client::json;
use crate::client::listing::Pages;
use crate::client::orchestrator::Orchestrator;
use crate::client::pipeline_spec::{Pipeline, PipelineHead, StoredPipeline};
use crate::client::reason::Reason;
use crate::client::run_view::{CreatedRun, ids_by_name};
use crate::error::{Error, ErrorKind, absent};
use crate::proto::v1;
use crate::retry::with_retries;
use crate::trace::Lineage;

/// Named runs that the ledger keeps: [`Orchestrator::pipelines`].
#[derive(Debug, Clone)]
pub struct Pipelines(Orchestrator);

impl Pipelines {
    pub(crate) fn new(orchestrator: Orchestrator) -> Self {
        Self(orchestrator)
    }

    /// Stores a pipeline: its first version, or a new one if its content differs from the newest.
    ///
    /// # Errors
    /// `InvalidArgument` with every fault of its graph, parameters and templates as a
    /// [violation](Error::violations); `Aborted` (`ETAG_MISMATCH`: somebody stored a version
    /// since; get it again).
    pub async fn put(
        &self,
        pipeline: Pipeline,
        reason: impl Into<Reason>,
    ) -> Result<StoredPipeline, Error> {
        let reason = reason.into();
        let request = v1::PutPipelineRequest {
            pipeline: Some(pipeline.into_message()?),
            reason: reason.text,
            ticket: reason.ticket,
        };
        let client = self.0.connection.pipelines();
        let call =
            |mut client: PipelineCalls, request| async move { client.put_pipeline(request).await };
        let response = with_retries(self.0.timeout, client, request, call).await?;
        response.pipeline.ok_or_else(|| absent("pipeline"))?.try_into()
    }

    /// The newest version of a pipeline.
    ///
    /// # Errors
    /// `NotFound` (`PIPELINE_NOT_FOUND`).
    pub async fn get(&self, name: &str) -> Result<StoredPipeline, Error> {
        self.get_version(name, 0).await
    }

    /// A version of a pipeline.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn get_version(&self, name: &str, version: i32) -> Result<StoredPipeline, Error> {
        let request = v1::GetPipelineRequest { name: name.into(), version };
        let client = self.0.connection.pipelines();
        let call =
            |mut client: PipelineCalls, request| async move { client.get_pipeline(request).await };
        let response = with_retries(self.0.timeout, client, request, call).await?;
        response.pipeline.ok_or_else(|| absent("pipeline"))?.try_into()
    }

    /// Lists the newest versions of all pipelines by name, fetching pages as they are wanted.
    pub fn list(&self) -> Pages<PipelineHead> {
        self.heads("")
    }

    /// Lists the versions of a pipeline, newest first; none of one that does not exist. For an
    /// empty name, [`next`](Pages::next) fails with `InvalidArgument` (`PIPELINE_INVALID`).
    pub fn versions(&self, name: &str) -> Pages<PipelineHead> {
        if name.is_empty() {
            return Pages::new(|_| async {
                let message = "versions need a pipeline's name";
                Err(Error::new(ErrorKind::InvalidArgument, "PIPELINE_INVALID", message))
            });
        }
        self.heads(name)
    }

    /// The versions of a pipeline, or the newest of all for an empty name.
    fn heads(&self, name: &str) -> Pages<PipelineHead> {
        let (client, timeout) = (self.0.connection.pipelines(), self.0.timeout);
        let first = v1::ListPipelinesRequest { name: name.into(), ..Default::default() };
        Pages::new(move |page_token| {
            let client = client.clone();
            let request = v1::ListPipelinesRequest { page_token, ..first.clone() };
            async move {
                let call = |mut client: PipelineCalls, request| async move {
                    client.list_pipelines(request).await
                };
                let page = with_retries(timeout, client, request, call).await?;
                Ok((page.pipelines.into_iter().map(Into::into).collect(), page.next_page_token))
            }
        })
    }

    /// Makes a run from a pipeline. A name alone converts into a [`PipelineRun`].
    ///
    /// # Errors
    /// `NotFound` (`PIPELINE_NOT_FOUND`); `InvalidArgument` (`PARAMETER_INVALID`, with a
    /// [violation](Error::violations) per parameter that is missing, unknown or of the wrong
    /// kind); those of [`create_run`](Orchestrator::create_run).
    pub async fn run(&self, run: impl Into<PipelineRun>) -> Result<CreatedRun, Error> {
        let request = run.into().into_message(self.0.lineage().as_deref())?;
        let run_id = request.run_id.clone();
        let client = self.0.connection.pipelines();
        let call =
            |mut client: PipelineCalls, request| async move { client.run_pipeline(request).await };
        let response = with_retries(self.0.timeout, client, request, call).await?;
        Ok(CreatedRun {
            run_id: response.run.map_or(run_id, |run| run.run_id),
            job_ids: ids_by_name(response.job_names, response.job_ids),
            already_existed: response.already_existed,
        })
    }
}

/// A run that is to be made from a pipeline.
///
/// ```
/// use stellaops_orchestrator::PipelineRun;
///
/// let run = PipelineRun::of("nightly").parameter("ecosystem", "npm").parameter("depth", 2);
/// # let _ = run;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct PipelineRun {
    name: String,
    version: i32,
    parameters: Map<String, Value>,
    display_name: String,
    project: String,
    correlation_id: Option<String>,
}

impl PipelineRun {
    /// A run of the newest version of a pipeline.
    pub fn of(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: 0,
            parameters: Map::new(),
            display_name: String::new(),
            project: String::new(),
            correlation_id: None,
        }
    }

    /// The pipeline's version; the newest unless told.
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// The value of a parameter.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// The values of parameters by name.
    pub fn parameters(mut self, values: Map<String, Value>) -> Self {
        self.parameters.extend(values);
        self
    }

    /// For people; the pipeline's name unless told.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// The project within the tenant; jobs without one inherit it.
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = project.into();
        self
    }

    /// Jobs without one inherit it; the surrounding handler's, else the run's id, unless told.
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// The request, with a run id of the SDK's own choosing so that it can be repeated.
    fn into_message(self, lineage: Option<&Lineage>) -> Result<v1::RunPipelineRequest, Error> {
        let correlation_id =
            self.correlation_id.or_else(|| lineage.map(|lineage| lineage.correlation_id.clone()));
        Ok(v1::RunPipelineRequest {
            name: self.name,
            version: self.version,
            parameters: Some(json::to_struct(self.parameters)?),
            run_id: Uuid::now_v7().to_string(),
            display_name: self.display_name,
            project: self.project,
            correlation_id: correlation_id.unwrap_or_default(),
        })
    }
}

impl<T: Into<String>> From<T> for PipelineRun {
    fn from(name: T) -> Self {
        Self::of(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn versions_need_a_name() {
        let orchestrator = Orchestrator::new().expect("a client that connects later");
        let error = orchestrator.pipelines().versions("").next().await.expect_err("no name");
        assert_eq!(error.reason(), "PIPELINE_INVALID");
    }

    #[test]
    fn a_run_in_a_handler_inherits_its_correlation_id() {
        let lineage = Lineage { correlation_id: "c-1".into(), ..Lineage::default() };
        let message = PipelineRun::from("p").into_message(Some(&lineage)).expect("a message");
        assert_eq!((message.name.as_str(), message.correlation_id.as_str()), ("p", "c-1"));
        let told = PipelineRun::of("p").correlation_id("own").into_message(Some(&lineage));
        assert_eq!(told.expect("a message").correlation_id, "own");
    }
}
