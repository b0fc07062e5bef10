"""What goes between the marker and a sandbox: frames of JSON, with arrays in base64. Reading it can run no code."""

import base64
import json
import struct

import numpy as np

from rnn_course.assignments.written import PLAIN, Here, Remote

LENGTH = struct.Struct(">Q")
KINDS = "biuf"
LARGEST = 64 * 2**20  # bytes in a frame


class WireError(Exception):
    """Something came that is no frame, or no data."""


def write_frame(stream, value):
    """Write ``value``, which JSON can hold, as a frame."""
    payload = json.dumps(value).encode()
    stream.write(LENGTH.pack(len(payload)) + payload)
    stream.flush()


def read_frame(stream, largest=LARGEST):
    """Return the value of the next frame.

    Raises
    ------
    EOFError
        If the stream has ended.
    WireError
        If what came is no frame, or one of more than ``largest`` bytes.
    """
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    (length,) = LENGTH.unpack(head)
    if length > largest:
        raise WireError(f"a frame of {length} bytes; {largest} are allowed")
    payload = stream.read(length)
    if len(payload) < length:
        raise EOFError
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a frame that is no JSON: {error}") from None


def encode(value):
    """Return data, and references to what the student wrote, as values that JSON can hold."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, list):
        return list(map(encode, value))
    if isinstance(value, tuple):
        return {"tuple": list(map(encode, value))}
    if isinstance(value, dict):
        return {"dict": [[str(k), encode(v)] for k, v in value.items()]}
    if isinstance(value, Remote):
        return {"written": value.name}
    array = np.asarray(value)
    if array.dtype.kind not in KINDS:
        raise TypeError(f"no data: {type(value).__name__}")
    array = np.ascontiguousarray(array).reshape(array.shape)
    return {"array": [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode()]}


def decode(value, written=None):
    """Undo `encode`; ``written`` finds what the student wrote by its name.

    Raises
    ------
    WireError
        If it is nothing that `encode` makes.
    """
    try:
        if isinstance(value, PLAIN):
            return value
        if isinstance(value, list):
            return [decode(v, written) for v in value]
        ((kind, content),) = value.items()
        if kind == "tuple":
            return tuple(decode(v, written) for v in content)
        if kind == "dict":
            return {str(k): decode(v, written) for k, v in content}
        if kind == "written" and written is not None:
            return Here(content, written(content))
        if kind == "array":
            return decode_array(*content)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"no data: {error}") from None
    raise WireError(f"no data: {kind!r}")


def decode_array(dtype, shape, content):
    dtype = np.dtype(str(dtype))
    if dtype.kind not in KINDS:
        raise ValueError(f"an array of {dtype}")
    shape = [int(n) for n in shape]
    if min(shape, default=0) < 0:
        raise ValueError(f"an array of shape {shape}")
    return np.frombuffer(base64.b64decode(content), dtype).reshape(shape).copy()
