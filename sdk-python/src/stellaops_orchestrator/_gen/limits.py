"""Generated from the contract's field rules. Do not edit."""

ENQUEUE_ITEMS = 1000
"""Jobs in one EnqueueJobs call."""
FRAME_ITEMS = 1000
"""Items in one frame of a session."""
HELD_LEASES = 10000
"""Leases in a heartbeat: what a worker can hold."""
POOL_JOB_TYPES = 256
"""Job types in a pool."""
SESSION_POOLS = 64
"""Pools in a session."""
FAILURE_MESSAGE_BYTES = 8192
"""Bytes of a failure's message."""
PROGRESS_MESSAGE_BYTES = 1024
"""Bytes of a progress message."""
DRAIN_REASON_BYTES = 1024
"""Bytes of the reason of a drain."""
BOUND_ARTIFACTS = 1000
"""Artifacts that one completion binds."""
ARTIFACT_NAME_BYTES = 255
"""Bytes of an artifact's name."""
HOST_BYTES = 255
"""Bytes of the name of the machine that a worker runs on."""
RESOURCE_KEY_BYTES = 255
"""Bytes of a throttle's resource key."""
RETRY_AFTER_SECONDS = 604800
"""The longest retry_after, in seconds."""
