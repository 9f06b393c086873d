"""Client and workers against the real server."""

import asyncio
import signal
import sys
import textwrap

import pytest

from stellaops_orchestrator import (
    AlreadyExistsError,
    ArtifactRef,
    DependsOn,
    EnqueueOutcome,
    JobFilter,
    JobRequest,
    JobState,
    NotFoundError,
    OnFailure,
    Orchestrator,
    OrchestratorError,
    RetryableError,
    RetryOverrides,
    RunJob,
    RunState,
    SyncOrchestrator,
    SyncWorker,
    TerminalError,
    TraceContext,
    UploadProgress,
    Worker,
    digest_of,
)
from stellaops_orchestrator.contract.ids import uuid7

PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


async def test_a_job_from_enqueue_to_artifact(url):
    async def work(job):
        assert job.json() == {"n": 1}
        await job.progress(0.5, message="half")
        await job.upload_artifact("out.txt", job.job_id.encode(), media_type="text/plain")
        child = await job.orchestrator.enqueue("py.child")
        return {"child": child.job_id}

    async def nothing(_):
        return None

    async with Orchestrator(url) as orch, Worker({"py.work": work, "py.child": nothing}, url=url):
        trace = TraceContext(PARENT)
        enqueued = await orch.enqueue("py.work", {"n": 1}, correlation_id="corr", trace=trace)
        job = await orch.wait_for_job(enqueued.job_id)
        assert job.state is JobState.SUCCEEDED, job.last_failure
        assert job.progress is not None
        assert job.progress.message == "half"
        assert job.attempts[0].outcome == "succeeded"
        [artifact] = job.artifacts
        assert (artifact.name, artifact.media_type) == ("out.txt", "text/plain")
        assert await orch.artifacts.read(artifact.digest) == job.job_id.encode()
        child = await orch.wait_for_job(job.result_json()["child"])
        assert (child.correlation_id, child.traceparent) == ("corr", PARENT)
        kinds = [event.kind async for event in orch.job_events(job.job_id)]
        assert kinds[0] == "enqueued"
        assert kinds[-1] == "succeeded"


async def test_failures_and_the_next_attempt_with_its_checkpoint(url):
    seen = []

    async def flaky(job):
        seen.append((job.attempt, job.checkpoint))
        if job.attempt == 1:
            job.progress(0.3, checkpoint=b"so far")
            raise RetryableError("again", failure_class="http_5xx")
        raise TerminalError("no use", failure_class="parse_error")

    async with Orchestrator(url) as orch, Worker({"py.flaky": flaky}, url=url):
        quick = RetryOverrides(initial_backoff=0.01, max_backoff=0.01)
        enqueued = await orch.enqueue("py.flaky", retry=quick)
        job = await orch.wait_for_job(enqueued.job_id)
    assert job.state is JobState.DEAD
    assert job.last_failure is not None
    assert (job.last_failure.failure_class, job.last_failure.terminal) == ("parse_error", True)
    assert seen == [(1, b""), (2, b"so far")]


async def test_cancelling_a_running_job(url):
    reasons = []

    async def long(job):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            reasons.append(job.stop_reason)
            raise

    async with Orchestrator(url) as orch, Worker({"py.long": long}, url=url):
        enqueued = await orch.enqueue("py.long")
        async for job in orch.watch_jobs([enqueued.job_id]):
            if job.state is JobState.RUNNING:
                await orch.cancel_jobs([job.job_id], reason="enough", grace=5)
        assert job.state is JobState.CANCELLED
    assert reasons == ["cancelled"]


async def test_enqueueing_the_same_key(url):
    async with Orchestrator(url) as orch:
        key = uuid7()
        same = [orch.enqueue("py.key", {"n": 1}, idempotency_key=key) for _ in range(100)]
        results = await asyncio.gather(*same)
        assert len({result.job_id for result in results}) == 1
        outcomes = [result.outcome for result in results]
        assert outcomes.count(EnqueueOutcome.CREATED) == 1
        with pytest.raises(AlreadyExistsError) as caught:
            await orch.enqueue("py.key", {"n": 2}, idempotency_key=key)
        assert caught.value.reason == "IDEMPOTENCY_CONFLICT"


