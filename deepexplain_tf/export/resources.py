"""The variables, tables and constants that a traced model captures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import ModelError, shortened
from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.sources.source import Source


class Resources:
    """The variables and tables behind the handles that a model's functions capture."""

    def __init__(self, function: Any, source: Source):
        """Takes a traced function and its source; finds their variables and tables."""
        held = list(function.graph.variables)
        if isinstance(source.owner, tf.__internal__.tracking.Trackable):
            held += tf.train.TrackableView(source.owner).descendants()
        self._by_handle = {id(handle): found for found in held for handle in _handles(found)}

    def holders(self, *functions: Any) -> list[Any]:
        """Returns the objects that hold the variables and tables that concrete functions read.

        Raises:
          ModelError: no object holds a variable or table.
        """
        read = [tensor for function in functions for tensor in function.captured_inputs if tensor.dtype == tf.resource]
        unknown = [tensor for tensor in read if id(tensor) not in self._by_handle]
        if unknown:
            raise ModelError(
                "every variable and table that a model reads must be held by an object: keep it in an attribute of a "
                f"Keras model or tf.Module. Got {len(unknown)} that no object holds."
            )
        return list({id(tensor): self._by_handle[id(tensor)] for tensor in read}.values())

    def named(self, captured: Sequence[tf.Tensor]) -> dict[str, np.ndarray]:
        """Returns the numbers of captured variables and constants in their order, by the variables' names.

        Raises:
          ModelError: a captured tensor without numbers, such as a table.
        """
        found: dict[str, np.ndarray] = {}
        for number, tensor in enumerate(captured):
            numbers, variable = self.numbers(tensor), self._by_handle.get(id(tensor))
            if numbers is None:
                raise ModelError(f"a program for XLA must read variables and constants alone. Got {shortened(tensor)}.")
            name = f"constant_{number}" if variable is None else variable.name.removesuffix(":0")
            found[name if name not in found else f"{name}_{number}"] = numbers
        return found

    def numbers(self, tensor: tf.Tensor) -> np.ndarray | None:
        """Returns the present numbers of a captured variable or constant; None for a tensor without numbers."""
        if tensor.dtype not in (tf.resource, tf.variant):
            return tensor.numpy() if hasattr(tensor, "numpy") else None
        held = self._by_handle.get(id(tensor))
        return held.numpy() if isinstance(held, tf.Variable) else None


def _handles(found: Any) -> list[Any]:
    if isinstance(found, tf.Variable):
        return tf_private.handles_of(found)
    return [found.resource_handle] if hasattr(found, "resource_handle") else []
