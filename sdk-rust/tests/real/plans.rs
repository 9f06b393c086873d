use serde_json::json;
use stellaops_orchestrator::{
    Dependency, EdgeCondition, ErrorKind, HandlerError, JobContext, JobRequest, JobState,
    OperationKind, ParameterKind, Pipeline, PipelineJob, PipelineParameter, PipelineRun, Reason,
    ReplayCause, ReplayRequest, RetryOverrides, RunJob, RunRequest, RunState,
};

use crate::server::client;
use crate::worker::Running;

fn job(name: &str) -> RunJob {
    RunJob::new(name, JobRequest::new("rust.plan"))
}

#[tokio::test]
async fn an_open_run_takes_jobs_until_it_is_closed() {
    let orchestrator = client("rust-append");
    let runs = orchestrator.runs();
    let request = RunRequest::new().job(job("a")).keep_open(true);
    let run = orchestrator.create_run(request).await.unwrap();
    let appended = runs.append(&run.run_id, [job("b").after("a")]).await.unwrap();
    assert_eq!(appended.existing, 0);
    let again = runs.append(&run.run_id, [job("b").after("a")]).await.unwrap();
    assert_eq!((again.existing, &again.job_ids), (1, &appended.job_ids));
    let detail = orchestrator.get_run(&run.run_id).await.unwrap();
    assert!(detail.is_open && !detail.is_truncated);
    assert_eq!((detail.jobs.len(), detail.edges[0].when), (2, EdgeCondition::Success));
    assert!(!runs.close(&run.run_id).await.unwrap().is_open);
    let error = runs.append(&run.run_id, [job("c")]).await.unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::FailedPrecondition, "RUN_CLOSED"));

    let reason = Reason::new("not needed").ticket("OPS-1");
    let operation = runs.cancel(&run.run_id, reason, None).await.unwrap();
    assert_eq!(operation.kind, OperationKind::CancelRun);
    assert_eq!(
        (operation.reason.as_str(), operation.ticket.as_deref()),
        ("not needed", Some("OPS-1"))
    );
    orchestrator.wait_for_job(&again.job_ids["b"]).await.unwrap();
    let detail = orchestrator.get_run(&run.run_id).await.unwrap();
    assert!(detail.is_cancel_requested);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_replayed_in_part() {
    let tenant = "rust-replay";
    let handler = |job: JobContext| async move {
        match job.name() {
            Some("bad") => Err(HandlerError::terminal("no")),
            _ => Ok(()),
        }
    };
    let worker = Running::start(tenant, |worker| worker.handler("rust.plan", handler));
    let orchestrator = client(tenant);
    let once = RetryOverrides { max_attempts: Some(1), ..RetryOverrides::default() };
    let bad = RunJob::new("bad", JobRequest::new("rust.plan").retry(once));
    let request = RunRequest::new()
        .job(job("good"))
        .job(bad.after("good"))
        .job(job("next").after("bad"))
        .job(job("tidy").after(Dependency::new("good").when(EdgeCondition::Failure)));
    let made = orchestrator.create_run(request).await.unwrap();
    for id in made.job_ids.values() {
        orchestrator.wait_for_job(id).await.unwrap();
    }
    let run = orchestrator.get_run(&made.run_id).await.unwrap();
    assert_eq!((run.state, run.skipped), (RunState::Failed, 1));
    let skipped = run.jobs.iter().find(|job| job.is_skipped).unwrap();
    assert_eq!(skipped.name.as_deref(), Some("tidy"));

    let runs = orchestrator.runs();
    let what = ReplayRequest::new().dry_run(true);
    let preview = runs.replay(&made.run_id, what.clone(), "to see").await.unwrap();
    assert_eq!((preview.run_id, preview.running_count), (None, 2));
    let bad = preview.jobs.iter().find(|job| job.name == "bad").unwrap();
    assert_eq!((bad.cause, bad.state), (ReplayCause::NotSucceeded, JobState::Dead));
    let replay = runs.replay(&made.run_id, what.dry_run(false), "again").await.unwrap();
    let second = orchestrator.get_run(&replay.run_id.unwrap()).await.unwrap();
    assert_eq!(second.replay_of.as_deref(), Some(made.run_id.as_str()));
    worker.drain().await;
}

#[tokio::test]
async fn a_pipeline_is_stored_in_versions_and_run_with_parameters() {
    let orchestrator = client("rust-pipelines");
    let pipelines = orchestrator.pipelines();
    let depth = PipelineParameter::new("depth").kind(ParameterKind::Int).default_value(2);
    let request = JobRequest::new("rust.plan").queue("heavy").label("by", "${by}");
    let scan = PipelineJob::new("scan", request).payload_template(json!({"depth": "${depth}"}));
    let pipeline =
        Pipeline::new("nightly").parameter(depth).parameter(PipelineParameter::new("by")).job(scan);
    let first = pipelines.put(pipeline, "new").await.unwrap();
    assert_eq!((first.version, first.parameters[0].default_value.clone()), (1, Some(json!(2))));
    assert_eq!(first.jobs[0].request.get_queue(), "heavy");
    let same = pipelines.put(first.pipeline.clone(), "the same").await.unwrap();
    assert_eq!(same.version, 1);
    let changed = first.pipeline.clone().description("every night");
    assert_eq!(pipelines.put(changed, "said more").await.unwrap().version, 2);
    let error = pipelines.put(first.pipeline.description("late"), "late").await.unwrap_err();
    assert_eq!((error.reason(), error.is_retryable()), ("ETAG_MISMATCH", false));
    assert_eq!(pipelines.get("nightly").await.unwrap().description, "every night");
    assert_eq!(pipelines.get_version("nightly", 1).await.unwrap().description, "");

    let run = PipelineRun::of("nightly").parameter("by", "me").parameter("depth", 3);
    let made = pipelines.run(run).await.unwrap();
    let scan = orchestrator.get_job(&made.job_ids["scan"]).await.unwrap();
    assert_eq!((scan.labels["by"].as_str(), &scan.payload[..]), ("me", &br#"{"depth":3}"#[..]));
    let run = orchestrator.get_run(&made.run_id).await.unwrap();
    assert_eq!((run.pipeline.as_deref(), run.pipeline_version), (Some("nightly"), 2));
    let error = pipelines.run("nightly").await.unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::InvalidArgument, "PARAMETER_INVALID"));
}
