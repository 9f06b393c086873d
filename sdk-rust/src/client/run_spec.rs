//! Runs that are to be made: jobs that belong together, with edges between them.

use uuid::Uuid;

use crate::client::job_request::JobRequest;
use crate::client::plan_names::{EdgeCondition, OnFailure};
use crate::proto::v1;
use crate::trace::{Lineage, TraceHook};

/// A run that is to be made: all of it or nothing.
///
/// ```
/// use stellaops_orchestrator::{JobRequest, RunJob, RunRequest};
///
/// let run = RunRequest::new()
///     .display_name("scan of registry.example/app:1.2")
///     .job(RunJob::new("sbom", JobRequest::new("sbom.scan")))
///     .job(RunJob::new("policy", JobRequest::new("policy.evaluate")).after("sbom"));
/// # let _ = run;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct RunRequest {
    display_name: String,
    project: String,
    correlation_id: Option<String>,
    jobs: Vec<RunJob>,
    keep_open: bool,
}

impl RunRequest {
    /// A run without jobs, which are 1 to 1,000; a larger run is kept open and filled with
    /// [`Runs::append`](crate::Runs::append).
    pub fn new() -> Self {
        Self::default()
    }

    /// For people.
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

    /// Adds a job.
    pub fn job(mut self, job: RunJob) -> Self {
        self.jobs.push(job);
        self
    }

    /// Whether more is to come: the run is active until [`Runs::close`](crate::Runs::close),
    /// whatever its jobs do. False unless told.
    pub fn keep_open(mut self, keep_open: bool) -> Self {
        self.keep_open = keep_open;
        self
    }

    /// The request, with a run id of the SDK's own choosing so that it can be repeated.
    pub(crate) fn into_message(
        self,
        hook: Option<&TraceHook>,
        lineage: Option<&Lineage>,
    ) -> v1::CreateRunRequest {
        let correlation_id =
            self.correlation_id.or_else(|| lineage.map(|lineage| lineage.correlation_id.clone()));
        v1::CreateRunRequest {
            run_id: Uuid::now_v7().to_string(),
            display_name: self.display_name,
            project: self.project,
            correlation_id: correlation_id.unwrap_or_default(),
            jobs: self.jobs.into_iter().map(|job| job.into_message(hook, lineage)).collect(),
            keep_open: self.keep_open,
        }
    }
}

/// A job of a run that is to be made, or is appended to one.
#[derive(Debug, Clone)]
#[must_use]
pub struct RunJob {
    name: String,
    request: JobRequest,
    depends_on: Vec<Dependency>,
}

impl RunJob {
    /// A job with a name that is unique in the run.
    pub fn new(name: impl Into<String>, request: JobRequest) -> Self {
        Self { name: name.into(), request, depends_on: Vec::new() }
    }

    /// Waits for the job of this name: starts only after it has succeeded, and is cancelled should
    /// it not. A [`Dependency`] says more.
    pub fn after(mut self, dependency: impl Into<Dependency>) -> Self {
        self.depends_on.push(dependency.into());
        self
    }

    /// Starts only after the job of this name has succeeded; `on_failure` says what happens
    /// should it not.
    pub fn after_or(self, name: impl Into<String>, on_failure: OnFailure) -> Self {
        self.after(Dependency::new(name).on_failure(on_failure))
    }

    pub(crate) fn into_message(
        self,
        hook: Option<&TraceHook>,
        lineage: Option<&Lineage>,
    ) -> v1::RunJob {
        v1::RunJob {
            name: self.name,
            // Not the handler's correlation id: the job inherits the run's, which is it.
            spec: Some(self.request.into_spec(hook, lineage, false)),
            depends_on: self.depends_on.into_iter().map(Into::into).collect(),
        }
    }

    /// The job for a live run. It has no id of the SDK's choosing: a run knows a job by its name,
    /// so that a handler's second attempt finds what the first one fanned out.
    pub(crate) fn into_appended(
        self,
        hook: Option<&TraceHook>,
        lineage: Option<&Lineage>,
    ) -> v1::RunJob {
        let mut message = self.into_message(hook, lineage);
        if let Some(spec) = &mut message.spec {
            spec.job_id.clear();
        }
        message
    }
}

