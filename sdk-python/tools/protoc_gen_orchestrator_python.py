"""A protoc plugin: the contract as Python modules that live inside the package.

It runs protoc's own Python generators (bundled in grpcio-tools, pinned in requirements-dev.txt)
with three differences, so that a user of the SDK needs nothing but protobuf and grpcio:

- imports point into the package; protoc's own would claim the top-level name ``stellaops``,
- validation rules are left out of the descriptors: protobuf keeps one descriptor per file name
  in a process, and a second copy of ``buf/validate`` would clash with protovalidate's,
- the rules that the SDK must know (how many items, how many bytes) become ``limits.py``.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.compiler import plugin_pb2
from grpc_tools import protoc

PACKAGE = "stellaops_orchestrator._gen"
OURS = "stellaops/orchestrator/v1/"
RULES = "buf/validate/validate.proto"
HEADER = '"""Generated from the contract\'s field rules. Do not edit."""\n'

# Constant: (message, field), the rule that it comes from is the first of these that is set.
LIMITS = {
    "ENQUEUE_ITEMS": ("EnqueueJobsRequest", "jobs", "Jobs in one EnqueueJobs call."),
    "FRAME_ITEMS": ("Accept", "leases", "Items in one frame of a session."),
    "HELD_LEASES": ("Heartbeat", "leases", "Leases in a heartbeat: what a worker can hold."),
    "POOL_JOB_TYPES": ("Pool", "job_types", "Job types in a pool."),
    "SESSION_POOLS": ("Hello", "pools", "Pools in a session."),
    "FAILURE_MESSAGE_BYTES": ("Failure", "message", "Bytes of a failure's message."),
    "PROGRESS_MESSAGE_BYTES": ("Progress", "message", "Bytes of a progress message."),
    "DRAIN_REASON_BYTES": ("Drain", "reason", "Bytes of the reason of a drain."),
    "BOUND_ARTIFACTS": ("Completion", "artifacts", "Artifacts that one completion binds."),
    "ARTIFACT_NAME_BYTES": ("ArtifactBinding", "name", "Bytes of an artifact's name."),
    "HOST_BYTES": ("Hello", "host", "Bytes of the name of the machine that a worker runs on."),
    "RESOURCE_KEY_BYTES": ("Throttle", "resource_key", "Bytes of a throttle's resource key."),
    "RETRY_AFTER_SECONDS": ("Failure", "retry_after", "The longest retry_after, in seconds."),
}


def field_rules(files: list[descriptor_pb2.FileDescriptorProto]) -> Any:
    """A function that reads the validation rules of a field, given as (message, field)."""
    pool: Any = descriptor_pool.DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    options = message_factory.GetMessageClass(
        pool.FindMessageTypeByName("google.protobuf.FieldOptions")
    )
    extension = pool.FindExtensionByName("buf.validate.field")
    messages = {m.name: m for f in files if f.name.startswith(OURS) for m in f.message_type}

    def read(message: str, field: str) -> Any:
        found = next(f for f in messages[message].field if f.name == field)
        raw = found.options.SerializeToString()
        return options.FromString(raw).Extensions[extension]

    return read


def limit(rules: Any) -> int:
    """The upper bound that a field's rules state."""
    for bound in (rules.repeated.max_items, rules.string.max_bytes, rules.duration.lte.seconds):
        if bound:
            return int(bound)
    raise ValueError(f"no upper bound in {rules}")


def limits_module(files: list[descriptor_pb2.FileDescriptorProto]) -> str:
    """The source of limits.py."""
    read = field_rules(files)
    lines = [HEADER]
    for name, (message, field, text) in LIMITS.items():
        lines.append(f'{name} = {limit(read(message, field))}\n"""{text}"""')
    return "\n".join(lines) + "\n"


def strip_rules(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Takes the validation rules out of a descriptor."""
    kept = [name for name in file.dependency if name != RULES]
    del file.dependency[:]
    file.dependency.extend(kept)

    def walk(messages: Any) -> Iterator[Any]:
        for message in messages:
            yield message
            yield from walk(message.nested_type)

    for message in walk(file.message_type):
        for part in (message, *message.field, *message.oneof_decl):
            # Options that descriptor.proto does not know are extensions: here, only rules.
            part.options.DiscardUnknownFields()
            if part.options.ByteSize() == 0:
                part.ClearField("options")


def localize(source: str) -> str:
    """Points imports of the contract's modules into the package."""
    return re.sub(r"^from stellaops\.", f"from {PACKAGE}.stellaops.", source, flags=re.MULTILINE)


def run_protoc(files: list[descriptor_pb2.FileDescriptorProto], names: list[str]) -> dict[str, str]:
    """Generated sources by path."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        out.mkdir()
        descriptors = Path(folder, "set.binpb")
        file_set = descriptor_pb2.FileDescriptorSet(file=files)
        descriptors.write_bytes(file_set.SerializeToString())
        code = protoc.main(
            [
                "protoc",
                f"--descriptor_set_in={descriptors}",
                f"--python_out={out}",
                f"--pyi_out={out}",
                *names,
            ]
        )
        if code != 0:
            raise SystemExit(f"protoc of grpcio-tools at {grpc_tools.__file__} failed: {code}")
        paths = sorted(path for path in out.rglob("*") if path.is_file())
        return {str(path.relative_to(out)): localize(path.read_text()) for path in paths}


def main() -> None:
    """Answers one CodeGeneratorRequest."""
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    files = list(request.proto_file)
    sources = {"limits.py": limits_module(files)}
    names = [file.name for file in files if file.name.startswith(OURS)]
    for file in files:
        strip_rules(file)
    kept = [file for file in files if file.name != RULES]
    sources |= run_protoc(kept, names)
    for path in list(sources):
        for parent in Path(path).parents:
            sources[str(parent / "__init__.py")] = '"""Generated code."""\n'
    response = plugin_pb2.CodeGeneratorResponse(
        supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    )
    for path, source in sorted(sources.items()):
        response.file.add(name=path, content=source)
    sys.stdout.buffer.write(response.SerializeToString())


if __name__ == "__main__":
    main()
