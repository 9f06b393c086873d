from itertools import product

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.worker.lease_table import (
    LEASE_MOVES,
    LeaseEvent,
    LeaseState,
    LeaseTable,
)


def offer(job_id="job", epoch=1):
    lease = pb.task_runner.LeaseRef(job_id=job_id, lease_epoch=epoch, lease_token="t")
    return pb.task_runner.Offer(lease=lease)


def changes():
    calls: list[None] = []
    return calls, lambda: calls.append(None)


def test_every_pair_of_state_and_event_does_what_the_table_says():
    for state, event in product(LeaseState, LeaseEvent):
        table = LeaseTable(lambda: None)
        lease = table.add(offer())
        lease.state = state
        target = LEASE_MOVES.get((state, event))
        assert table.move(lease, event) is (target is not None)
        assert lease.state is (target or state)


def test_every_state_can_be_reached_and_left():
    targets = set(LEASE_MOVES.values())
    assert targets == set(LeaseState) - {LeaseState.OFFERED}
    assert {state for state, _ in LEASE_MOVES} == set(LeaseState) - {LeaseState.GONE}


def test_a_lease_that_is_gone_is_forgotten():
    calls, changed = changes()
    table = LeaseTable(changed)
    old, new = table.add(offer()), table.add(offer(epoch=2))
    assert table.newest_of("job") is new
    table.move(old, LeaseEvent.REFUSED)
    assert table.get(old.key) is None
    assert table.newest_of("job") is new
    table.move(new, LeaseEvent.REFUSED)
    assert table.newest_of("job") is None
    assert len(table) == 0
    assert len(calls) == 4


def test_counts_follow_the_moves():
    table = LeaseTable(lambda: None)
    lease = table.add(offer())
    table.move(lease, LeaseEvent.ACCEPTED)
    assert table.count(LeaseState.OFFERED) == 0
    assert table.count(LeaseState.RUNNING, LeaseState.STOPPING) == 1
    assert table.within(LeaseState.RUNNING) == [lease]
