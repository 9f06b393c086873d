"""Runs, pipelines, watermarks and backfills over a real wire."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from scripted_calls import RefusalError, scripted_calls

from stellaops_orchestrator import (
    NOTHING,
    AbortedError,
    ArtifactRef,
    BackfillSpec,
    DependsOn,
    EdgeCondition,
    EventWindow,
    JobTemplate,
    Lease,
    OnFailure,
    ParameterKind,
    Pipeline,
    PipelineJob,
    PipelineParameter,
    RetryOverrides,
    RunJob,
    TraceContext,
)
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.trace_context import LINEAGE, Lineage

PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
RUN = "0192e4a0-0000-7000-8000-000000000001"
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def in_a_handler():
    token = LINEAGE.set(Lineage(TraceContext(PARENT), "of the handler"))
    yield
    LINEAGE.reset(token)


def ids(request):
    job_ids = [f"id of {job.name}" for job in request.jobs]
    return pb.run.AppendJobsResponse(job_ids=job_ids, existing=1)


async def test_appended_jobs_have_names_and_no_ids(in_a_handler):
    async with scripted_calls(AppendJobs=ids) as (orch, calls):
        calls.away_once("AppendJobs")
        lease = Lease("job", 2, 5, "t")
        end = DependsOn("a", when=EdgeCondition.COMPLETION, include_fan_out=True)
        jobs = [RunJob("a", "x.a", {"n": 1}), RunJob("b", "x.b", depends_on=["a", end])]
        appended = await orch.runs.append(RUN, jobs, close=True, fan_out=lease)
    assert appended.job_ids == {"a": "id of a", "b": "id of b"}
    assert appended.existing == 1
    first, second = calls.requests["AppendJobs"]
    assert first == second
    assert first.close
    assert first.fan_out == lease.to_message()
    specs = [job.spec for job in first.jobs]
    assert [spec.job_id for spec in specs] == ["", ""]
    assert [spec.correlation_id for spec in specs] == ["", ""]
    assert [spec.traceparent for spec in specs] == [PARENT, PARENT]
    assert [MessageToDict(edge) for edge in first.jobs[1].depends_on] == [
        {"name": "a"},
        {"name": "a", "condition": "EDGE_CONDITION_COMPLETION", "includeFanOut": True},
    ]


async def test_a_run_keeps_its_id_and_its_jobs_theirs():
    def created(request):
        return pb.run.CreateRunResponse(run=pb.run.Run(run_id=request.run_id))

    async with scripted_calls(CreateRun=created) as (orch, calls):
        calls.away_once("CreateRun")
        dependency = DependsOn("a", OnFailure.CONTINUE)
        window = EventWindow(START, START + timedelta(hours=1), "npm")
        jobs = [
            RunJob("a", "x.a", source="osv.dev", window=window),
            RunJob("b", "x.b", depends_on=[dependency]),
        ]
        run = await orch.create_run(jobs, keep_open=True)
    first, second = calls.requests["CreateRun"]
    assert first == second
    assert (first.run_id, first.keep_open) == (run.run_id, True)
    assert first.run_id[14] == "7"
    assert all(job.spec.job_id for job in first.jobs)
    assert MessageToDict(first.jobs[0].spec.window) == {
        "scope": "npm",
        "startTime": "2026-01-01T00:00:00Z",
        "endTime": "2026-01-01T01:00:00Z",
    }
    assert first.jobs[1].depends_on[0].on_failure == pb.run.ON_FAILURE_CONTINUE
    assert first.jobs[1].depends_on[0].condition == pb.run.EDGE_CONDITION_UNSPECIFIED


async def test_a_run_and_its_edges_as_the_ledger_has_them():
    run = pb.run.Run(
        run_id=RUN,
        state=pb.run.RUN_STATE_ACTIVE,
        open=True,
        cancel_requested=True,
        building=True,
        replay_of="r",
        pipeline="p",
        pipeline_version=3,
        schedule="s",
        skipped=2,
    )
    edge = pb.run.Edge(condition=pb.run.EDGE_CONDITION_FAILURE, include_fan_out=True)
    job = pb.job.Job(job_id="j", skipped=True)
    detail = pb.run.GetRunResponse(run=run, jobs=[job], edges=[edge], truncated=True)
    async with scripted_calls(
        GetRun=lambda _: detail, CloseRun=lambda _: pb.run.CloseRunResponse(run=run)
    ) as (orch, _):
        found, closed = await orch.get_run(RUN), await orch.runs.close(RUN)
    assert (found.is_open, found.is_cancel_requested, found.is_building) == (True, True, True)
    assert (found.replay_of, found.pipeline, found.pipeline_version) == ("r", "p", 3)
    assert (found.schedule, found.skipped, found.is_truncated) == ("s", 2, True)
    assert (found.edges[0].when, found.edges[0].includes_fan_out) == ("failure", True)
    assert (found.jobs[0].is_skipped, found.jobs[0].window) == (True, None)
    assert closed.is_open


async def test_cancelling_and_replaying_carry_one_id_for_all_tries():
    operation = pb.operation.Operation(operation_id="o", kind=99, matching=7)  # type: ignore[arg-type]
    replayed = pb.run.ReplayedJob(name="a", cause=pb.run.REPLAY_CAUSE_DOWNSTREAM)
    answers = {
        "CancelRun": lambda _: pb.run.CancelRunResponse(operation=operation),
        "ReplayRun": lambda _: pb.run.ReplayRunResponse(jobs=[replayed], running_count=1),
    }
    async with scripted_calls(**answers) as (orch, calls):
        calls.away_once("CancelRun")
        calls.away_once("ReplayRun")
        cancelled = await orch.runs.cancel(RUN, reason="r", ticket="t", grace=1.5)
        replay = await orch.runs.replay(RUN, job_names=["a"], dry_run=True, rerun_upstream=True)
    assert (cancelled.kind, cancelled.matching, cancelled.finish_time) == (None, 7, None)
    assert (replay.run_id, replay.jobs[0].cause) == (None, "downstream")
    for method, requests in calls.requests.items():
        first, second = requests
        assert first == second, method
        assert first.request_id[14] == "7"
    request = calls.requests["CancelRun"][0]
    assert (request.reason, request.ticket, request.grace.ToMilliseconds()) == ("r", "t", 1500)
    request = calls.requests["ReplayRun"][0]
    assert (request.dry_run, request.rerun_upstream, request.include_downstream) == (
        True,
        True,
        False,
    )


PIPELINE = Pipeline(
    name="nightly",
    description="Scans",
    parameters=[
        PipelineParameter(name="depth", kind=ParameterKind.INT, default_value=2),
        PipelineParameter(name="more", kind=ParameterKind.JSON, default_value=None),
        PipelineParameter(name="path", description="What to scan"),
    ],
    jobs=[
        PipelineJob(
            "scan",
            "scan.job",
            queue="heavy",
            priority=-3,
            labels={"depth": "${depth}"},
            attempt_deadline=1.5,
            retry=RetryOverrides(max_attempts=2, initial_backoff=0.25),
            payload_template={"depth": "${depth}", "list": [1, None]},
        ),
        PipelineJob(
            "merge",
            "merge.job",
            ArtifactRef("sha256:" + "0" * 64),
            depends_on=["scan", DependsOn("scan", OnFailure.HOLD, include_fan_out=True)],
        ),
    ],
)


def stored(request):
    pipeline = pb.pipeline.Pipeline()
    pipeline.CopyFrom(request.pipeline)
    pipeline.version, pipeline.etag = 4, "e-4"
    return pb.pipeline.PutPipelineResponse(pipeline=pipeline)


async def test_a_stored_pipeline_can_be_stored_again_as_it_is(in_a_handler):
    async with scripted_calls(PutPipeline=stored) as (orch, calls):
        found = await orch.pipelines.put(PIPELINE, reason="first", ticket="OPS-1")
        await orch.pipelines.put(found)
    first, second = calls.requests["PutPipeline"]
    assert (first.reason, first.ticket) == ("first", "OPS-1")
    assert second.pipeline.etag == "e-4"
    second.pipeline.etag = ""
    assert second.pipeline == first.pipeline
    # It inherits nothing of the handler that stores it.
    for job in first.pipeline.jobs:
        assert (job.spec.job_id, job.spec.traceparent, job.spec.correlation_id) == ("", "", "")
    assert found.version == 4
    defaults = [parameter.default_value for parameter in found.parameters]
    assert defaults == [2, None, NOTHING]
    assert isinstance(defaults[0], int)
    scan, merge = found.jobs
    assert scan.payload_template == {"depth": "${depth}", "list": [1, None]}
    assert scan.payload is NOTHING
    assert scan.options.get("labels") == {"depth": "${depth}"}
    assert merge.payload == ArtifactRef("sha256:" + "0" * 64)
    assert merge.payload_template is NOTHING


async def test_versions_without_a_name_are_not_those_of_all_pipelines():
    answer = pb.pipeline.ListPipelinesResponse()
    async with scripted_calls(ListPipelines=lambda _: answer) as (orch, calls):
        with pytest.raises(ValueError, match="name"):
            orch.pipelines.versions("")
        assert [head async for head in orch.pipelines.versions("nightly")] == []
        assert [head async for head in orch.pipelines.list()] == []
    assert [request.name for request in calls.requests["ListPipelines"]] == ["nightly", ""]


async def test_a_pipeline_that_moved_on_is_refused_at_once():
    def refuse(_):
        raise RefusalError(grpc.StatusCode.ABORTED, "ETAG_MISMATCH")

    async with scripted_calls(PutPipeline=refuse) as (orch, calls):
        with pytest.raises(AbortedError) as caught:
            await orch.pipelines.put(PIPELINE)
    assert caught.value.reason == "ETAG_MISMATCH"
    assert not caught.value.is_retryable
    assert len(calls.requests["PutPipeline"]) == 1


async def test_a_run_of_a_pipeline_has_ids_by_name(in_a_handler):
    def run(request):
        return pb.pipeline.RunPipelineResponse(
            run=pb.run.Run(run_id=request.run_id), job_ids=["1", "2"], job_names=["scan", "merge"]
        )

    async with scripted_calls(RunPipeline=run) as (orch, calls):
        calls.away_once("RunPipeline")
        values = {"depth": 3, "more": {"list": ["a", None, 1.5]}, "big": 2**60}
        created = await orch.pipelines.run("nightly", parameters=values, version=4)
        with pytest.raises(ValueError, match="beyond"):
            await orch.pipelines.run("nightly", parameters={"depth": 2**53 + 1})
        with pytest.raises(ValueError, match="beyond"):
            await orch.pipelines.run("nightly", parameters={"depth": 10**400})
        with pytest.raises(TypeError):
            await orch.pipelines.run("nightly", parameters={"path": object()})
    first, second = calls.requests["RunPipeline"]
    assert first == second
    assert created.run_id == first.run_id
    assert first.run_id[14] == "7"
    assert created.job_ids == {"scan": "1", "merge": "2"}
    assert MessageToDict(first.parameters) == values
    assert (first.version, first.correlation_id) == (4, "of the handler")


def moment(hours):
    return {"seconds": round((START + timedelta(hours=hours)).timestamp())}


async def test_watermarks_and_gaps():
    mark = pb.watermark.Watermark(
        series={"source": "osv", "width": {"seconds": 3600}, "origin_time": moment(0)},
        watermark_time=moment(1),
        due_time=moment(3),
        lag={"seconds": 7200},
        missing_windows=2,
        gaps=1,
    )

    def gaps(request):
        page = {"": (1, "next"), "next": (2, "")}[request.page_token]
        gap = pb.watermark.Gap(start_time=moment(page[0]), end_time=moment(9), windows=1)
        return pb.watermark.ListGapsResponse(gaps=[gap], next_page_token=page[1])

    async with scripted_calls(
        PutWindowSeries=lambda _: pb.watermark.PutWindowSeriesResponse(watermark=mark),
        GetWatermark=lambda _: pb.watermark.GetWatermarkResponse(watermark=mark),
        ListGaps=gaps,
    ) as (orch, calls):
        await orch.watermarks.put_series(
            "osv", scope="npm", width=timedelta(hours=1), origin=START, allowed_lateness=60
        )
        naive = START.replace(tzinfo=None)
        with pytest.raises(ValueError, match="time zone"):
            await orch.watermarks.put_series("osv", width=1, origin=naive)
        found = await orch.watermarks.get("osv")
        listed = [gap async for gap in orch.watermarks.gaps("osv", "npm", start=START)]
    series = calls.requests["PutWindowSeries"][0].series
    assert (series.scope, series.width.seconds, series.allowed_lateness.seconds) == (
        "npm",
        3600,
        60,
    )
    assert (found.watermark, found.due) == (START + timedelta(hours=1), START + timedelta(hours=3))
    assert (found.lag, found.missing_windows) == (timedelta(hours=2), 2)
    assert found.covered_until is None
    assert [gap.start for gap in listed] == [START + timedelta(hours=n) for n in (1, 2)]
    assert [request.HasField("until_time") for request in calls.requests["ListGaps"]] == [False] * 2


async def test_backfills():
    def backfill(spec):
        return pb.backfill.Backfill(
            backfill_id="b", spec=spec, state=pb.backfill.BACKFILL_STATE_PAUSED, windows=24
        )

    kept = pb.backfill.BackfillSpec(source="osv", start_time=moment(0), end_time=moment(24))
    preview = pb.backfill.PreviewBackfillResponse(
        jobs=3,
        start_time=moment(0),
        end_time=moment(24),
        mean_job_duration={"seconds": 2},
        limits=[{"scope": {"kind": "FLOW_SCOPE_KIND_SOURCE", "name": "osv"}}],
        sample=[{"scope": "npm", "start_time": moment(0), "end_time": moment(1)}],
    )
    make = pb.backfill
    async with scripted_calls(
        PreviewBackfill=lambda _: preview,
        CreateBackfill=lambda r: make.CreateBackfillResponse(backfill=backfill(r.spec)),
        GetBackfill=lambda _: make.GetBackfillResponse(backfill=backfill(kept)),
        PauseBackfill=lambda _: make.PauseBackfillResponse(backfill=backfill(kept)),
        ResumeBackfill=lambda _: make.ResumeBackfillResponse(backfill=backfill(kept)),
        CancelBackfill=lambda _: make.CancelBackfillResponse(backfill=backfill(kept)),
    ) as (orch, calls):
        job = JobTemplate("ingest.job", {"n": 1}, priority=-5)
        end = START + timedelta(days=1)
        spec = BackfillSpec(source="osv", start=START, end=end, job=job, max_parallel=4)
        would = await orch.backfills.preview(spec)
        calls.away_once("CreateBackfill")
        made = await orch.backfills.create(spec, reason="missed", ticket="OPS-1")
        await orch.backfills.get("b")
        for steer in (orch.backfills.pause, orch.backfills.resume, orch.backfills.cancel):
            assert (await steer("b", reason="why")).state == "paused"
    assert (would.jobs, would.mean_job_duration) == (3, timedelta(seconds=2))
    assert would.estimated_duration is None
    assert would.limited_by[0].name == "osv"
    assert would.sample == (EventWindow(START, START + timedelta(hours=1), "npm"),)
    first, second = calls.requests["CreateBackfill"]
    assert first == second
    assert first.request_id[14] == "7"
    assert (first.spec.job.job_id, first.spec.job.priority) == ("", -5)
    assert (made.spec.start, made.spec.end, made.spec.max_parallel) == (START, end, 4)
    assert (made.spec.job.payload, made.spec.job.options.get("priority")) == (b'{"n":1}', -5)
    for how in ("Pause", "Resume", "Cancel"):
        [request] = calls.requests[f"{how}Backfill"]
        assert (request.backfill_id, request.reason) == ("b", "why")
