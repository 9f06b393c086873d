//! Does what the runner asks for, with the SDK's public API.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use stellaops_orchestrator::{
    BlockedBy, Error, JobFilter, JobState, Orchestrator, Reason, UploadOptions, WatchTarget, Worker,
};
use tokio_util::sync::CancellationToken;

use crate::driver::call_result::Value;
use crate::driver::command::Command as Kind;
use crate::driver::{self, CallResult, Command, WatchUpdate, WorkerStopped};
use crate::emit::Emit;
use crate::from_wire::{job_request, millis, run_request, said};
use crate::gates::Gates;
use crate::handler::ScriptedHandler;
use crate::{plans, plans_to_wire, to_wire};

type Answer = Result<Option<Value>, Error>;

/// The commands of one process.
pub(crate) struct Commands {
    emit: Emit,
    gates: Arc<Gates>,
    stop: CancellationToken,
    configured: OnceLock<(driver::Configure, Orchestrator)>,
}

impl Commands {
    pub(crate) fn new(emit: Emit) -> Self {
        Self {
            emit,
            gates: Arc::default(),
            stop: CancellationToken::new(),
            configured: OnceLock::new(),
        }
    }

    pub(crate) async fn run(&self, Command { id, command }: Command) {
        let command = command.expect("a command that this program knows");
        let (value, error) = match self.act(id, command).await {
            Ok(value) => (value, None),
            Err(error) => (None, Some(to_wire::error(&error))),
        };
        self.emit.call_result(CallResult { id, error, value });
    }

    async fn act(&self, id: u32, command: Kind) -> Answer {
        match command {
            Kind::Configure(options) => self.configure(options),
            Kind::StartWorker(options) => self.start_worker(options),
            Kind::StopWorker(_) => {
                self.stop.cancel();
                Ok(None)
            }
            Kind::Proceed(proceed) => {
                self.gates.proceed(proceed.job_id, proceed.attempt);
                Ok(None)
            }
            Kind::GetLeaseDefaults(_) => Ok(Some(Value::LeaseDefaults(to_wire::lease_defaults()))),
            Kind::Enqueue(enqueue) => self.enqueue(enqueue).await,
            Kind::EnqueueMany(many) => self.enqueue_many(many).await,
            Kind::CreateRun(run) => self.create_run(run).await,
            Kind::UploadArtifact(upload) => self.upload(upload).await,
            Kind::DownloadArtifact(download) => self.download(download).await,
            Kind::WatchJobs(watch) => self.watch(id, watch).await,
            command => self.look(command).await,
        }
    }

    fn orchestrator(&self) -> &Orchestrator {
        &self.configured.get().expect("Configure comes first").1
    }

    fn configure(&self, options: driver::Configure) -> Answer {
        let mut builder = Orchestrator::builder().url(&options.server_url).tenant(&options.tenant);
        if let Some(timeout) = millis(options.call_timeout_ms) {
            builder = builder.timeout(timeout);
        }
        let configured = (options, builder.build()?);
        assert!(self.configured.set(configured).is_ok(), "Configure comes once");
        Ok(None)
    }

    fn start_worker(&self, options: driver::StartWorker) -> Answer {
        let (configure, _) = self.configured.get().expect("Configure comes first");
        let mut builder = Worker::builder()
            .url(&configure.server_url)
            .tenant(&configure.tenant)
            .worker_id(options.worker_id)
            .concurrency(usize::try_from(options.slots).expect("a number of slots"))
            .lease_at_once(options.lease_at_once);
        for queue in options.queues {
            builder = builder.queue(queue);
        }
        for (name, value) in options.labels {
            builder = builder.label(name, value);
        }
        if let Some(host) = options.host {
            builder = builder.host(host);
        }
        if let Some(grace) = millis(options.drain_grace_ms) {
            builder = builder.drain_grace(grace);
        }
        for handler in options.handlers {
            let job_type = handler.job_type.clone();
            let scripted = ScriptedHandler::new(handler, self.emit, Arc::clone(&self.gates));
            builder = builder.handler(job_type, scripted);
        }
        let worker = builder.build()?;
        let (emit, stop, handle_signals) = (self.emit, self.stop.clone(), options.handle_signals);
        tokio::spawn(async move {
            let result =
                if handle_signals { worker.run().await } else { worker.run_until(stop).await };
            let error = result.err().map(|error| to_wire::error(&error));
            let exit_code = i32::from(error.is_some());
            emit.worker_stopped(WorkerStopped { error });
            if handle_signals {
                std::process::exit(exit_code);
            }
        });
        Ok(None)
    }

