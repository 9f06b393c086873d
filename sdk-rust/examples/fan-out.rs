//! A pipeline whose first job finds out what there is to do: it fans out, and a join waits for all:
//! `cargo run --example fan-out -- [TEXT…]`.

use std::error::Error;

use serde_json::{Value, json};
use stellaops_orchestrator::{
    Dependency, HandlerError, JobContext, JobRequest, Orchestrator, Output, ParameterKind,
    Pipeline, PipelineJob, PipelineParameter, PipelineRun, RunJob, Worker,
};
use tokio_util::sync::CancellationToken;

/// One part per text. In a second attempt the same names find the parts of the first one.
async fn split(job: JobContext) -> Result<(), HandlerError> {
    let texts: Vec<String> = serde_json::from_value(job.json::<Value>()?["texts"].take())?;
    let parts = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let request = JobRequest::new("example.part").json(text)?;
            Ok(RunJob::new(format!("part-{}", index + 1), request))
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    let appended = job.fan_out(parts).await?;
    let mut names: Vec<_> = appended.job_ids.into_keys().collect();
    names.sort();
    println!("split into {}", names.join(", "));
    Ok(())
}

async fn part(job: JobContext) -> Result<String, HandlerError> {
    Ok(job.json::<String>()?.to_uppercase())
}

/// Begins when `split` and all that it fanned out has succeeded.
async fn join(job: JobContext) -> Result<Output, HandlerError> {
    let orchestrator = job.orchestrator();
    let run = orchestrator.get_run(job.run_id().unwrap_or_default()).await?;
    let is_part = |name: &Option<String>| name.as_deref().is_some_and(|n| n.starts_with("part-"));
    let mut joined = String::new();
    for found in run.jobs.iter().filter(|found| is_part(&found.name)) {
        let part = orchestrator.get_job(&found.job_id).await?;
        joined.push_str(std::str::from_utf8(&part.result)?);
    }
    Ok(Output::json(&json!({ "joined": joined }))?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let orchestrator = Orchestrator::new()?;
    let worker = Worker::builder()
        .handler("example.split", split)
        .handler("example.part", part)
        .handler("example.join", join)
        .concurrency(4)
        .build()?;
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.run_until(stop.clone()));

    let texts = PipelineParameter::new("texts").kind(ParameterKind::Json);
    let split = PipelineJob::new("split", JobRequest::new("example.split"))
        .payload_template(json!({ "texts": "${texts}" }));
    let join = PipelineJob::new("join", JobRequest::new("example.join"))
        .after(Dependency::new("split").include_fan_out(true));
    let pipeline = Pipeline::new("example.shout").parameter(texts).job(split).job(join);
    let stored = orchestrator.pipelines().put(pipeline, "the example").await?;
    println!("pipeline {}, version {}", stored.name, stored.version);

    let mut texts: Vec<String> = std::env::args().skip(1).collect();
    if texts.is_empty() {
        texts = ["a", "b", "c"].map(String::from).into();
    }
    let run = PipelineRun::of("example.shout").parameter("texts", texts);
    let made = orchestrator.pipelines().run(run).await?;
    let joined = orchestrator.wait_for_job(&made.job_ids["join"]).await?;
    let run = orchestrator.get_run(&made.run_id).await?;
    println!("{} jobs, {}: {}", run.jobs.len(), run.state, std::str::from_utf8(&joined.result)?);
    stop.cancel();
    working.await??;
    Ok(())
}