/// A job that another one waits for, and what its end means. A name alone converts into one.
///
/// ```
/// use stellaops_orchestrator::{Dependency, JobRequest, RunJob};
///
/// // Runs once `split` and all that its handler fanned out has succeeded.
/// let join = RunJob::new("join", JobRequest::new("sbom.merge"))
///     .after(Dependency::new("split").include_fan_out(true));
/// # let _ = join;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Dependency {
    /// The name of the job that must end first.
    pub name: String,
    /// Which end of it lets the waiting job go; [`EdgeCondition::Success`] unless told.
    pub when: Option<EdgeCondition>,
    /// What happens when it does not succeed; [`OnFailure::Cancel`] unless told. Goes with
    /// [`EdgeCondition::Success`] only.
    pub on_failure: Option<OnFailure>,
    /// A declared join: the waiting job also waits, in the same way, for every job that the named
    /// one fans out, and for what those fan out.
    pub include_fan_out: bool,
}

impl Dependency {
    /// The success of the job of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), when: None, on_failure: None, include_fan_out: false }
    }

    /// Which end of it lets the waiting job go.
    pub fn when(mut self, when: EdgeCondition) -> Self {
        self.when = Some(when);
        self
    }

    /// What happens when it does not succeed.
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = Some(on_failure);
        self
    }

    /// Whether to wait for what it fans out, too.
    pub fn include_fan_out(mut self, include_fan_out: bool) -> Self {
        self.include_fan_out = include_fan_out;
        self
    }
}

impl<T: Into<String>> From<T> for Dependency {
    fn from(name: T) -> Self {
        Self::new(name)
    }
}

impl From<Dependency> for v1::Dependency {
    fn from(dependency: Dependency) -> Self {
        Self {
            name: dependency.name,
            on_failure: dependency.on_failure.map_or(0, OnFailure::to_number),
            condition: dependency.when.map_or(0, EdgeCondition::to_number),
            include_fan_out: dependency.include_fan_out,
        }
    }
}

/// What the server keeps as "not said" is not said here either, and what it keeps filled in goes
/// back as it is, except that the contract has no place for `on_failure` where any end will do.
impl From<v1::Dependency> for Dependency {
    fn from(dependency: v1::Dependency) -> Self {
        let when = Some(EdgeCondition::from_number(dependency.condition))
            .filter(|when| *when != EdgeCondition::Unknown);
        let on_failure = Some(OnFailure::from_number(dependency.on_failure))
            .filter(|on_failure| *on_failure != OnFailure::Unknown)
            .filter(|_| when.is_none_or(|when| when == EdgeCondition::Success));
        Self {
            name: dependency.name,
            when,
            on_failure,
            include_fan_out: dependency.include_fan_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::trace::TraceContext;

    fn lineage() -> Arc<Lineage> {
        let trace =
            TraceContext::new("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "");
        Arc::new(Lineage { trace, correlation_id: "c-1".into() })
    }

    #[test]
    fn a_run_inherits_and_its_jobs_inherit_from_it() {
        let job = RunJob::new("a", JobRequest::new("t")).after("b").after_or("c", OnFailure::Hold);
        let run = RunRequest::new().job(job).into_message(None, Some(&lineage()));
        assert_eq!(run.correlation_id, "c-1");
        let spec = run.jobs[0].spec.as_ref().expect("a spec");
        assert_eq!((spec.correlation_id.as_str(), spec.job_id.len()), ("", 36));
        assert!(spec.traceparent.starts_with("00-4bf9"));
        let edges = run.jobs[0].depends_on.iter().map(|edge| (edge.name.as_str(), edge.on_failure));
        assert_eq!(edges.collect::<Vec<_>>(), [("b", 0), ("c", 2)]);
    }

    #[test]
    fn an_appended_job_is_known_by_its_name_alone() {
        let job = RunJob::new("a", JobRequest::new("t")).into_appended(None, Some(&lineage()));
        assert_eq!((job.name.as_str(), job.spec.expect("a spec").job_id.as_str()), ("a", ""));
    }

    #[test]
    fn a_dependency_comes_back_so_that_it_can_be_sent_again() {
        let join = Dependency::new("a").when(EdgeCondition::Completion).include_fan_out(true);
        let stored = v1::Dependency { on_failure: 1, ..join.clone().into() };
        assert_eq!(Dependency::from(stored), join);
        let held = Dependency::new("a").on_failure(OnFailure::Hold);
        assert_eq!(Dependency::from(v1::Dependency::from(held.clone())), held);
    }
}
