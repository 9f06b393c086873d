"""The contract's generated messages under short names."""

from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import artifact_pb2 as artifact
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import backfill_pb2 as backfill
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import failure_pb2 as failure
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import flow_control_pb2 as flow_control
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import job_pb2 as job
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import lease_policy_pb2 as lease_policy
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import operation_pb2 as operation
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import pipeline_pb2 as pipeline
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import run_pb2 as run
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import task_runner_pb2 as task_runner
from stellaops_orchestrator._gen.stellaops.orchestrator.v1 import watermark_pb2 as watermark

__all__ = [
    "artifact",
    "backfill",
    "failure",
    "flow_control",
    "job",
    "lease_policy",
    "operation",
    "pipeline",
    "run",
    "task_runner",
    "watermark",
]
