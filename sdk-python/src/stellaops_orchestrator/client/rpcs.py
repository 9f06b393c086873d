"""The RPCs that the SDK makes."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from stellaops_orchestrator.contract import pb

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res", bound=Message)


@dataclass(frozen=True, slots=True)
class Rpc(Generic[Req, Res]):
    """One RPC of the contract."""

    service: str
    method: str
    request: type[Req]
    response: type[Res]

    @property
    def path(self) -> str:
        """The HTTP/2 path."""
        return f"/stellaops.orchestrator.v1.{self.service}/{self.method}"

    def encode(self, request: Req) -> bytes:
        """A request as bytes."""
        return request.SerializeToString()

    def decode(self, data: bytes) -> Res:
        """A response from bytes."""
        return self.response.FromString(data)


ENQUEUE_JOBS = Rpc(
    "JobService", "EnqueueJobs", pb.job.EnqueueJobsRequest, pb.job.EnqueueJobsResponse
)
GET_JOB = Rpc("JobService", "GetJob", pb.job.GetJobRequest, pb.job.GetJobResponse)
LIST_JOBS = Rpc("JobService", "ListJobs", pb.job.ListJobsRequest, pb.job.ListJobsResponse)
LIST_JOB_EVENTS = Rpc(
    "JobService", "ListJobEvents", pb.job.ListJobEventsRequest, pb.job.ListJobEventsResponse
)
WATCH_JOBS = Rpc("JobService", "WatchJobs", pb.job.WatchJobsRequest, pb.job.WatchJobsResponse)
CANCEL_JOBS = Rpc("JobService", "CancelJobs", pb.job.CancelJobsRequest, pb.job.CancelJobsResponse)
RETRY_JOBS = Rpc("JobService", "RetryJobs", pb.job.RetryJobsRequest, pb.job.RetryJobsResponse)
EXPLAIN_JOB = Rpc("JobService", "ExplainJob", pb.job.ExplainJobRequest, pb.job.ExplainJobResponse)
CREATE_RUN = Rpc("RunService", "CreateRun", pb.run.CreateRunRequest, pb.run.CreateRunResponse)
GET_RUN = Rpc("RunService", "GetRun", pb.run.GetRunRequest, pb.run.GetRunResponse)
LIST_RUNS = Rpc("RunService", "ListRuns", pb.run.ListRunsRequest, pb.run.ListRunsResponse)
APPEND_JOBS = Rpc("RunService", "AppendJobs", pb.run.AppendJobsRequest, pb.run.AppendJobsResponse)
CLOSE_RUN = Rpc("RunService", "CloseRun", pb.run.CloseRunRequest, pb.run.CloseRunResponse)
CANCEL_RUN = Rpc("RunService", "CancelRun", pb.run.CancelRunRequest, pb.run.CancelRunResponse)
REPLAY_RUN = Rpc("RunService", "ReplayRun", pb.run.ReplayRunRequest, pb.run.ReplayRunResponse)
PUT_PIPELINE = Rpc(
    "PipelineService",
    "PutPipeline",
    pb.pipeline.PutPipelineRequest,
    pb.pipeline.PutPipelineResponse,
)
GET_PIPELINE = Rpc(
    "PipelineService",
    "GetPipeline",
    pb.pipeline.GetPipelineRequest,
    pb.pipeline.GetPipelineResponse,
)
LIST_PIPELINES = Rpc(
    "PipelineService",
    "ListPipelines",
    pb.pipeline.ListPipelinesRequest,
    pb.pipeline.ListPipelinesResponse,
)
RUN_PIPELINE = Rpc(
    "PipelineService",
    "RunPipeline",
    pb.pipeline.RunPipelineRequest,
    pb.pipeline.RunPipelineResponse,
)
PUT_WINDOW_SERIES = Rpc(
    "WatermarkService",
    "PutWindowSeries",
    pb.watermark.PutWindowSeriesRequest,
    pb.watermark.PutWindowSeriesResponse,
)
GET_WATERMARK = Rpc(
    "WatermarkService",
    "GetWatermark",
    pb.watermark.GetWatermarkRequest,
    pb.watermark.GetWatermarkResponse,
)
LIST_GAPS = Rpc(
    "WatermarkService", "ListGaps", pb.watermark.ListGapsRequest, pb.watermark.ListGapsResponse
)
PREVIEW_BACKFILL = Rpc(
    "BackfillService",
    "PreviewBackfill",
    pb.backfill.PreviewBackfillRequest,
    pb.backfill.PreviewBackfillResponse,
)
CREATE_BACKFILL = Rpc(
    "BackfillService",
    "CreateBackfill",
    pb.backfill.CreateBackfillRequest,
    pb.backfill.CreateBackfillResponse,
)
GET_BACKFILL = Rpc(
    "BackfillService",
    "GetBackfill",
    pb.backfill.GetBackfillRequest,
    pb.backfill.GetBackfillResponse,
)
LIST_BACKFILLS = Rpc(
    "BackfillService",
    "ListBackfills",
    pb.backfill.ListBackfillsRequest,
    pb.backfill.ListBackfillsResponse,
)
PAUSE_BACKFILL = Rpc(
    "BackfillService",
    "PauseBackfill",
    pb.backfill.PauseBackfillRequest,
    pb.backfill.PauseBackfillResponse,
)
RESUME_BACKFILL = Rpc(
    "BackfillService",
    "ResumeBackfill",
    pb.backfill.ResumeBackfillRequest,
    pb.backfill.ResumeBackfillResponse,
)
CANCEL_BACKFILL = Rpc(
    "BackfillService",
    "CancelBackfill",
    pb.backfill.CancelBackfillRequest,
    pb.backfill.CancelBackfillResponse,
)
FIND_MISSING_ARTIFACTS = Rpc(
    "ArtifactService",
    "FindMissingArtifacts",
    pb.artifact.FindMissingArtifactsRequest,
    pb.artifact.FindMissingArtifactsResponse,
)
UPLOAD_ARTIFACT = Rpc(
    "ArtifactService",
    "UploadArtifact",
    pb.artifact.UploadArtifactRequest,
    pb.artifact.UploadArtifactResponse,
)
QUERY_UPLOAD = Rpc(
    "ArtifactService",
    "QueryUpload",
    pb.artifact.QueryUploadRequest,
    pb.artifact.QueryUploadResponse,
)
DOWNLOAD_ARTIFACT = Rpc(
    "ArtifactService",
    "DownloadArtifact",
    pb.artifact.DownloadArtifactRequest,
    pb.artifact.DownloadArtifactResponse,
)
CHECK_LEASE = Rpc(
    "TaskRunnerService",
    "CheckLease",
    pb.task_runner.CheckLeaseRequest,
    pb.task_runner.CheckLeaseResponse,
)
SESSION = Rpc(
    "TaskRunnerService", "Session", pb.task_runner.WorkerFrame, pb.task_runner.ServerFrame
)
