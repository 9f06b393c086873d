//! Commands about runs, pipelines, watermarks and backfills.

use std::time::Duration;

use serde_json::Value as Json;
use stellaops_orchestrator::{
    Backfill, BackfillSpec, Error, Orchestrator, ParameterKind, Pipeline, PipelineJob,
    PipelineParameter, PipelineRun, Reason, ReplayRequest, RunFilter, WindowSeries,
};

use crate::driver::call_result::Value;
use crate::driver::command::Command;
use crate::driver::{self, SteerBackfill};
use crate::from_wire::{dependency, job_request, millis, moment, run_job, said};
use crate::{plans_to_wire, to_wire};

/// Does what a command asks for.
pub(crate) async fn act(orchestrator: &Orchestrator, command: Command) -> Result<Value, Error> {
    match command {
        Command::AppendJobs(_)
        | Command::CloseRun(_)
        | Command::ListRuns(_)
        | Command::CancelRun(_)
        | Command::ReplayRun(_) => runs(orchestrator, command).await,
        Command::PutPipeline(_)
        | Command::GetPipeline(_)
        | Command::ListPipelines(_)
        | Command::RunPipeline(_) => pipelines(orchestrator, command).await,
        Command::PutWindowSeries(_) | Command::GetWatermark(_) | Command::ListGaps(_) => {
            watermarks(orchestrator, command).await
        }
        command => backfills(orchestrator, command).await,
    }
}

fn reason(text: String, ticket: String) -> Reason {
    Reason::new(text).ticket(ticket)
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON of the scenario")
}

async fn runs(orchestrator: &Orchestrator, command: Command) -> Result<Value, Error> {
    let runs = orchestrator.runs();
    match command {
        Command::AppendJobs(append) => {
            let jobs = append.jobs.into_iter().map(run_job);
            let appended = if append.close {
                runs.append_and_close(&append.run_id, jobs).await?
            } else {
                runs.append(&append.run_id, jobs).await?
            };
            Ok(Value::Appended(to_wire::appended(appended)))
        }
        Command::CloseRun(close) => {
            runs.close(&close.run_id).await.map(|run| Value::Run(plans_to_wire::run(run)))
        }
        Command::ListRuns(list) => {
            let filter = RunFilter {
                project: said(list.project),
                pipeline: said(list.pipeline),
                replay_of: said(list.replay_of),
            };
            let runs = runs.list(filter).collect().await?;
            let runs = runs.into_iter().map(plans_to_wire::run).collect();
            Ok(Value::Runs(driver::Runs { runs }))
        }
        Command::CancelRun(cancel) => {
            let reason = reason(cancel.reason, cancel.ticket);
            let operation = runs.cancel(&cancel.run_id, reason, millis(cancel.grace_ms)).await?;
            Ok(Value::Operation(plans_to_wire::operation(operation)))
        }
        Command::ReplayRun(replay) => {
            let what = ReplayRequest::new()
                .include_downstream(replay.include_downstream)
                .rerun_upstream(replay.rerun_upstream)
                .dry_run(replay.dry_run);
            let what = replay.job_names.into_iter().fold(what, ReplayRequest::job);
            let reason = reason(replay.reason, replay.ticket);
            let replay = runs.replay(&replay.run_id, what, reason).await?;
            Ok(Value::Replay(plans_to_wire::replay(replay)))
        }
        other => unreachable!("not about a run: {other:?}"),
    }
}

async fn pipelines(orchestrator: &Orchestrator, command: Command) -> Result<Value, Error> {
    let pipelines = orchestrator.pipelines();
    match command {
        Command::PutPipeline(put) => {
            let pipeline = pipeline(put.pipeline.expect("a pipeline"));
            let stored = pipelines.put(pipeline, reason(put.reason, put.ticket)).await?;
            Ok(Value::Pipeline(plans_to_wire::pipeline(stored)))
        }
        Command::GetPipeline(get) => {
            let stored = match get.version {
                0 => pipelines.get(&get.name).await?,
                version => pipelines.get_version(&get.name, version).await?,
            };
            Ok(Value::Pipeline(plans_to_wire::pipeline(stored)))
        }
        Command::ListPipelines(list) => {
            let pages = match said(list.versions_of) {
                Some(name) => pipelines.versions(&name),
                None => pipelines.list(),
            };
            let heads = pages.collect().await?.into_iter();
            let pipelines = heads.map(plans_to_wire::pipeline_head).collect();
            Ok(Value::Pipelines(driver::Pipelines { pipelines }))
        }
        Command::RunPipeline(run) => {
            let created = pipelines.run(pipeline_run(run)).await?;
            Ok(Value::CreatedRun(plans_to_wire::created_run(created)))
        }
        other => unreachable!("not about a pipeline: {other:?}"),
    }
}

