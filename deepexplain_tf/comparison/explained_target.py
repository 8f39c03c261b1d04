"""The explained target as a function of the explained tensors, which metrics evaluate."""

from collections.abc import Callable
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.structure import positions
from deepexplain_tf.engine.call import Call
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.forward import forward
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.errors import TargetError
from deepexplain_tf.methods.base import Method
from deepexplain_tf.methods.make import make
from deepexplain_tf.metrics.evaluation import CHUNK_SIZE
from deepexplain_tf.objective.scope import Scope


@dataclasses.dataclass(frozen=True)
class ExplainedTarget:
    """The target of a model, and the explained tensors at the examples.

    Attributes:
      call: the arguments, read for a method that only evaluates the model.
      target: the target, which stays the same when inputs change: a predicted class is the one at the unchanged inputs.
      tensors: an array `[batch, ...]` for each explained tensor.
      positions: the user's structure of inputs, with their positions among the model's inputs as leaves.
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
        """Reads the user's arguments; DeepExplainError for one that fits no method."""
        evaluating = make("occlusion", {})
        call = prepare(engine, evaluating, inputs, target=target, chunk_size=chunk_size, **arguments)
        if call.selection.units is not None:
            raise TargetError(f"a comparison takes one target for each example. Got {target!r}.")
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
        """The baseline of each explained tensor, `[1 or batch, ...]`."""
        pairs = zip(self.call.baseline, self.tensors, strict=True)
        return [np.broadcast_to(x0, (len(x0), *x.shape[1:])) for x0, x in pairs]

    def pack(self, inputs: Any) -> Any:
        """Returns one array for each input of the model in the user's structure."""
        return tf.nest.map_structure(list(inputs).__getitem__, self.positions)

    def flatten(self, what: str, given: Any) -> list[Any]:
        """Returns the user's values for the explained tensors, in their order; errors name `what`."""
        return self.call.layout.flatten(what, given)

    def shares(self, method: Method, attributions: Any) -> list[np.ndarray]:
        """Returns attributions whose elements add up, an array for each explained tensor; see `Method.shares`."""
        model = self.call.engine.model(self.pack(self.call.inputs), method.inside)
        return method.shares(self.call.layout, model.chosen_outputs(), self.flatten("attributions", attributions))

    def function(self) -> Callable[[Any, Any], tf.Tensor]:
        """Returns the function `(tensors, example)` → target `[rows]`, where row i belongs to example `example[i]`.

        Tensors that are not explained (masks, other inputs) keep their values in the row's example.
        """
        call = self.call
        inputs = [tf.convert_to_tensor(array) for array in call.inputs]
        selector = [tf.convert_to_tensor(array) for array in call.selection.data]

        def value(tensors: list[tf.Tensor], example: tf.Tensor) -> tf.Tensor:
            return Scope(call.objective, inputs, selector).gather(example).value(tensors)

        return value
