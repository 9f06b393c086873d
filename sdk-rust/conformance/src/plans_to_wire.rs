//! What the SDK says of runs, pipelines, watermarks and backfills, in the suite's words.

use stellaops_orchestrator::{
    Backfill, BackfillPreview, CreatedRun, Dependency, EdgeCondition, Gap, JobRequest, OnFailure,
    Operation, PipelineHead, PipelineJob, PipelineParameter, Replay, Run, StoredPipeline,
    Watermark,
};

use crate::driver;
use crate::to_wire::{millis, moment, window};

fn count(number: u64) -> i64 {
    i64::try_from(number).expect("a number of things")
}

pub(crate) fn created_run(run: CreatedRun) -> driver::CreatedRun {
    driver::CreatedRun {
        run_id: run.run_id,
        job_ids: run.job_ids,
        already_existed: run.already_existed,
    }
}

pub(crate) fn run(run: Run) -> driver::Run {
    driver::Run {
        run_id: run.run_id,
        open: run.is_open,
        cancel_requested: run.is_cancel_requested,
        replay_of: run.replay_of.unwrap_or_default(),
        pipeline: run.pipeline.unwrap_or_default(),
        pipeline_version: run.pipeline_version,
        building: run.is_building,
        ..driver::Run::default()
    }
}

pub(crate) fn operation(operation: Operation) -> driver::Operation {
    driver::Operation {
        operation_id: operation.operation_id,
        kind: operation.kind.to_string(),
        state: operation.state.to_string(),
        reason: operation.reason,
        ticket: operation.ticket.unwrap_or_default(),
        run_id: operation.run_id.unwrap_or_default(),
        matching: count(operation.matching),
        applied: count(operation.applied),
        unchanged: count(operation.unchanged),
        refused: count(operation.refused),
    }
}

pub(crate) fn replay(replay: Replay) -> driver::Replay {
    let jobs = replay.jobs.into_iter().map(|job| driver::ReplayedJob {
        name: job.name,
        job_id: job.job_id,
        cause: job.cause.to_string(),
        state: job.state.to_string(),
    });
    driver::Replay {
        run_id: replay.run_id.unwrap_or_default(),
        jobs: jobs.collect(),
        running_count: replay.running_count,
        reused_count: replay.reused_count,
    }
}

pub(crate) fn pipeline(stored: StoredPipeline) -> driver::Pipeline {
    let pipeline = stored.pipeline;
    driver::Pipeline {
        name: pipeline.name,
        description: pipeline.description,
        parameters: pipeline.parameters.into_iter().map(parameter).collect(),
        jobs: pipeline.jobs.into_iter().map(pipeline_job).collect(),
        version: stored.version,
        etag: pipeline.etag.unwrap_or_default(),
    }
}

pub(crate) fn pipeline_head(head: PipelineHead) -> driver::Pipeline {
    driver::Pipeline {
        name: head.name,
        description: head.description,
        parameters: head.parameters.into_iter().map(parameter).collect(),
        version: head.version,
        etag: head.etag,
        ..driver::Pipeline::default()
    }
}

fn parameter(parameter: PipelineParameter) -> driver::PipelineParameter {
    driver::PipelineParameter {
        name: parameter.name,
        kind: parameter.kind.to_string(),
        description: parameter.description,
        default_json: parameter.default_value.map(|json| json.to_string()).unwrap_or_default(),
    }
}

fn pipeline_job(job: PipelineJob) -> driver::PipelineJob {
    let template = job.payload_template.map(|json| json.to_string());
    driver::PipelineJob {
        name: job.name,
        job: Some(job_request(&job.request)),
        payload_template_json: template.unwrap_or_default(),
        depends_on: job.depends_on.into_iter().map(dependency).collect(),
    }
}

fn job_request(request: &JobRequest) -> driver::JobRequest {
    driver::JobRequest {
        job_type: request.get_job_type().into(),
        payload: request.get_payload().clone(),
        payload_artifact: request.get_payload_artifact().unwrap_or_default().into(),
        queue: request.get_queue().into(),
        project: request.get_project().into(),
        source: request.get_source().into(),
        priority: request.get_priority(),
        labels: request.get_labels().clone(),
        correlation_id: request.get_correlation_id().unwrap_or_default().into(),
        concurrency_key: request.get_concurrency_key().into(),
        ..driver::JobRequest::default()
    }
}

fn dependency(dependency: Dependency) -> driver::Dependency {
    driver::Dependency {
        name: dependency.name,
        on_failure: dependency.on_failure.map(OnFailure::as_str).unwrap_or_default().into(),
        when: dependency.when.map(EdgeCondition::as_str).unwrap_or_default().into(),
        include_fan_out: dependency.include_fan_out,
    }
}

pub(crate) fn watermark(watermark: Watermark) -> driver::Watermark {
    let series = watermark.series;
    driver::Watermark {
        source: series.source,
        scope: series.scope.unwrap_or_default(),
        width_ms: millis(series.width),
        allowed_lateness_ms: millis(series.allowed_lateness),
        origin_ms: moment(series.origin),
        watermark_ms: moment(watermark.watermark),
        due_ms: watermark.due.map(moment).unwrap_or_default(),
        lag_ms: millis(watermark.lag),
        missing_windows: count(watermark.missing_windows),
        gaps: count(watermark.gaps),
        covered_until_ms: watermark.covered_until.map(moment),
    }
}

pub(crate) fn gap(gap: &Gap) -> driver::Gap {
    driver::Gap {
        start_ms: moment(gap.start),
        end_ms: moment(gap.end),
        windows: count(gap.windows),
        in_progress: count(gap.in_progress),
    }
}

pub(crate) fn preview(preview: BackfillPreview) -> driver::BackfillPreview {
    driver::BackfillPreview {
        windows: count(preview.windows),
        covered: count(preview.covered),
        in_progress: count(preview.in_progress),
        not_due: count(preview.not_due),
        jobs: count(preview.jobs),
        start_ms: preview.start.map(moment).unwrap_or_default(),
        end_ms: preview.end.map(moment).unwrap_or_default(),
        mean_job_ms: preview.mean_job.map(millis),
        estimated_ms: preview.estimated.map(millis),
        sample: preview.sample.iter().map(window).collect(),
    }
}

pub(crate) fn backfill(backfill: Backfill) -> driver::Backfill {
    driver::Backfill {
        backfill_id: backfill.backfill_id,
        state: backfill.state.to_string(),
        reason: backfill.reason,
        ticket: backfill.ticket.unwrap_or_default(),
        windows: count(backfill.windows),
        covered: count(backfill.covered),
        shared: count(backfill.shared),
        in_progress: count(backfill.in_progress),
        failed: count(backfill.failed),
        start_ms: moment(backfill.spec.start),
        end_ms: moment(backfill.spec.end),
    }
}
