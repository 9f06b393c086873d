use stellaops_orchestrator::{
    BlockedBy, ErrorKind, JobFilter, JobRequest, JobState, RunJob, RunRequest, RunState,
};
use tokio::task::JoinSet;

use crate::server::client;

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_enqueues_share_batches_and_a_bad_one_fails_alone() {
    let orchestrator = client("rust-coalesce");
    let mut calls = JoinSet::new();
    for index in 0..200 {
        let orchestrator = orchestrator.clone();
        let job_type = if index == 100 { "Not A Job Type" } else { "rust.coalesce" };
        calls.spawn(async move { orchestrator.enqueue(JobRequest::new(job_type)).await });
    }
    let (created, failed): (Vec<_>, Vec<_>) =
        calls.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((created.len(), failed.len()), (199, 1));
    let error = failed.into_iter().next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.violations()[0].field.contains("job_type"));
    let listed = orchestrator.list_jobs(JobFilter::default()).collect().await.unwrap();
    assert_eq!(listed.len(), 199);
}

#[tokio::test]
async fn what_is_not_there_is_said_with_a_reason() {
    let orchestrator = client("rust-missing");
    let id = "01890000-0000-7000-8000-000000000000";
    let error = orchestrator.get_job(id).await.unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::NotFound, "JOB_NOT_FOUND"));
    assert_eq!(error.domain(), "orchestrator.stellaops");
    assert!(!error.is_retryable());
    let error = orchestrator.get_run(id).await.unwrap_err();
    assert_eq!(error.reason(), "RUN_NOT_FOUND");
}

#[tokio::test]
async fn a_run_is_a_graph() {
    let orchestrator = client("rust-run");
    let scan = RunJob::new("scan", JobRequest::new("rust.scan"));
    let merge = RunJob::new("merge", JobRequest::new("rust.merge")).after("scan");
    let request = RunRequest::new().display_name("a run").job(scan).job(merge);
    let created = orchestrator.create_run(request).await.unwrap();
    let run = orchestrator.get_run(&created.run_id).await.unwrap();
    assert_eq!((run.state, run.jobs.len(), run.edges.len()), (RunState::Active, 2, 1));
    assert_eq!(run.counts[&JobState::Blocked], 1);
    let merge = &created.job_ids["merge"];
    let explanation = orchestrator.explain_job(merge).await.unwrap();
    let Some(BlockedBy::Dependency { job_ids, .. }) = explanation.blocked_by else {
        panic!("blocked by {:?}", explanation.blocked_by)
    };
    assert_eq!(job_ids, [created.job_ids["scan"].clone()]);
    let cycle = RunRequest::new()
        .job(RunJob::new("a", JobRequest::new("rust.a")).after("b"))
        .job(RunJob::new("b", JobRequest::new("rust.b")).after("a"));
    assert_eq!(orchestrator.create_run(cycle).await.unwrap_err().reason(), "GRAPH_CYCLE");
}

#[tokio::test]
async fn artifacts_come_back_as_they_went() {
    let artifacts = client("rust-artifacts").artifacts();
    let folder = std::env::temp_dir().join(format!("orch-rust-artifacts-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bytes: Vec<u8> = (0..3_000_001_u32).map(|index| (index % 251) as u8).collect();
    let path = folder.join("source");
    std::fs::write(&path, &bytes).unwrap();
    let uploaded = artifacts.upload(path).await.unwrap();
    assert!(!uploaded.already_existed);
    assert_eq!(uploaded.size_bytes, 3_000_001);
    assert!(artifacts.upload(bytes.clone()).await.unwrap().already_existed);
    let copy = folder.join("copy");
    artifacts.download_to(&uploaded.digest, &copy).await.unwrap();
    assert_eq!(std::fs::read(copy).unwrap(), bytes);
    let nothing = format!("sha256:{}", "0".repeat(64));
    let error = artifacts.download_to(nothing, folder.join("none")).await.unwrap_err();
    assert_eq!(error.reason(), "ARTIFACT_NOT_FOUND");
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
