//! Runs the scripts of handlers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stellaops_orchestrator::{
    Error, Handler, HandlerError, JobContext, Output, Progress, StopReason, UploadOptions,
};
use tokio::time::sleep;

use crate::driver::handler_step::Value;
use crate::driver::step::Step;
use crate::driver::{self, HandlerCancelled, HandlerEnded, HandlerStarted, HandlerStep};
use crate::driver::{How, OnCancel};
use crate::emit::Emit;
use crate::from_wire::{failure, job_request, millis, run_job, said};
use crate::gates::Gates;
use crate::to_wire;

/// The handler of one job type, as the scenario wrote it.
pub(crate) struct ScriptedHandler {
    script: Arc<driver::Handler>,
    emit: Emit,
    gates: Arc<Gates>,
}

impl ScriptedHandler {
    pub(crate) fn new(script: driver::Handler, emit: Emit, gates: Arc<Gates>) -> Self {
        Self { script: Arc::new(script), emit, gates }
    }
}

impl Handler for ScriptedHandler {
    /// Runs the script in a task of its own: the SDK aborts a handler that ignored its request to
    /// stop, and the suite wants to see what comes of one that goes on all the same.
    async fn run(&self, job: JobContext) -> Result<Output, HandlerError> {
        let attempt = Attempt {
            job,
            emit: self.emit,
            gates: Arc::clone(&self.gates),
            was_told: false,
            ignores: false,
        };
        let script = Arc::clone(&self.script);
        match tokio::spawn(attempt.run(script)).await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// One attempt at a job.
struct Attempt {
    job: JobContext,
    emit: Emit,
    gates: Arc<Gates>,
    was_told: bool,
    ignores: bool,
}

impl Attempt {
    async fn run(mut self, handler: Arc<driver::Handler>) -> Result<Output, HandlerError> {
        self.started();
        let attempt = usize::try_from(self.job.attempt()).expect("an attempt");
        let index = attempt.min(handler.attempts.len()).saturating_sub(1);
        let script = handler.attempts.get(index).cloned().unwrap_or_default();
        for (index, step) in script.steps.into_iter().enumerate() {
            match step.step.expect("a step that this program knows") {
                Step::ReturnResult(value) => {
                    self.ended(How::Returned);
                    return Ok(value.result.into());
                }
                Step::Fail(fail) => {
                    self.ended(How::Failed);
                    return Err(failure(fail));
                }
                Step::Panic(panic) => {
                    self.ended(How::Panicked);
                    panic!("{}", panic.message);
                }
                step => self.step(i32::try_from(index).expect("an index"), step).await?,
            }
        }
        self.ended(How::Returned);
        Ok(Output::default())
    }

    async fn step(&mut self, index: i32, step: Step) -> Result<(), HandlerError> {
        match step {
            Step::Hold(hold) => self.hold(&hold).await?,
            Step::Progress(report) => self.progress(&report).await?,
            Step::Throttle(throttle) => {
                let retry_after = millis(throttle.retry_after_ms);
                self.job.throttle(throttle.resource_key, retry_after, None);
            }
            Step::Artifact(artifact) => self.report(index, self.upload(artifact).await),
            Step::Enqueue(request) => {
                let result = self.job.orchestrator().enqueue(job_request(request)).await;
                let value = result.map(|job| Value::Enqueued(to_wire::enqueued(Ok(job))));
                self.report(index, value);
            }
            Step::FanOut(fan_out) => {
                let jobs = fan_out.jobs.into_iter().map(run_job);
                let value = self.job.fan_out(jobs).await.map(to_wire::appended);
                self.report(index, value.map(Value::Appended));
            }
            Step::LoadPayload(_) => {
                let value = self.job.load_payload().await.map(Value::Payload);
                self.report(index, value);
            }
            other => unreachable!("ends the handler: {other:?}"),
        }
        Ok(())
    }

    async fn progress(&self, report: &driver::ReportProgress) -> Result<(), HandlerError> {
        let times = report.times.max(1);
        for index in 1..=times {
            if let Some(pause) = millis(report.pause_ms).filter(|_| index > 1) {
                sleep(pause).await;
            }
            let fraction = report.fraction * f64::from(index) / f64::from(times);
            let progress = Progress::new(fraction).message(report.message.as_str());
            self.job.progress(progress.checkpoint(report.checkpoint.clone()))?;
        }
        Ok(())
    }

    async fn upload(&self, artifact: driver::JobArtifact) -> Result<Value, Error> {
        let mut options = UploadOptions::new();
        if let Some(media_type) = said(artifact.media_type) {
            options = options.media_type(media_type);
        }
        let path = PathBuf::from(artifact.path);
        let uploaded = self.job.upload_artifact(artifact.name, path, options).await?;
        Ok(Value::Artifact(driver::Artifact {
            digest: uploaded.digest,
            size_bytes: i64::try_from(uploaded.size_bytes).expect("a size"),
            already_existed: uploaded.already_existed,
        }))
    }

    fn report(&self, step: i32, result: Result<Value, Error>) {
        let (value, error) = match result {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(to_wire::error(&error))),
        };
        self.emit.handler_step(HandlerStep { lease: self.lease(), step, error, value });
    }

    async fn hold(&mut self, hold: &driver::Hold) -> Result<(), HandlerError> {
        let on_cancel = hold.on_cancel();
        let mut proceeded = self.gates.wait(self.job.job_id(), self.job.attempt());
        let over = sleep(millis(hold.for_ms).unwrap_or(Duration::MAX));
        tokio::pin!(over);
        let stopped = tokio::select! {
            biased;
            _ = &mut proceeded => None,
            reason = self.job.stopped(), if !self.ignores => Some(reason),
            () = &mut over => None,
        };
        let Some(reason) = stopped else { return Ok(()) };
        self.cancelled(reason);
        match on_cancel {
            OnCancel::Unspecified => {
                self.ended(How::Cancelled);
                Err(reason.into())
            }
            OnCancel::Next => Ok(()),
            OnCancel::Ignore => {
                self.ignores = true;
                tokio::select! {
                    _ = proceeded => {}
                    () = over => {}
                }
                Ok(())
            }
        }
    }

    fn lease(&self) -> Option<driver::Lease> {
        Some(to_wire::lease(self.job.lease()))
    }

    fn started(&self) {
        let job = &self.job;
        self.emit.handler_started(HandlerStarted {
            lease: self.lease(),
            job_type: job.job_type().into(),
            payload: job.payload().clone(),
            payload_media_type: job.payload_media_type().into(),
            payload_artifact: job.payload_artifact().unwrap_or_default().into(),
            checkpoint: job.checkpoint().clone(),
            traceparent: job.trace_context().traceparent.clone(),
            tracestate: job.trace_context().tracestate.clone(),
            correlation_id: job.correlation_id().into(),
            labels: job.labels().clone(),
            run_id: job.run_id().unwrap_or_default().into(),
            name: job.name().unwrap_or_default().into(),
            project: job.project().into(),
            source: job.source().into(),
            concurrency_key: job.concurrency_key().into(),
            window: job.window().map(to_wire::window),
        });
    }

    fn cancelled(&mut self, reason: StopReason) {
        if !std::mem::replace(&mut self.was_told, true) {
            let reason = reason.to_string();
            self.emit.handler_cancelled(HandlerCancelled { lease: self.lease(), reason });
        }
    }

    fn ended(&self, how: How) {
        self.emit.handler_ended(HandlerEnded { lease: self.lease(), how: how.into() });
    }
}
