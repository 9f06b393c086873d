"""The clocks and sizes of the contract, read from its descriptor: no number is typed twice."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from stellaops_orchestrator.contract import pb
from stellaops_orchestrator.contract.time import to_timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePolicy:
    """The clocks and sizes that a client or a worker goes by."""

    offer_accept_deadline: timedelta
    """How long an offer waits for its accept."""
    lease_ttl: timedelta
    """How long a lease lives without a renewal."""
    renew_interval: timedelta
    """How often leases are renewed and how often both sides ping in-band."""
    expiry_sweep: timedelta
    """How often the server looks for expired leases."""
    attempt_deadline: timedelta
    """How long one attempt may run."""
    drain_grace: timedelta
    """How long a draining worker may go on with what it holds."""
    unary_poll_default: timedelta
    """How long a unary claim waits for a job unless told."""
    unary_poll_max: timedelta
    """The longest wait of a unary claim."""
    stream_max_age: timedelta
    """The age at which the server ends a session's stream."""
    goaway_notice: timedelta
    """How far ahead of that end it says so."""
    reconnect_min: timedelta
    """The smallest reconnect delay."""
    reconnect_max: timedelta
    """The largest reconnect delay."""
    retry_max_attempts: int
    """How many attempts a job gets in all."""
    retry_initial_backoff: timedelta
    """The bound of the first delay between attempts."""
    retry_multiplier: float
    """What the bound is multiplied with after each failure."""
    retry_max_backoff: timedelta
    """The largest bound."""
    retry_max_elapsed: timedelta
    """No attempt starts later than this after the first one."""
    max_interruptions: int
    """How many interruptions a job survives in the window."""
    interruption_window: timedelta
    """The window in which interruptions count."""
    artifact_chunk_bytes: int
    """The largest artifact chunk, in bytes."""
    max_message_bytes: int
    """The largest message that the server reads, in bytes."""
    max_payload_bytes: int
    """The largest inline payload, result or checkpoint, in bytes."""
    idempotency_retention: timedelta
    """How long an idempotency key is remembered."""


def _value(policy: pb.lease_policy.LeasePolicy, name: str) -> Any:
    is_retry = name.startswith("retry_")
    message = policy.retry if is_retry else policy
    value = getattr(message, name.removeprefix("retry_") if is_retry else name)
    return value if isinstance(value, int | float) else to_timedelta(value)


def policy_of(message: pb.lease_policy.LeasePolicy, base: LeasePolicy | None = None) -> LeasePolicy:
    """A policy of the contract; what it leaves out or sets to zero stays as it is in ``base``.

    A server's Welcome is laid over the contract's defaults this way.
    """
    values = {field.name: _value(message, field.name) for field in fields(LeasePolicy)}
    if base is not None:
        values = {name: value or getattr(base, name) for name, value in values.items()}
    return LeasePolicy(**values)


_SERVICE = pb.task_runner.DESCRIPTOR.services_by_name["TaskRunnerService"]

CONTRACT_POLICY = policy_of(_SERVICE.GetOptions().Extensions[pb.lease_policy.lease_policy])
"""The defaults as the contract states them: the option on TaskRunnerService."""