async def test_many_jobs_with_a_bad_one_among_them(url):
    async with Orchestrator(url) as orch:
        good = [JobRequest("py.many", number, queue="nobody") for number in range(1200)]
        results = await orch.enqueue_many([*good[:700], JobRequest("BAD"), *good[700:]])
        assert [at for at, result in enumerate(results) if result.error] == [700]
        error = results[700].error
        assert error is not None
        assert error.violations[0].field.endswith("job_type")

        mixed = [orch.enqueue("py.many", queue="nobody"), orch.enqueue("BAD")]
        found = await asyncio.gather(*mixed, return_exceptions=True)
        assert not isinstance(found[0], BaseException)
        assert isinstance(found[1], OrchestratorError)

        listed = [
            job.job_id
            async for job in orch.list_jobs(JobFilter(job_types=["py.many"]), page_size=500)
        ]
        assert len(listed) == len(set(listed)) == 1201


async def test_runs(url):
    async def work(job):
        if job.name == "bad":
            raise TerminalError("no")

    async with Orchestrator(url) as orch, Worker({"py.run": work}, url=url):
        jobs = [
            RunJob("bad", "py.run"),
            RunJob("held", "py.run", depends_on=[DependsOn("bad", OnFailure.HOLD)]),
            RunJob("cut", "py.run", depends_on=["bad"]),
        ]
        made = await orch.create_run(jobs, display_name="a run")
        await orch.wait_for_job(made.job_ids["cut"])
        run = await orch.get_run(made.run_id)
        assert run.state is RunState.ACTIVE
        assert [job.name for job in run.jobs] == ["bad", "held", "cut"]
        assert len(run.edges) == 2
        explained = await orch.explain_job(made.job_ids["held"])
        assert explained.blocked_by is not None
        [cancelled] = await orch.cancel_jobs([made.job_ids["held"]])
        assert cancelled.outcome == "cancelled"
        states = [job.state async for job in orch.watch_jobs(run_id=made.run_id)]
        assert all(state.is_terminal for state in states)
        [retried] = await orch.retry_jobs([made.job_ids["bad"]])
        assert retried.outcome == "ready"
        with pytest.raises(OrchestratorError) as caught:
            await orch.create_run([RunJob("a", "py.run", depends_on=["a"])])
        assert caught.value.reason == "GRAPH_CYCLE"


