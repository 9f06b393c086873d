import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from conftest import ROOT
from google.protobuf import text_format

from stellaops_orchestrator._gen import limits
from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.ids import uuid7
from stellaops_orchestrator.contract.lease_policy import CONTRACT_POLICY, policy_of
from stellaops_orchestrator.contract.text import truncate
from stellaops_orchestrator.contract.time import seconds, to_duration, to_timedelta, to_timestamp
from stellaops_orchestrator.names import ENUMS, JobState, name_of, number_of


def test_every_enum_has_the_contracts_names():
    for enum, (descriptor, prefix) in ENUMS.items():
        named = {value.name for value in descriptor.values if value.number != 0}
        assert named == {prefix + member.name for member in enum}
        for member in enum:
            assert name_of(enum, number_of(member), next(iter(enum))) is member


def test_a_number_newer_than_this_sdk_gives_the_default():
    assert name_of(JobState, 99, JobState.BLOCKED) is JobState.BLOCKED
    assert name_of(JobState, 0, JobState.READY) is JobState.READY


def test_terminal_states():
    terminal = {state for state in JobState if state.is_terminal}
    assert terminal == {JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED}


def test_the_policy_is_the_option_in_the_proto_file():
    """The .proto file's text, read without the generated code, against the descriptor."""
    proto = ROOT / "proto/stellaops/orchestrator/v1/task_runner.proto"
    if not proto.exists():
        pytest.skip("the contract's sources are not here")
    option = re.search(r"option \(lease_policy\) = \{(.*?)\n  \};", proto.read_text(), re.DOTALL)
    assert option
    message = text_format.Parse(option[1], pb.lease_policy.LeasePolicy())
    assert policy_of(message) == CONTRACT_POLICY


def test_a_welcome_overrides_what_it_says_and_leaves_the_rest():
    message = pb.lease_policy.LeasePolicy()
    message.renew_interval.FromMilliseconds(700)
    policy = policy_of(message, CONTRACT_POLICY)
    assert policy.renew_interval == timedelta(milliseconds=700)
    assert policy.lease_ttl == CONTRACT_POLICY.lease_ttl
    assert policy.retry_max_attempts == CONTRACT_POLICY.retry_max_attempts


def test_limits_come_from_the_field_rules():
    assert limits.ENQUEUE_ITEMS == limits.FRAME_ITEMS == 1000
    assert limits.RETRY_AFTER_SECONDS == 7 * 24 * 3600


def test_ids_are_uuid7_and_ordered():
    before = int(time.time() * 1000)
    ids = [uuid7() for _ in range(10_000)]
    pattern = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert all(re.fullmatch(pattern, value) for value in ids)
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert before - 1 <= int(ids[0].replace("-", "")[:12], 16) <= time.time() * 1000 + 1000


@pytest.mark.parametrize("text", ["", "plain", "ünïcödé", "🦀" * 50, "a\ud800b"])
def test_truncate_fits_and_stays_valid(text):
    for limit in (4, 5, 6, 7, 64):
        cut = truncate(text, limit)
        assert len(cut.encode()) <= limit


def test_truncate_leaves_short_text_alone():
    assert truncate("höchstens", 10) == "höchstens"
    assert truncate("höchstens!", 10) == "höchst…"


def test_durations():
    assert seconds(timedelta(minutes=1)) == 60
    assert to_duration(None) is None
    message = to_duration(1.25)
    assert message is not None
    assert (message.seconds, message.nanos) == (1, 250_000_000)
    assert to_timedelta(message) == timedelta(milliseconds=1250)
    with pytest.raises(ValueError, match="finite"):
        to_duration(float("nan"))


def test_a_moment_needs_a_time_zone():
    assert to_timestamp(datetime(2026, 1, 1, tzinfo=UTC)) is not None
    with pytest.raises(ValueError, match="time zone"):
        to_timestamp(datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