    async fn enqueue(&self, enqueue: driver::Enqueue) -> Answer {
        let request = job_request(enqueue.job.expect("a job"));
        let job = self.orchestrator().enqueue(request).await?;
        let results = vec![to_wire::enqueued(Ok(job))];
        Ok(Some(Value::Enqueued(driver::EnqueueResults { results })))
    }

    async fn enqueue_many(&self, many: driver::EnqueueMany) -> Answer {
        let mut requests: Vec<_> = many.jobs.into_iter().map(job_request).collect();
        for index in 0..many.repeat {
            let copy = many.repeated_job.clone().expect("a job to repeat");
            requests.push(job_request(driver::JobRequest {
                payload: Bytes::from(index.to_string()),
                ..copy
            }));
        }
        let results = self.orchestrator().enqueue_many(requests).await;
        let results = results.into_iter().map(to_wire::enqueued).collect();
        Ok(Some(Value::Enqueued(driver::EnqueueResults { results })))
    }

    async fn create_run(&self, run: driver::CreateRun) -> Answer {
        let run = self.orchestrator().create_run(run_request(run)).await?;
        Ok(Some(Value::CreatedRun(plans_to_wire::created_run(run))))
    }

    async fn upload(&self, upload: driver::UploadArtifact) -> Answer {
        let artifacts = self.orchestrator().artifacts();
        let mut options = UploadOptions::new();
        if let Some(media_type) = said(upload.media_type) {
            options = options.media_type(media_type);
        }
        let uploaded = if upload.in_memory {
            let bytes = tokio::fs::read(&upload.path).await.expect("the file of the scenario");
            artifacts.upload_with(bytes, options).await?
        } else {
            artifacts.upload_with(std::path::PathBuf::from(upload.path), options).await?
        };
        Ok(Some(Value::Artifact(driver::Artifact {
            digest: uploaded.digest,
            size_bytes: i64::try_from(uploaded.size_bytes).expect("a size"),
            already_existed: uploaded.already_existed,
        })))
    }

    async fn download(&self, download: driver::DownloadArtifact) -> Answer {
        let artifacts = self.orchestrator().artifacts();
        let size = if download.path.is_empty() {
            artifacts.bytes(&download.digest).await?.len() as u64
        } else {
            artifacts.download_to(&download.digest, &download.path).await?;
            tokio::fs::metadata(&download.path).await.expect("the file downloaded").len()
        };
        Ok(Some(Value::Artifact(driver::Artifact {
            digest: download.digest,
            size_bytes: i64::try_from(size).expect("a size"),
            already_existed: false,
        })))
    }

    async fn watch(&self, id: u32, watch: driver::WatchJobs) -> Answer {
        let target = match said(watch.run_id) {
            Some(run_id) => WatchTarget::run(run_id),
            None => WatchTarget::jobs(watch.job_ids),
        };
        let mut watch = self.orchestrator().watch_jobs(target);
        while let Some(job) = watch.next().await? {
            self.emit.watch_update(WatchUpdate { id, job: Some(to_wire::job(job)) });
        }
        Ok(None)
    }