async def test_artifacts(url, tmp_path):
    async with Orchestrator(url) as orch:
        data = bytes(range(256)) * 12_000 + uuid7().encode()
        path = tmp_path / "big"
        path.write_bytes(data)
        steps: list[UploadProgress] = []
        uploaded = await orch.artifacts.upload(path, on_progress=steps.append)
        assert uploaded.digest == digest_of(data)
        assert steps[-1].sent_bytes == steps[-1].total_bytes == len(data)
        assert not uploaded.already_existed
        assert (await orch.artifacts.upload(data)).already_existed
        await orch.artifacts.download_to(uploaded.digest, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == data

        missing = "sha256:" + "0" * 64
        with pytest.raises(NotFoundError):
            await orch.artifacts.download_to(missing, tmp_path / "no")
        assert sorted(p.name for p in tmp_path.iterdir()) == ["big", "copy"]
        with pytest.raises(OrchestratorError) as caught:
            await orch.artifacts.upload(tmp_path / "absent")
        assert caught.value.reason == "FILE_UNREADABLE"
        with pytest.raises(TypeError):
            await orch.artifacts.upload("a path?")  # type: ignore[arg-type]
        assert (await orch.artifacts.upload(b"")).digest == digest_of(b"")


async def test_errors(url):
    async with Orchestrator(url) as orch:
        with pytest.raises(NotFoundError) as missing:
            await orch.get_job(uuid7())
        assert missing.value.reason == "JOB_NOT_FOUND"
        with pytest.raises(OrchestratorError):
            await orch.get_job("no id")
        with pytest.raises(ValueError, match="either"):
            orch.watch_jobs()
    with pytest.raises(OrchestratorError) as caught:
        await orch.enqueue("a.b")
    assert caught.value.reason == "CLIENT_CLOSED"
    with pytest.raises(OrchestratorError) as caught:
        await orch.get_job(uuid7())
    assert caught.value.reason == "CLIENT_CLOSED"
    async with Orchestrator("http://127.0.0.1:1", timeout=0.3) as lost:
        with pytest.raises(OrchestratorError) as caught:
            await lost.get_job(uuid7())
        assert caught.value.reason == "CONNECTION_FAILED"
    with pytest.raises(OrchestratorError) as caught:
        Orchestrator("ftp://somewhere")
    assert caught.value.reason == "URL_INVALID"


async def test_check_lease(url):
    found = []

    async def work(job):
        found.append(await job.orchestrator.check_lease(job.lease))
        found.append(job.lease)

    async with Orchestrator(url) as orch, Worker({"py.lease": work}, url=url):
        await orch.wait_for_job((await orch.enqueue("py.lease")).job_id)
        checked, lease = found
        assert checked.is_current
        assert checked.newest_lease_epoch == lease.lease_epoch
        assert not (await orch.check_lease(lease)).is_current


def test_the_synchronous_client_and_worker(url, tmp_path):
    def work(job):
        job.progress(0.5, message="half")
        assert job.save(0.7, checkpoint=b"x")
        job.upload_artifact("n", job.load_payload())
        return job.orchestrator.enqueue("py.sync.child", {"n": 2}).job_id

    with SyncOrchestrator(url) as orch:
        uploaded = orch.artifacts.upload(b"input " + uuid7().encode())
        job_id = orch.enqueue("py.sync", uploaded, correlation_id="corr").job_id
        worker = SyncWorker({"py.sync": work, "py.sync.child": lambda _: None}, url=url)

        async def stop_at_the_end():
            running = asyncio.create_task(asyncio.to_thread(worker.run))
            job = await asyncio.to_thread(orch.wait_for_job, job_id)
            child = await asyncio.to_thread(orch.wait_for_job, job.result_json())
            worker.stop()
            await running
            return job, child

        job, child = asyncio.run(stop_at_the_end())
        assert job.state is JobState.SUCCEEDED, job.last_failure
        assert child.correlation_id == "corr"
        assert job.artifacts[0].digest == uploaded.digest
        assert ArtifactRef(uploaded.digest).digest == job.payload_artifact
        assert b"".join(orch.artifacts.download(uploaded.digest)).startswith(b"input ")
        orch.artifacts.download_to(uploaded.digest, tmp_path / "copy")
        for listed in orch.list_jobs(JobFilter(job_types=["py.sync"])):
            assert listed.job_id == job_id
            break
        assert orch.enqueue_many([JobRequest("py.sync.none")])[0].error is None
        assert next(orch.job_events(job_id)).kind == "enqueued"
        with pytest.raises(NotFoundError):
            orch.get_run(uuid7())
    with pytest.raises(OrchestratorError) as closed:
        orch.get_run(uuid7())
    assert closed.value.reason == "CLIENT_CLOSED"


WORKERS = {
    "async": """
        import asyncio
        from stellaops_orchestrator import Worker
        async def slow(job):
            print("begun", flush=True)
            await asyncio.sleep(1)
        asyncio.run(Worker({"py.sigterm.async": slow}).run())
        """,
    "sync": """
        import time
        from stellaops_orchestrator import SyncWorker
        def slow(job):
            print("begun", flush=True)
            time.sleep(1)
        SyncWorker({"py.sigterm.sync": slow}).run()
        """,
}


@pytest.mark.parametrize("kind", WORKERS)
async def test_sigterm_drains_and_exits_with_zero(url, kind):
    script = textwrap.dedent(WORKERS[kind])
    async with Orchestrator(url) as orch:
        enqueued = await orch.enqueue(f"py.sigterm.{kind}")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", script),
            env={"ORCH_URL": url},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
        job = await orch.get_job(enqueued.job_id)
        assert (job.state, job.interruptions) == (JobState.SUCCEEDED, 0)
