"""The provenance of an exported explainer as values of JSON, and the hash of a model."""

from collections.abc import Callable
import hashlib
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.graph.ir import CAPTURE, Program, Value
from deepexplain_tf.methods.base import Method
from deepexplain_tf.writing.json_values import bytes_of, checksum, to_json


def options_of(method: Method) -> dict[str, Any]:
    """Returns all options of a method, and its evaluations of the model for each example where they are known."""
    found = {name: described(value) for name, value in method.options.items()}
    return found if method.evaluations is None else {**found, "evaluations": method.evaluations}


def described(value: Any) -> Any:
    """Returns a value of JSON, with the dtype, shape and SHA-256 of each array in its place."""
    return to_json(value, _of_array)


def digest(program: Program, number_of: Callable[[tf.Tensor], np.ndarray | None]) -> str:
    """Returns the SHA-256 of a model: of its ops and their connections, its constants and its weights.

    Names do not count, so that the same model has the same hash wherever it is loaded.

    Args:
      program: the model.
      number_of: captured tensor → its numbers; None where it has none (a table).
    """
    hashed = hashlib.sha256()
    _add(hashed, program, number_of)
    return hashed.hexdigest()


def _add(hashed: Any, program: Program, number_of: Callable[[tf.Tensor], np.ndarray | None]) -> None:
    nodes = program.nodes()
    place: dict[Value, str] = {}
    for number, value in enumerate(program.inputs):
        place[value] = f"argument {number}"
    for number, node in enumerate(nodes):
        place |= {value: f"{number}:{value.position}" for value in node.outputs() if value not in place}
        specs = [f"{spec.dtype.name}{spec.shape}" for spec in node.specs]
        hashed.update(repr((node.type, [place[value] for value in node.inputs], specs)).encode())
        # Attributes with an underscore and names of functions are numbered anew in each process.
        for name in sorted(name for name in node.attrs if not name.startswith("_")):
            attribute = node.attrs[name]
            if attribute.WhichOneof("value") != "func":
                hashed.update(name.encode() + attribute.SerializeToString(deterministic=True))
        if node.type == CAPTURE and node.tensor is not None and (numbers := number_of(node.tensor)) is not None:
            hashed.update(bytes_of(np.asarray(numbers)))
        for name in sorted(node.bodies):
            hashed.update(name.encode())
            _add(hashed, node.bodies[name], number_of)
    hashed.update(repr([place[value] for value in program.outputs]).encode())


def _of_array(array: np.ndarray) -> Any:
    return {"dtype": array.dtype.name, "shape": list(array.shape), "sha256": checksum(array)}
