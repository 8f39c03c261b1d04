"""The contract of rules: a rule emits an op with another gradient, through `tf.custom_gradient`.

A *single-valued* rule needs the op's values at the input. A *twin-valued* rule needs them at the input and at the
baseline; with Δ for the difference of the two, its multipliers m satisfy Σ m·Δin = Δout.

Every rule is written as a function of upstream gradients, which `single` or `twin` turns into a rule. A new rule is
one new file. `@RULES.register(name)` stands over `@single` or `@twin` where the rule has no parameter (`deconvnet.py`
is the shortest example), and over a function that makes the rule where it has one (`epsilon.py`). Its import in
`composites.py` makes the rule known to `list_rules()`; a `Composite` there says which ops get it. A scalar function has
one active input, `(position,) = op.active`; where constants broadcast it, `sum_to_shape` brings the result back.
"""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

import ml_dtypes
import tensorflow as tf

from deepexplain_tf.graph import tf_private
from deepexplain_tf.graph.emit import Op, Outputs, SingleRule, TwinRule, as_list
from deepexplain_tf.registry import Registry
from deepexplain_tf.rules.replacement import Backward, in_replacement, set_gradients

RULES: Registry[Any] = Registry("rule")


@dataclasses.dataclass(frozen=True)
class Point:
    """An op's inputs and outputs at one point."""

    inputs: tuple[tf.Tensor, ...]
    outputs: tuple[tf.Tensor, ...]


SingleGradient = Callable[[Op, Point, Sequence[tf.Tensor]], Sequence[tf.Tensor]]
TwinGradient = Callable[[Op, Point, Point, Sequence[tf.Tensor]], Sequence[tf.Tensor]]


def single(gradient: SingleGradient) -> SingleRule:
    """Turns a gradient function into a single-valued rule.

    Args:
      gradient: `(op, point, upstream)` → the gradient for each input in `op.differentiable`, in that order.

    Returns:
      The rule `(op, inputs) -> outputs`.
    """

    def rule(op: Op, inputs: Sequence[tf.Tensor]) -> Outputs:
        x = Point(tuple(inputs), tuple(op.outputs(inputs)))
        return _replaced(op, x, lambda upstream: gradient(op, x, upstream))

    rule.__doc__, rule.__qualname__ = gradient.__doc__, gradient.__qualname__
    return rule


def twin(gradient: TwinGradient) -> TwinRule:
    """Turns a gradient function into a twin-valued rule.

    Args:
      gradient: `(op, x, baseline, upstream)` → multipliers times upstream for each input in
        `op.differentiable`, in that order.

    Returns:
      The rule `(op, inputs, baseline_inputs) -> (outputs, baseline_outputs)`.
    """

    def rule(op: Op, inputs: Sequence[tf.Tensor], baseline_inputs: Sequence[tf.Tensor]) -> tuple[Outputs, Outputs]:
        baseline = Point(tuple(baseline_inputs), tuple(op.outputs(baseline_inputs)))
        x = Point(tuple(inputs), tuple(op.outputs(inputs)))
        return _replaced(op, x, lambda upstream: gradient(op, x, baseline, upstream)), list(baseline.outputs)

    rule.__doc__, rule.__qualname__ = gradient.__doc__, gradient.__qualname__
    return rule


def _replaced(op: Op, x: Point, backward: Backward) -> Outputs:
    return set_gradients(x.outputs, [x.inputs[position] for position in op.differentiable], replaced=backward)


def of_user(rule: SingleRule) -> SingleRule:
    """Returns a user's rule, whose replaced gradients hold no longer than those of the library's own rules."""

    def emit(op: Op, inputs: Sequence[tf.Tensor]) -> Outputs:
        outputs = as_list(rule(op, inputs))
        if not in_replacement() or not all(map(tf.is_tensor, outputs)):
            return outputs
        floats = [n for n, value in enumerate(op.node.inputs) if value.differentiable]
        return set_gradients(
            outputs,
            [inputs[n] for n in floats],
            ordinary=lambda upstream: _differentiated(op, inputs, floats, upstream),
        )

    return emit


def ordinary_gradient(op: Op, inputs: Sequence[tf.Tensor], upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the op's ordinary gradient at any inputs, for those at the positions `op.differentiable`.

    Args:
      op: the op, which is emitted once more.
      inputs: the point: a tensor for each input of the op.
      upstream: the gradient of each output, shaped like it.
    """
    if op.is_composed:
        return _differentiated(op, inputs, op.differentiable, upstream)
    return gradient_at(op, Point(tuple(inputs), tuple(op.outputs(inputs))), upstream)


def gradient_at(op: Op, point: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the op's ordinary gradient at a point where the op is emitted already; see `ordinary_gradient`."""
    if op.is_composed:
        return ordinary_gradient(op, point.inputs, upstream)
    emitted = point.outputs[0].op
    gradients = tf_private.gradient_function(emitted)(emitted, *upstream)
    partials = gradients if isinstance(gradients, list | tuple) else [gradients]
    return [
        tf.zeros_like(point.inputs[position])
        if partials[position] is None
        else tf.convert_to_tensor(partials[position])
        for position in op.differentiable
    ]


def _differentiated(
    op: Op, inputs: Sequence[tf.Tensor], positions: Sequence[int], upstream: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Returns the gradient to the inputs at some positions, of the op as it is emitted once more."""
    point = [tf.identity(tensor) for tensor in inputs]
    ends = [point[position] for position in positions]
    return list(tf.gradients(op.outputs(point), ends, list(upstream), unconnected_gradients="zero"))


def stabilised_quotient(numerator: tf.Tensor, denominator: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Returns numerator / (denominator + ε·sign(denominator)), with sign(0) = +1.

    ε is at least the smallest normal number of the dtype, so that 0 / 0 is 0.
    """
    epsilon = stabilizer(epsilon, denominator.dtype)
    return numerator / (denominator + tf.where(denominator >= 0, epsilon, -epsilon))


def stabilizer(epsilon: float, dtype: tf.DType) -> tf.Tensor:
    """Returns ε as a scalar tensor, at least the smallest normal number of the dtype."""
    return tf.constant(max(epsilon, float(ml_dtypes.finfo(dtype.as_numpy_dtype).smallest_normal)), dtype)


def sum_to_shape(tensor: tf.Tensor, operand: tf.Tensor) -> tf.Tensor:
    """Returns `tensor` in the shape of `operand`, summed over the axes along which `operand` was broadcast."""
    if tensor.shape.is_fully_defined() and tensor.shape == operand.shape:
        return tensor
    shape = tf.shape(operand)
    axes = tf.raw_ops.BroadcastGradientArgs(s0=shape, s1=tf.shape(tensor)).r0
    return tf.reshape(tf.reduce_sum(tensor, axes), shape)


def average(x: tf.Tensor, baseline: tf.Tensor) -> tf.Tensor:
    """Returns the midpoint of x and the baseline."""
    return x + (baseline - x) / 2
