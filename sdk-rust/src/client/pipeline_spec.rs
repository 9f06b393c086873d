//! Pipelines: named runs with parameters.

use std::ops::Deref;
use std::time::SystemTime;

use serde_json::Value;

use crate::client::job_request::JobRequest;
use crate::client::json;
use crate::client::plan_names::ParameterKind;
use crate::client::run_spec::Dependency;
use crate::contract::{from_timestamp, non_empty};
use crate::error::{Error, ErrorKind};
use crate::proto::v1;

/// A named run with parameters.
///
/// ```
/// use serde_json::json;
/// use stellaops_orchestrator::{
///     Dependency, JobRequest, ParameterKind, Pipeline, PipelineJob, PipelineParameter,
/// };
///
/// let nightly = Pipeline::new("nightly")
///     .parameter(PipelineParameter::new("depth").kind(ParameterKind::Int).default_value(2))
///     .job(
///         PipelineJob::new("scan", JobRequest::new("sbom.scan"))
///             .payload_template(json!({"depth": "${depth}"})),
///     )
///     .job(
///         PipelineJob::new("merge", JobRequest::new("sbom.merge"))
///             .after(Dependency::new("scan").include_fan_out(true)),
///     );
/// # let _ = nightly;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct Pipeline {
    /// Its name, unique in the tenant.
    pub name: String,
    /// For people.
    pub description: String,
    /// What it has to be told, up to 64.
    pub parameters: Vec<PipelineParameter>,
    /// Its jobs, up to 1,000.
    pub jobs: Vec<PipelineJob>,
    /// The one of the version that was seen: stores only on top of it. Stores anyway if none.
    pub etag: Option<String>,
}

impl Pipeline {
    /// A pipeline without parameters and jobs.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            parameters: Vec::new(),
            jobs: Vec::new(),
            etag: None,
        }
    }

    /// For people.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a parameter.
    pub fn parameter(mut self, parameter: PipelineParameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Adds a job.
    pub fn job(mut self, job: PipelineJob) -> Self {
        self.jobs.push(job);
        self
    }

    /// Stores only on top of the version with this etag.
    pub fn etag(mut self, etag: impl Into<String>) -> Self {
        self.etag = Some(etag.into());
        self
    }

    pub(crate) fn into_message(self) -> Result<v1::Pipeline, Error> {
        let parameters = self.parameters.into_iter().map(PipelineParameter::into_message);
        Ok(v1::Pipeline {
            name: self.name,
            description: self.description,
            parameters: parameters.collect::<Result<_, _>>()?,
            jobs: self.jobs.into_iter().map(PipelineJob::into_message).collect(),
            etag: self.etag.unwrap_or_default(),
            ..Default::default()
        })
    }
}

/// What a pipeline has to be told.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct PipelineParameter {
    /// Its name, as templates say it: `${name}`.
    pub name: String,
    /// What values it takes.
    pub kind: ParameterKind,
    /// For people.
    pub description: String,
    /// Its value where none is given; without one it must be given.
    pub default_value: Option<Value>,
}

impl PipelineParameter {
    /// A parameter that takes text and must be given.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: ParameterKind::String,
            description: String::new(),
            default_value: None,
        }
    }

    /// What values it takes.
    pub fn kind(mut self, kind: ParameterKind) -> Self {
        self.kind = kind;
        self
    }

    /// For people.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Its value where none is given.
    pub fn default_value(mut self, value: impl Into<Value>) -> Self {
        self.default_value = Some(value.into());
        self
    }

    fn from_message(parameter: v1::PipelineParameter) -> Self {
        Self {
            name: parameter.name,
            kind: ParameterKind::from_number(parameter.kind),
            description: parameter.description,
            default_value: parameter.default_value.map(json::from_message),
        }
    }

    fn into_message(self) -> Result<v1::PipelineParameter, Error> {
        Ok(v1::PipelineParameter {
            name: self.name,
            kind: self.kind.to_number(),
            description: self.description,
            default_value: self.default_value.map(json::to_message).transpose()?,
        })
    }
}

/// A job of a pipeline.
///
/// `${name}` in its request's project, source, labels, correlation id and concurrency key stands
/// for a parameter's text. The request can have no idempotency key, `not_before` and window, and
/// inherits nothing from the handler that stores it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct PipelineJob {
    /// Its name, unique in the pipeline.
    pub name: String,
    /// The job.
    pub request: JobRequest,
    /// The payload as a JSON value, instead of the request's.
    pub payload_template: Option<Value>,
    /// What must end before it starts.
    pub depends_on: Vec<Dependency>,
}

impl PipelineJob {
    /// A job with a name that is unique in the pipeline.
    pub fn new(name: impl Into<String>, request: JobRequest) -> Self {
        Self { name: name.into(), request, payload_template: None, depends_on: Vec::new() }
    }

