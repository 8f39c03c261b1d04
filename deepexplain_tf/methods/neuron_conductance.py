"""Conductance of the inputs through one neuron."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import tensorflow as tf

from deepexplain_tf.arguments.options import is_int, require
from deepexplain_tf.errors import ModelError, OptionError
from deepexplain_tf.methods.base import METHODS, Result, TensorData
from deepexplain_tf.methods.stepped import SteppedMethod
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import Evaluations, Tensors, on_line, sum_terms, target_at_ends, weighted
from deepexplain_tf.objective.gradients import gradients_of
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite


@METHODS.register("neuron_conductance")
@dataclasses.dataclass(frozen=True)
class NeuronConductance(SteppedMethod):
    """(x − x₀) · ∫₀¹ ∂F/∂y · ∂y/∂x (x₀ + α(x − x₀)) dα for one unit y of a layer: the part that flows through it.

    In units of the target. The sum over the inputs is the unit's `layer_conductance`; over all units of a layer that
    everything passes, it is `integrated_gradients`. For `n_steps` and `quadrature` see `SteppedMethod`.

    Attributes:
      at: the name of the layer, as `grad_cam` takes it; required.
      neuron: the unit, an index into each axis of the layer's output but the batch: a whole number or a tuple; None for
        all units together.

    References:
      Dhamdhere, Sundararajan, Yan, *How Important Is a Neuron?*, ICLR 2019, https://arxiv.org/abs/1805.12233.
    """

    graph_options: ClassVar[tuple[str, ...]] = ("at", "neuron")
    at: str | None = None
    neuron: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        named = self.at is None or (isinstance(self.at, str) and bool(self.at))
        require(named, "at", "the name of a layer", self.at)
        if self.neuron is not None:
            index = self.neuron if isinstance(self.neuron, tuple | list) else (self.neuron,)
            require(all(map(is_int, index)), "neuron", "a whole number or a tuple of them", self.neuron)
            object.__setattr__(self, "neuron", tuple(map(int, index)))

    @property
    def inside(self) -> str | None:
        return self.at

    def part(self, objective: Objective) -> Objective:
        if self.at is None:
            raise OptionError("neuron_conductance needs at=, the name of the neuron's layer. Got none.")
        value = objective.value_inside(self.at)
        if not value.dtype.is_floating:
            raise ModelError(f"at must name a layer whose output is floats. Got {value.dtype.name} of {self.at!r}.")
        if self.neuron is not None:
            sizes = value.shape[1:].as_list() if value.shape.rank else []
            fits = len(sizes) == len(self.neuron) and all(
                size is None or -size <= index < size for index, size in zip(self.neuron, sizes, strict=True)
            )
            if not fits:
                shown = "an index" if len(sizes) == 1 else f"{len(sizes)} indices"
                raise OptionError(f"neuron must be {shown} into the axes {sizes} of {self.at!r}. Got {self.neuron}.")
        return objective

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        ends, starts = scope.explained, scope.expand_baseline(baseline, shared=True)
        value = scope.value_inside(str(self.at))

        def terms(example: tf.Tensor, step: tf.Tensor) -> Tensors:
            points = [tf.identity(x) for x in on_line(starts, ends, example, tf.gather(data["nodes"], step))]
            _, inside, gradient = scope.gather(example).gradient_inside(value, composite, points)
            through = gradients_of(inside, points, self._of_neuron(tf.convert_to_tensor(gradient)))
            return weighted(tf.gather(data["weights"], step), through)

        means = sum_terms(Evaluations(data["steps"], data["count"], chunks), ends, terms)
        attributions = [tf.cast(x - x0, mean.dtype) * mean for x0, x, mean in zip(starts, ends, means, strict=True)]
        values = target_at_ends(scope, starts, ends, data["count"], chunks, attributions)
        return {"attributions": attributions, "outputs": values[0], "baseline_outputs": values[1]}

    def _of_neuron(self, gradient: tf.Tensor) -> tf.Tensor:
        """Returns the gradient `[rows, ...]` with zeros for all units but the neuron."""
        if self.neuron is None:
            return gradient
        sizes = tf.shape(gradient)[1:]
        strides = tf.math.cumprod(sizes, exclusive=True, reverse=True)
        number = tf.reduce_sum((tf.constant(self.neuron) % sizes) * strides)
        chosen = tf.reshape(tf.range(tf.reduce_prod(sizes)) == number, sizes)
        return tf.where(chosen, gradient, tf.zeros_like(gradient))
