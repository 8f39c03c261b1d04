"""What a rule is: an op emitted with another gradient, through `tf.custom_gradient`.

A *single-valued* rule needs the op's own values. A *twin-valued* rule has them at the input and at the
baseline; writing Δ for their difference, its multipliers m satisfy Σ m·Δin = Δout.

Every rule here is a function of upstream gradients, turned into a rule by `single` or `twin`. A new rule is
one new file; what it is given to is said in `composites.py`.
"""

from collections.abc import Callable, Sequence
import dataclasses

import ml_dtypes
import tensorflow as tf

from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.emit import Op, Outputs, SingleRule, TwinRule
from deepexplain_tf.registry import Registry

RULES: Registry[Callable[..., object]] = Registry("rule")


@dataclasses.dataclass(frozen=True)
class Point:
    """An op's inputs and outputs at one point."""

    inputs: tuple[tf.Tensor, ...]
    outputs: tuple[tf.Tensor, ...]


SingleGradient = Callable[[Op, Point, Sequence[tf.Tensor]], Sequence[tf.Tensor]]
TwinGradient = Callable[[Op, Point, Point, Sequence[tf.Tensor]], Sequence[tf.Tensor]]


def single(gradient: SingleGradient) -> SingleRule:
    """Makes a single-valued rule.

    Args:
      gradient: `(op, point, upstream)` → the gradient for each input of `op.differentiable`, in that order.

    Returns:
      The rule `(op, inputs) -> outputs`.
    """

    def rule(op: Op, inputs: Sequence[tf.Tensor]) -> Outputs:
        def backward(x: Point, upstream: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
            return gradient(op, x, upstream)

        return _emit(op, inputs, backward)

    return rule


def twin(gradient: TwinGradient) -> TwinRule:
    """Makes a twin-valued rule.

    Args:
      gradient: `(op, x, baseline, upstream)` → multipliers times upstream for each input of
        `op.differentiable`, in that order.

    Returns:
      The rule `(op, inputs, baseline_inputs) -> (outputs, baseline_outputs)`.
    """

    def rule(op: Op, inputs: Sequence[tf.Tensor], baseline_inputs: Sequence[tf.Tensor]) -> tuple[Outputs, Outputs]:
        baseline = Point(tuple(baseline_inputs), tuple(op.outputs(baseline_inputs)))

        def backward(x: Point, upstream: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
            return gradient(op, x, baseline, upstream)

        return _emit(op, inputs, backward), list(baseline.outputs)

    return rule


def _emit(
    op: Op,
    inputs: Sequence[tf.Tensor],
    backward: Callable[[Point, Sequence[tf.Tensor]], Sequence[tf.Tensor]],
) -> Outputs:
    @tf.custom_gradient
    def replaced(*active: tf.Tensor):  # type: ignore[no-untyped-def]
        point = list(inputs)
        for position, tensor in zip(op.differentiable, active, strict=True):
            point[position] = tensor
        outputs = op.outputs(point)
        here = Point(tuple(point), tuple(outputs))

        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
            return list(backward(here, upstream))

        return outputs, gradient

    return replaced(*(inputs[position] for position in op.differentiable))


def ordinary_gradient(op: Op, inputs: Sequence[tf.Tensor], upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the op's own gradient at new inputs, for those at the positions `op.differentiable`."""
    if op.is_composed:
        point = [tf.stop_gradient(tensor) for tensor in inputs]
        variables = [point[position] for position in op.differentiable]
        return list(tf.gradients(op.outputs(point), variables, list(upstream), unconnected_gradients="zero"))
    return gradient_at(op, Point(tuple(inputs), tuple(op.outputs(inputs))), upstream)


def gradient_at(op: Op, point: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the op's own gradient where it was emitted already, for the inputs at `op.differentiable`."""
    if op.is_composed:
        return ordinary_gradient(op, point.inputs, upstream)
    emitted = point.outputs[0].op
    gradients = tf_private.gradient_function(emitted)(emitted, *upstream)
    several = gradients if isinstance(gradients, list | tuple) else [gradients]
    return [
        tf.zeros_like(point.inputs[position]) if several[position] is None else tf.convert_to_tensor(several[position])
        for position in op.differentiable
    ]


def stabilised_quotient(numerator: tf.Tensor, denominator: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Returns numerator / (denominator + ε·sign(denominator)), with sign(0) = +1.

    ε is at least the smallest normal number of the dtype, so that 0 / 0 is 0.
    """
    epsilon = max(epsilon, float(ml_dtypes.finfo(denominator.dtype.as_numpy_dtype).smallest_normal))
    sign = tf.where(denominator >= 0, tf.ones_like(denominator), -tf.ones_like(denominator))
    return numerator / (denominator + tf.constant(epsilon, denominator.dtype) * sign)


def sum_to_shape(tensor: tf.Tensor, operand: tf.Tensor) -> tf.Tensor:
    """Returns `tensor` summed over the axes along which `operand` was broadcast to its shape."""
    if tensor.shape.is_fully_defined() and tensor.shape == operand.shape:
        return tensor
    axes = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(operand), s1=tf.shape(tensor)).r0
    return tf.reshape(tf.reduce_sum(tensor, axes), tf.shape(operand))


def average(x: tf.Tensor, baseline: tf.Tensor) -> tf.Tensor:
    """Returns the point in the middle of two."""
    return x + (baseline - x) / 2
