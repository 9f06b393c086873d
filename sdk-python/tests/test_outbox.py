from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.worker.outbox import Kind, Outbox

tr = pb.task_runner


def ref(number):
    return tr.LeaseRef(job_id=f"job-{number}", lease_epoch=1, lease_token="t")


def completion(number, result=b""):
    return tr.Completion(lease=ref(number), completion_id=f"c-{number}", result=result)


def result(number, kind=tr.WRITE_KIND_COMPLETE, completion_id=None):
    found = f"c-{number}" if completion_id is None else completion_id
    return tr.WriteResult(kind=kind, job_id=f"job-{number}", lease_epoch=1, completion_id=found)


def outbox(max_bytes=2**22):
    return Outbox(lambda: max_bytes, lambda: None)


def test_one_frame_per_kind_with_all_that_is_staged():
    box = outbox()
    for number in range(3):
        box.add(Kind.COMPLETE, completion(number), lambda _: None)
    box.add(Kind.ACCEPT, ref(9), lambda _: None)
    box.throttle(tr.Throttle(resource_key="host"))
    box.throttle(tr.Throttle(resource_key="host", remaining=1))
    frames = []
    while (frame := box.take()) is not None:
        frames.append(frame)
    assert [frame.WhichOneof("frame") for frame in frames] == ["accept", "complete", "throttle"]
    assert len(frames[1].complete.completions) == 3
    assert frames[2].throttle.remaining == 1


def test_a_frame_keeps_the_contracts_limits():
    box = outbox()
    for number in range(1500):
        box.add(Kind.COMPLETE, completion(number), lambda _: None)
    first, second = box.take(), box.take()
    assert first is not None
    assert second is not None
    assert len(first.complete.completions) == 1000
    assert len(second.complete.completions) == 500

    box = outbox(max_bytes=300_000)
    for number in range(4):
        box.add(Kind.COMPLETE, completion(number, bytes(100_000)), lambda _: None)
    sizes = []
    while (frame := box.take()) is not None:
        sizes.append(frame.ByteSize())
    assert len(sizes) == 2
    assert max(sizes) <= 300_000


def test_what_is_unanswered_is_resent_with_the_same_id():
    box = outbox()
    answers: list[tr.WriteResult] = []
    box.add(Kind.COMPLETE, completion(1), answers.append)
    sent = box.take()
    assert box.take() is None
    box.resend(60)
    assert box.take() is None
    box.resend(0)
    assert box.take() == sent
    box.answer(result(1))
    assert len(answers) == 1
    assert box.unanswered == 0
    box.answer(result(1))
    box.resend(0)
    assert box.take() is None
    assert len(answers) == 1


def test_an_answer_to_something_else_is_dropped():
    box = outbox()
    answers: list[tr.WriteResult] = []
    box.add(Kind.COMPLETE, completion(1), answers.append)
    box.answer(result(1))  # before it was sent
    box.take()
    box.answer(result(1, completion_id="another"))
    box.answer(result(2))
    box.answer(result(1, kind=99))
    box.answer(result(1, kind=tr.WRITE_KIND_FAIL))
    assert answers == []
    assert box.unanswered == 1


def test_a_newer_write_of_a_kind_replaces_the_older():
    box = outbox()
    for fraction in (0.1, 0.2):
        progress = pb.job.Progress(fraction=fraction)
        report = tr.ProgressReport(lease=ref(1), progress=progress)
        box.add(Kind.PROGRESS, report, lambda _: None)
    frame = box.take()
    assert frame is not None
    assert [r.progress.fraction for r in frame.progress.reports] == [0.2]
    box.drop(Kind.PROGRESS, ref(1))
    assert box.unanswered == 0