fn pipeline(found: driver::Pipeline) -> Pipeline {
    let mut made = Pipeline::new(found.name).description(found.description);
    if let Some(etag) = said(found.etag) {
        made = made.etag(etag);
    }
    let made = found.parameters.into_iter().fold(made, |made, found| {
        let mut parameter = PipelineParameter::new(found.name).description(found.description);
        if let Some(kind) = said(found.kind) {
            parameter = parameter.kind(ParameterKind::from_name(&kind).expect("a kind"));
        }
        if let Some(default) = said(found.default_json) {
            parameter = parameter.default_value(json(&default));
        }
        made.parameter(parameter)
    });
    found.jobs.into_iter().fold(made, |made, found| {
        let mut job = PipelineJob::new(found.name, job_request(found.job.expect("a job")));
        if let Some(template) = said(found.payload_template_json) {
            job = job.payload_template(json(&template));
        }
        let dependencies = found.depends_on.into_iter().map(dependency);
        made.job(dependencies.fold(job, PipelineJob::after))
    })
}

fn pipeline_run(run: driver::RunPipeline) -> PipelineRun {
    let mut made = PipelineRun::of(run.name).display_name(run.display_name).project(run.project);
    if run.version > 0 {
        made = made.version(run.version);
    }
    if let Some(parameters) = said(run.parameters_json) {
        let Json::Object(parameters) = json(&parameters) else { panic!("not an object") };
        made = made.parameters(parameters);
    }
    match said(run.correlation_id) {
        Some(id) => made.correlation_id(id),
        None => made,
    }
}

async fn watermarks(orchestrator: &Orchestrator, command: Command) -> Result<Value, Error> {
    let watermarks = orchestrator.watermarks();
    match command {
        Command::PutWindowSeries(put) => {
            let width = millis(put.width_ms).unwrap_or(Duration::ZERO);
            let mut series = WindowSeries::new(put.source, width, moment(put.origin_ms));
            if let Some(scope) = said(put.scope) {
                series = series.scope(scope);
            }
            if let Some(lateness) = millis(put.allowed_lateness_ms) {
                series = series.allowed_lateness(lateness);
            }
            let watermark = watermarks.put_series(series, reason(put.reason, put.ticket)).await?;
            Ok(Value::Watermark(plans_to_wire::watermark(watermark)))
        }
        Command::GetWatermark(get) => {
            let watermark = watermarks.get(&get.source, said(get.scope).as_deref()).await?;
            Ok(Value::Watermark(plans_to_wire::watermark(watermark)))
        }
        Command::ListGaps(list) => {
            let gaps = watermarks.gaps(&list.source, said(list.scope).as_deref()).collect().await?;
            let gaps = gaps.iter().map(plans_to_wire::gap).collect();
            Ok(Value::Gaps(driver::Gaps { gaps }))
        }
        other => unreachable!("not about a watermark: {other:?}"),
    }
}

async fn backfills(orchestrator: &Orchestrator, command: Command) -> Result<Value, Error> {
    let backfills = orchestrator.backfills();
    let backfill = match command {
        Command::PreviewBackfill(preview) => {
            let preview = backfills.preview(&backfill_spec(preview.spec.expect("a spec"))).await?;
            return Ok(Value::BackfillPreview(plans_to_wire::preview(preview)));
        }
        Command::CreateBackfill(create) => {
            let spec = backfill_spec(create.spec.expect("a spec"));
            backfills.create(&spec, reason(create.reason, create.ticket)).await?
        }
        Command::ListBackfills(list) => {
            let found = backfills.list(said(list.source).as_deref()).collect().await?;
            let backfills = found.into_iter().map(plans_to_wire::backfill).collect();
            return Ok(Value::Backfills(driver::Backfills { backfills }));
        }
        Command::GetBackfill(get) => backfills.get(&get.backfill_id).await?,
        Command::SteerBackfill(steer) => steered(orchestrator, steer).await?,
        other => unreachable!("not a command of this program: {other:?}"),
    };
    Ok(Value::Backfill(plans_to_wire::backfill(backfill)))
}

async fn steered(orchestrator: &Orchestrator, steer: SteerBackfill) -> Result<Backfill, Error> {
    let (backfills, id) = (orchestrator.backfills(), &steer.backfill_id);
    let reason = reason(steer.reason, steer.ticket);
    match steer.how.as_str() {
        "pause" => backfills.pause(id, reason).await,
        "resume" => backfills.resume(id, reason).await,
        "cancel" => backfills.cancel(id, reason).await,
        how => panic!("unknown way to steer a backfill: {how}"),
    }
}

fn backfill_spec(spec: driver::BackfillSpec) -> BackfillSpec {
    let job = job_request(spec.job.expect("a job"));
    let (start, end) = (moment(spec.start_ms), moment(spec.end_ms));
    let mut made =
        BackfillSpec::new(spec.source, start, end, job).repeat_covered(spec.repeat_covered);
    if let Some(scope) = said(spec.scope) {
        made = made.scope(scope);
    }
    match u32::try_from(spec.max_parallel) {
        Ok(jobs) if jobs > 0 => made.max_parallel(jobs),
        _ => made,
    }
}
