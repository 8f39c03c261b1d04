"""What metrics ask of a model: the explained target as a function of the explained tensors."""

from collections.abc import Callable
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.structure import positions
from deepexplain_tf.engine.call import Call
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.preparation import forward, prepare
from deepexplain_tf.methods.base import Method, make
from deepexplain_tf.metrics.evaluation import CHUNK_SIZE
from deepexplain_tf.objective.scope import Scope


@dataclasses.dataclass(frozen=True)
class ExplainedTarget:
    """Examples, and what of a model is explained in them.

    Attributes:
      call: the arguments, read for a method that only evaluates the model.
      target: what is explained, the same one wherever the inputs move: of a predicted class, that at the inputs.
      tensors: what is explained, an array `[batch, ...]` for each.
      positions: the user's structure of inputs, with their positions among those of the model as leaves.
      chunk_size: evaluations of the target at once.
    """

    call: Call
    target: Any
    tensors: list[np.ndarray]
    positions: Any
    chunk_size: int

    @classmethod
    def read(
        cls, engine: Engine, inputs: Any, target: Any, chunk_size: int | None, **arguments: Any
    ) -> "ExplainedTarget":
        """Reads a user's arguments; DeepExplainError for what does not fit, whatever the method."""
        evaluating = make("occlusion", {})
        call = prepare(engine, evaluating, inputs, target=target, chunk_size=chunk_size, **arguments)
        _, tensors = forward(engine, call.objective, call.inputs)
        fewer = min(call.chunks.size, CHUNK_SIZE)
        return cls(
            call=call,
            target=call.selection.reported if target is None else target,
            tensors=tensors,
            positions=positions(inputs, engine.model(inputs).traced.specs),
            chunk_size=call.objective.batch or chunk_size or fewer,
        )

    @property
    def baseline(self) -> list[np.ndarray]:
        """What the explained tensors are compared with, `[1 or batch, ...]` for each."""
        pairs = zip(self.call.baseline, self.tensors, strict=True)
        return [np.broadcast_to(start, (len(start), *x.shape[1:])) for start, x in pairs]

    def pack(self, inputs: Any) -> Any:
        """Returns one array for each input of the model in the user's structure."""
        return tf.nest.map_structure(list(inputs).__getitem__, self.positions)

    def flatten(self, what: str, given: Any) -> list[Any]:
        """Returns what the user has for each explained tensor, in their order."""
        return self.call.layout.flatten(what, given)

    def shares(self, method: Method, attributions: Any) -> list[np.ndarray]:
        """Returns an array for each explained tensor, whose elements add up; see `Method.shares`."""
        return method.shares(self.call.layout, self.flatten("attributions", attributions))

    def function(self) -> Callable[[Any, Any], tf.Tensor]:
        """Returns `(tensors, example)` → the target `[rows]`, where row i is of the example `example[i]`.

        What is not explained (masks, other inputs) stays as it is in the row's example.
        """
        call = self.call
        inputs = [tf.convert_to_tensor(array) for array in call.inputs]
        selector = [] if call.selection.data is None else [tf.convert_to_tensor(call.selection.data)]

        def value(tensors: list[tf.Tensor], example: tf.Tensor) -> tf.Tensor:
            return Scope(call.objective, inputs, selector).gather(example).value(tensors)

        return value
