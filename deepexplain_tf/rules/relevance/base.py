"""The contract of rules for relevance: a rule takes the relevance of an op's outputs and returns that of its inputs.

Relevance flows by the same walk and the same differentiation as gradients do: what reaches an op from behind is the
relevance of its outputs in place of a gradient, summed over all that read them.

A rule for layers is a function of a `Layer` and the relevance of its outputs. A new one is one new file: a function
under `@RULES.register(name)` that returns `of_layers(text, flow)` (`epsilon.py` is the shortest example), and its
import in `composites.py`. `shares` computes what nearly all of them are: shares of a sum of products.
"""

from collections.abc import Callable, Sequence
import dataclasses
import functools
from typing import Any

import tensorflow as tf

from deepexplain_tf.graph.emit import Op, Outputs, emit
from deepexplain_tf.graph.ir import Program
from deepexplain_tf.rules.base import Point, single, stabilised_quotient

EPSILON = 1e-6  # the default stabilizer
SUM = 1e-8  # that of sums without a kernel: x − mean(x) in layer normalisations is often small, and should lose nothing
ONE_SIGN = 1e-9  # that of sums whose terms have one sign: they are small only where all of these are

Flow = Callable[[Op, Point, Sequence[tf.Tensor]], Sequence[tf.Tensor]]


@dataclasses.dataclass(frozen=True)
class RelevanceRule:
    """A rule for relevance, as a composite holds it; two rules with the same text are the same rule.

    Attributes:
      text: the rule and its parameters, as `coverage` shows it.
      flow: `(op, point, relevance of the outputs)` → the relevance for each input in `op.differentiable`.
      layers_only: whether the rule needs a kernel, which only layers have.
    """

    text: str
    flow: Flow = dataclasses.field(compare=False, repr=False)
    layers_only: bool = False

    def __call__(self, op: Op, inputs: Sequence[tf.Tensor]) -> Outputs:
        """Emits the op with this flow in place of its gradient."""
        return single(self.flow)(op, inputs)


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer `z = product(x, kernel) + bias` as a rule sees it.

    Attributes:
      x: the input.
      kernel: the weights, with the scales behind the product merged into them.
      bias: what is added to the product, of a shape that broadcasts to it; None where nothing is.
      z: the output.
      positive: whether the input is known to be never negative.
    """

    x: tf.Tensor
    kernel: tf.Tensor
    bias: tf.Tensor | None
    z: tf.Tensor
    positive: bool
    _product: Program = dataclasses.field(repr=False)
    _others: tuple[tf.Tensor, ...] = dataclasses.field(repr=False)

    @classmethod
    def of(cls, op: Op, point: Point) -> "Layer":
        """Returns the layer at a node of type `"Layer"`."""
        biased = op.node.attrs["bias"]
        x, kernel, *rest = point.inputs
        bias = rest[0] if biased else None
        product, positive = op.node.bodies["product"], op.node.attrs["positive"]
        return cls(x, kernel, bias, point.outputs[0], positive, product, tuple(rest))

    @property
    def parts(self) -> tuple[tf.Tensor, tf.Tensor | None]:
        """The positive and the negative part of the input; None in place of the latter where it is known to be 0."""
        return (self.x, None) if self.positive else (positive(self.x), negative(self.x))

    def product(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Returns the product with another input and another kernel, without a bias."""
        given = (x, kernel, *self._others)
        (product,) = emit(self._product, dict(zip(self._product.inputs, given, strict=True)))
        return product

    def transposed(self, z: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Returns the transposed product: from numbers shaped like the output to numbers shaped like the input."""
        x = tf.identity(self.x)
        (found,) = tf.gradients(self.product(x, kernel), x, z)
        return found

    def handed(self, s: tf.Tensor, terms: Sequence[tuple[tf.Tensor | None, tf.Tensor]]) -> tf.Tensor:
        """Returns Σₜ xₜ ⊙ Kₜᵀ s for inputs (None where one is 0) and kernels in place of the layer's own."""
        return tf.add_n([x * self.transposed(s, kernel) for x, kernel in terms if x is not None])


# An input (None where it is 0), a kernel and a bias (or None) in place of the layer's own.
Term = tuple[tf.Tensor | None, tf.Tensor, tf.Tensor | None]


@dataclasses.dataclass(frozen=True)
class Contributions:
    """What inputs and biases add to the outputs of a layer: a sum of products, z = Σₜ Kₜ·xₜ + bₜ.

    Attributes:
      z: the sum, shaped like the layer's outputs.
    """

    z: tf.Tensor
    _layer: Layer
    _terms: Sequence[tuple[tf.Tensor | None, tf.Tensor]]

    @classmethod
    def of(cls, layer: Layer, terms: Sequence[Term]) -> "Contributions":
        """Returns the sum of some terms."""
        present = [(x, kernel, bias) for x, kernel, bias in terms if x is not None]
        parts = [layer.product(x, kernel) for x, kernel, _ in present]
        parts += [bias for _, _, bias in present if bias is not None]
        return cls(functools.reduce(tf.add, parts), layer, [(x, kernel) for x, kernel, _ in present])

    def share(self, relevance: tf.Tensor, epsilon: float) -> tf.Tensor:
        """Returns Σₜ xₜ ⊙ Kₜᵀ s with s = R / (z + ε·sign z): to each input its share of the sum."""
        return self._layer.handed(stabilised_quotient(relevance, self.z, epsilon), self._terms)


def shares(layer: Layer, relevance: tf.Tensor, terms: Sequence[Term], epsilon: float) -> tf.Tensor:
    """Returns to each input its share of Σₜ Kₜ·xₜ + bₜ, by `Contributions`."""
    return Contributions.of(layer, terms).share(relevance, epsilon)


def where_needed(relevance: tf.Tensor, flow: Callable[[tf.Tensor], tf.Tensor], like: tf.Tensor) -> tf.Tensor:
    """Returns `flow(relevance)`, or zeros without the work where there is no relevance at all; shaped like `like`."""
    return tf.cond(tf.reduce_any(relevance != 0), lambda: flow(relevance), lambda: tf.zeros_like(like))


def of_layers(text: str, flow: Callable[[Layer, tf.Tensor], tf.Tensor]) -> RelevanceRule:
    """Returns a rule for layers.

    Args:
      text: the rule and its parameters.
      flow: `(layer, relevance of its output)` → the relevance of its input x.
    """

    def of_op(op: Op, point: Point, relevance: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return [flow(Layer.of(op, point), relevance[0])]

    return RelevanceRule(text, of_op, layers_only=True)


def positive(tensor: tf.Tensor | None) -> Any:
    """Returns the positive part, None of None."""
    return None if tensor is None else tf.maximum(tensor, tf.zeros([], tensor.dtype))


def negative(tensor: tf.Tensor | None) -> Any:
    """Returns the negative part, None of None."""
    return None if tensor is None else tf.minimum(tensor, tf.zeros([], tensor.dtype))
