"""JSON values as the contract carries them: ``google.protobuf.Value`` and ``Struct``.

Their numbers are doubles. An int that a double does not hold is refused, not rounded in silence.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct, Value

from stellaops_orchestrator.payload import encode_json

# Up to here every whole number is a double; beyond it a double says nothing about "whole".
_MAX_WHOLE = 2**53


def _exact(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number) or int(number) != int(digits):
        raise ValueError(f"{digits} is beyond what a JSON number holds: give it as text")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    is_whole = number.is_integer() and abs(number) <= _MAX_WHOLE
    return int(number) if is_whole else number


def _plain(value: object) -> Any:
    return json.loads(encode_json(value), parse_int=_exact)


def to_value(value: object) -> Value:
    """A value as a message. Raises TypeError or ValueError for what it cannot carry."""
    return json_format.ParseDict(_plain(value), Value())


def to_struct(values: Mapping[str, object]) -> Struct:
    """Named values as a message. Raises TypeError or ValueError for what it cannot carry."""
    return json_format.ParseDict(_plain(dict(values)), Struct())


def from_value(value: Value) -> Any:
    """The plain value of a message; whole numbers are ints."""
    return json.loads(json.dumps(json_format.MessageToDict(value)), parse_float=_number)