    /// The payload as a JSON value: a string that is `${name}` as a whole stands for the
    /// parameter's value, `${name}` within a string for its text, `$${` for `${`.
    pub fn payload_template(mut self, template: impl Into<Value>) -> Self {
        self.payload_template = Some(template.into());
        self
    }

    /// Waits for the job of this name, or as the [`Dependency`] says.
    pub fn after(mut self, dependency: impl Into<Dependency>) -> Self {
        self.depends_on.push(dependency.into());
        self
    }

    fn into_message(self) -> v1::PipelineJob {
        v1::PipelineJob {
            name: self.name,
            spec: Some(self.request.into_template()),
            payload_template: self
                .payload_template
                .map(|json| json.to_string())
                .unwrap_or_default(),
            depends_on: self.depends_on.into_iter().map(Into::into).collect(),
        }
    }
}

/// A [`Pipeline`] as the ledger has it, to which it dereferences. Its `pipeline` can be changed and
/// [stored](crate::Pipelines::put) again, on top of what was seen.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StoredPipeline {
    /// The pipeline, with its etag.
    pub pipeline: Pipeline,
    /// Grows by one with each change.
    pub version: i32,
    /// When this version was stored.
    pub create_time: Option<SystemTime>,
}

impl Deref for StoredPipeline {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.pipeline
    }
}

impl TryFrom<v1::Pipeline> for StoredPipeline {
    type Error = Error;

    fn try_from(pipeline: v1::Pipeline) -> Result<Self, Error> {
        let parameters = pipeline.parameters.into_iter().map(PipelineParameter::from_message);
        let jobs = pipeline.jobs.into_iter().map(|job| {
            Ok(PipelineJob {
                name: job.name,
                request: JobRequest::from_spec(job.spec.unwrap_or_default()),
                payload_template: non_empty(job.payload_template).map(parsed).transpose()?,
                depends_on: job.depends_on.into_iter().map(Into::into).collect(),
            })
        });
        Ok(Self {
            version: pipeline.version,
            create_time: from_timestamp(pipeline.create_time),
            pipeline: Pipeline {
                name: pipeline.name,
                description: pipeline.description,
                parameters: parameters.collect(),
                jobs: jobs.collect::<Result<_, Error>>()?,
                etag: non_empty(pipeline.etag),
            },
        })
    }
}

/// A version of a pipeline without its jobs, as lists have it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PipelineHead {
    /// Its name, unique in the tenant.
    pub name: String,
    /// For people.
    pub description: String,
    /// What it has to be told.
    pub parameters: Vec<PipelineParameter>,
    /// The etag of this version.
    pub etag: String,
    /// Grows by one with each change.
    pub version: i32,
    /// When this version was stored.
    pub create_time: Option<SystemTime>,
}

impl From<v1::Pipeline> for PipelineHead {
    fn from(pipeline: v1::Pipeline) -> Self {
        let parameters = pipeline.parameters.into_iter().map(PipelineParameter::from_message);
        Self {
            name: pipeline.name,
            description: pipeline.description,
            parameters: parameters.collect(),
            etag: pipeline.etag,
            version: pipeline.version,
            create_time: from_timestamp(pipeline.create_time),
        }
    }
}

fn parsed(template: String) -> Result<Value, Error> {
    serde_json::from_str(&template).map_err(|cause| {
        let message = "the server answered with a payload template that is no JSON";
        Error::new(ErrorKind::Internal, "", message).with_source(cause)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stored_pipeline_can_be_stored_again_as_it_is() {
        let request = JobRequest::new("t").queue("q").label("l", "${p}").correlation_id("c");
        let pipeline = Pipeline::new("nightly")
            .description("every night")
            .parameter(PipelineParameter::new("p").kind(ParameterKind::Int).default_value(2))
            .job(
                PipelineJob::new("a", request)
                    .payload_template(json!({"n": "${p}"}))
                    .after(Dependency::new("b").include_fan_out(true)),
            )
            .etag("e");
        let message = pipeline.clone().into_message().expect("a message");
        assert_eq!(message.jobs[0].payload_template, r#"{"n":"${p}"}"#);
        assert_eq!(message.jobs[0].spec.as_ref().map(|spec| spec.job_id.as_str()), Some(""));
        let stored = StoredPipeline::try_from(v1::Pipeline { version: 3, ..message.clone() });
        let stored = stored.expect("a pipeline");
        assert_eq!((stored.version, stored.jobs[0].request.get_queue()), (3, "q"));
        assert_eq!(stored.pipeline, pipeline);
        assert_eq!(stored.pipeline.into_message().expect("a message"), message);
    }
}
