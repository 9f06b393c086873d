"""Runs and plans against the real server, by way of the synchronous surface over the other one."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stellaops_orchestrator import (
    BackfillSpec,
    BackfillState,
    DependsOn,
    EdgeCondition,
    EventWindow,
    FailedPreconditionError,
    JobState,
    JobTemplate,
    NotFoundError,
    ParameterKind,
    Pipeline,
    PipelineJob,
    PipelineParameter,
    ReplayCause,
    RetryableError,
    RunJob,
    RunState,
    SyncOrchestrator,
    SyncWorker,
)
from stellaops_orchestrator.contract.ids import uuid7

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def orch(url):
    with SyncOrchestrator(url) as orch:
        yield orch


@pytest.fixture
def work(url):
    """Runs a worker with these handlers until the test is over."""
    workers = []

    def start(handlers):
        worker = SyncWorker(handlers, url=url)
        thread = threading.Thread(target=lambda: worker.run(handle_signals=False))
        thread.start()
        workers.append((worker, thread))

    yield start
    for worker, thread in workers:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive()


def nothing(_):
    return None


def test_a_pipeline_whose_handler_fans_out(orch, work):
    def split(job):
        parts = [RunJob(f"part-{n}", "py.plan.part", n) for n in range(job.json()["parts"])]
        appended = job.fan_out(parts)
        if job.attempt == 1:
            assert appended.existing == 0
            raise RetryableError("once more", retry_after=0)
        return {"existing": appended.existing}

    work({"py.plan.split": split, "py.plan.part": nothing, "py.plan.join": nothing})
    pipeline = Pipeline(
        name=f"p-{uuid7()}",
        parameters=[PipelineParameter(name="parts", kind=ParameterKind.INT, default_value=3)],
        jobs=[
            PipelineJob("split", "py.plan.split", payload_template={"parts": "${parts}"}),
            PipelineJob(
                "join", "py.plan.join", depends_on=[DependsOn("split", include_fan_out=True)]
            ),
        ],
    )
    stored = orch.pipelines.put(pipeline, reason="a test")
    again = orch.pipelines.put(orch.pipelines.get(pipeline.name))
    assert (stored.version, again.version, again.etag) == (1, 1, stored.etag)
    assert stored.parameters[0].default_value == 3
    created = orch.pipelines.run(pipeline.name)
    assert orch.wait_for_job(created.job_ids["join"]).state is JobState.SUCCEEDED
    run = orch.get_run(created.run_id)
    assert (run.state, run.pipeline, run.pipeline_version) == ("succeeded", pipeline.name, 1)
    assert {job.name for job in run.jobs} == {"split", "join", "part-0", "part-1", "part-2"}
    assert orch.wait_for_job(created.job_ids["split"]).result_json() == {"existing": 3}
    with pytest.raises(NotFoundError):
        orch.pipelines.get("nobody")
    head = next(head for head in orch.pipelines.list() if head.name == pipeline.name)
    assert (head.version, head.etag, head.parameters) == (1, stored.etag, stored.parameters)
    assert [version.version for version in orch.pipelines.versions(pipeline.name)] == [1]
    assert [run.run_id for run in orch.runs.list(pipeline=pipeline.name)] == [created.run_id]


def test_an_open_run_is_filled_closed_and_replayed(orch, work):
    work({"py.plan.good": nothing})
    created = orch.create_run([RunJob("a", "py.plan.good")], keep_open=True)
    assert orch.get_run(created.run_id).is_open
    end = DependsOn("a", when=EdgeCondition.FAILURE)
    jobs = [RunJob("b", "py.plan.good"), RunJob("c", "py.plan.good", depends_on=[end])]
    appended = orch.runs.append(created.run_id, jobs)
    assert orch.runs.append(created.run_id, jobs).existing == 2
    assert not orch.runs.close(created.run_id).is_open
    with pytest.raises(FailedPreconditionError):
        orch.runs.append(created.run_id, [RunJob("d", "py.plan.good")])
    skipped = orch.wait_for_job(appended.job_ids["c"])
    assert (skipped.state, skipped.is_skipped) == (JobState.CANCELLED, True)
    for _ in orch.watch_jobs(run_id=created.run_id):
        pass
    run = orch.get_run(created.run_id)
    assert (run.state, run.skipped) == (RunState.SUCCEEDED, 1)
    assert run.edges[0].when is EdgeCondition.FAILURE
    would = orch.runs.replay(created.run_id, job_names=["a"], dry_run=True)
    assert (would.run_id, would.running_count) == (None, 1)
    replay = orch.runs.replay(created.run_id, job_names=["a"], reason="again")
    assert replay.run_id
    assert [job.cause for job in replay.jobs if job.name == "a"] == [ReplayCause.SELECTED]
    assert orch.get_run(replay.run_id).replay_of == created.run_id
    replays = list(orch.runs.list(replay_of=created.run_id))
    assert [(run.run_id, run.is_open) for run in replays] == [(replay.run_id, False)]


def test_a_run_is_cancelled(orch):
    created = orch.create_run([RunJob("a", "py.plan.nobody")])
    operation = orch.runs.cancel(created.run_id, reason="enough", ticket="T-1", grace=1)
    assert (operation.kind, operation.run_id) == ("cancel_run", created.run_id)
    assert orch.wait_for_job(created.job_ids["a"]).state is JobState.CANCELLED
    run = orch.get_run(created.run_id)
    assert (run.state, run.is_cancel_requested) == (RunState.CANCELLED, True)


def test_what_is_missing_is_backfilled(orch, work):
    seen = []
    work({"py.plan.ingest": lambda job: seen.append((job.source, job.window))})
    source = f"s-{uuid7()}"
    mark = orch.watermarks.put_series(source, width=DAY, origin=START, scope="npm", reason="new")
    assert (mark.width, mark.watermark, mark.covered_until) == (DAY, START, None)
    first = EventWindow(START, START + DAY, "npm")
    enqueued = orch.enqueue("py.plan.ingest", source=source, window=first)
    assert orch.wait_for_job(enqueued.job_id).window == first
    assert orch.watermarks.get(source, "npm").watermark == START + DAY
    gap = next(orch.watermarks.gaps(source, "npm", end=START + 3 * DAY))
    assert (gap.start, gap.windows) == (START + DAY, 2)

    job = JobTemplate("py.plan.ingest", priority=-5)
    spec = BackfillSpec(source=source, scope="npm", start=START, end=START + 3 * DAY, job=job)
    preview = orch.backfills.preview(spec)
    assert (preview.windows, preview.covered, preview.jobs) == (3, 1, 2)
    assert preview.sample[0].start == START + DAY
    backfill = orch.backfills.create(spec, reason="the feed was down", ticket="T-2")
    while backfill.state is BackfillState.RUNNING:
        time.sleep(0.05)  # nothing tells: ask again
        backfill = orch.backfills.get(backfill.backfill_id)
    assert (backfill.state, backfill.covered, backfill.shared) == ("succeeded", 2, 1)
    assert backfill.spec.job.options.get("priority") == -5
    assert orch.watermarks.get(source, "npm").watermark == START + 3 * DAY
    assert sorted(window.start for _, window in seen) == [START + n * DAY for n in range(3)]

    nobody = replace(spec, end=START + 9 * DAY, job=JobTemplate("py.plan.nobody"))
    held = orch.backfills.create(nobody, reason="to be stopped")
    assert orch.backfills.pause(held.backfill_id).state is BackfillState.PAUSED
    assert orch.backfills.resume(held.backfill_id).state is BackfillState.RUNNING
    assert orch.backfills.cancel(held.backfill_id).state is BackfillState.CANCELLED
    listed = [(found.backfill_id, found.state) for found in orch.backfills.list(source=source)]
    assert listed == [(held.backfill_id, "cancelled"), (backfill.backfill_id, "succeeded")]