    async fn look(&self, command: Kind) -> Answer {
        let orchestrator = self.orchestrator();
        let one_job = |job| Some(Value::Jobs(driver::Jobs { jobs: vec![job] }));
        match command {
            Kind::GetRun(get) => {
                let detail = orchestrator.get_run(&get.run_id).await?;
                Ok(Some(Value::Run(driver::Run {
                    state: detail.state.to_string(),
                    skipped: detail.skipped,
                    edges: i32::try_from(detail.edges.len()).expect("a number of edges"),
                    jobs: detail.jobs.into_iter().map(to_wire::job).collect(),
                    ..plans_to_wire::run(detail.run)
                })))
            }
            Kind::GetJob(get) => {
                let detail = orchestrator.get_job(&get.job_id).await?;
                Ok(one_job(to_wire::job_detail(detail)))
            }
            Kind::WaitForJob(wait) => {
                let detail = orchestrator.wait_for_job(&wait.job_id).await?;
                Ok(one_job(to_wire::job_detail(detail)))
            }
            Kind::ListJobs(list) => self.list(list).await,
            Kind::CancelJobs(cancel) => {
                let grace = millis(cancel.grace_ms);
                let reason = Reason::new(cancel.reason).ticket(cancel.ticket);
                let jobs = orchestrator.cancel_jobs(cancel.job_ids, reason, grace).await?;
                Ok(outcomes(jobs.into_iter().map(|job| (job.job_id, job.outcome, job.state))))
            }
            Kind::RetryJobs(retry) => {
                let reason = Reason::new(retry.reason).ticket(retry.ticket);
                let jobs = orchestrator.retry_jobs(retry.job_ids, reason).await?;
                Ok(outcomes(jobs.into_iter().map(|job| (job.job_id, job.outcome, job.state))))
            }
            Kind::ExplainJob(explain) => self.explain(&explain.job_id).await,
            Kind::ListJobEvents(list) => {
                let events = orchestrator.job_events(&list.job_id).collect().await?;
                let kinds = events.into_iter().map(|event| event.kind).collect();
                Ok(Some(Value::JobEvents(driver::JobEvents { kinds })))
            }
            Kind::CheckLease(check) => {
                let lease = check.lease.expect("a lease");
                let checked = orchestrator
                    .check_lease(&stellaops_orchestrator::Lease {
                        job_id: lease.job_id,
                        attempt: lease.attempt,
                        lease_epoch: lease.lease_epoch,
                        lease_token: lease.lease_token,
                    })
                    .await?;
                Ok(Some(Value::CheckedLease(driver::CheckedLease {
                    is_current: checked.is_current,
                    newest_lease_epoch: checked.newest_lease_epoch,
                })))
            }
            plan => plans::act(orchestrator, plan).await.map(Some),
        }
    }

    async fn explain(&self, job_id: &str) -> Answer {
        let explanation = self.orchestrator().explain_job(job_id).await?;
        let (blocked_by, job_ids) = match explanation.blocked_by {
            Some(BlockedBy::Dependency { job_ids, .. }) => ("dependency", job_ids),
            Some(BlockedBy::Schedule { .. }) => ("schedule", Vec::new()),
            Some(BlockedBy::Workers { .. }) => ("workers", Vec::new()),
            Some(BlockedBy::Pause { .. }) => ("pause", Vec::new()),
            Some(BlockedBy::Blackout { .. }) => ("blackout", Vec::new()),
            Some(BlockedBy::Quota { .. }) => ("quota", Vec::new()),
            Some(BlockedBy::Concurrency { .. }) => ("concurrency", Vec::new()),
            Some(BlockedBy::Limiter { .. }) => ("limiter", Vec::new()),
            Some(BlockedBy::Breaker { .. }) => ("breaker", Vec::new()),
            _ => ("", Vec::new()),
        };
        Ok(Some(Value::Explanation(driver::Explanation {
            state: explanation.state.to_string(),
            blocked_by: blocked_by.into(),
            job_ids,
        })))
    }

    async fn list(&self, list: driver::ListJobs) -> Answer {
        let states = list.states.iter().map(|name| JobState::from_name(name).expect("a state"));
        let mut pages = self.orchestrator().list_jobs(JobFilter {
            states: states.collect(),
            job_types: list.job_types,
            run_id: said(list.run_id),
            labels: list.labels,
            ..JobFilter::default()
        });
        let limit = usize::try_from(list.limit).ok().filter(|&limit| limit > 0);
        let mut jobs = Vec::new();
        while limit.is_none_or(|limit| jobs.len() < limit) {
            let Some(job) = pages.next().await? else { break };
            jobs.push(to_wire::job(job));
        }
        Ok(Some(Value::Jobs(driver::Jobs { jobs })))
    }
}

fn outcomes(jobs: impl Iterator<Item = (String, impl ToString, JobState)>) -> Option<Value> {
    let outcomes = jobs.map(|(job_id, outcome, state)| driver::Outcome {
        job_id,
        outcome: outcome.to_string(),
        state: state.to_string(),
    });
    Some(Value::Outcomes(driver::Outcomes { outcomes: outcomes.collect() }))
}
