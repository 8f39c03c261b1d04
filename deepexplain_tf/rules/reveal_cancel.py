"""DeepLIFT's RevealCancel rule, for nonlinearities behind linear ops."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op, Outputs, Walk, emit
from deepexplain_tf.graph.ir import GROUP
from deepexplain_tf.graph.kinds import SCALINGS, WEIGHTED
from deepexplain_tf.graph.twin import Signal, Twin, at_baseline, at_x
from deepexplain_tf.rules.base import RULES, Point
from deepexplain_tf.rules.replacement import set_gradients
from deepexplain_tf.rules.rescale import rescale_multiplier

Tensors = Sequence[tf.Tensor]

# The operands of scalings that shift the output.
_SHIFTS = dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), (2, 3))


@RULES.register("reveal_cancel")
def reveal_cancel(op: Op, inputs: Tensors, baseline_inputs: Tensors) -> tuple[Outputs, Outputs]:
    """Multipliers of y = f(z), z = Σ wᵢxᵢ + b, for the positive and the negative part of Δz by themselves.

    Δz⁺ is the sum of the wᵢ·Δxᵢ > 0, Δz⁻ that of the others. m⁺ is the mean of the slopes of f over a step of Δz⁺ from
    z₀ and from z₀ + Δz⁻; m⁻ is that of the slopes over a step of Δz⁻ from z₀ and from z₀ + Δz⁺. Input i gets wᵢ·m⁺ or
    wᵢ·m⁻ by the sign of wᵢ·Δxᵢ, and wᵢ·(m⁺ + m⁻)/2 where Δxᵢ = 0. Exact: Δz⁺·m⁺ + Δz⁻·m⁻ = Δy. The slope over a step
    within rounding of 0 is the derivative, as in the `rescale` rule, whose gradient gives all slopes (that of
    `rectifier` compares Δz with 0, which XLA may compute twice, and Δz⁻ = 0 is usual here). Where f is not finite at
    z₀ + Δz⁺ or z₀ + Δz⁻, m⁺ and m⁻ are Δy / Δz. For neurons (`graph.passes.neurons`).

    References:
      Shrikumar, Greenside, Kundaje, *Learning Important Features Through Propagating Activation Differences*, ICML
      2017, https://arxiv.org/abs/1704.02685, sections 3.5.1 (linear ops) and 3.5.3.
    """
    front, function = op.node.bodies["front"], _function(op)

    def at(z: tf.Tensor, given: Tensors = inputs) -> Point:
        known = {**dict(zip(front.inputs, given, strict=True)), front.outputs[0]: z}
        operands = tuple(known[value] for value in function.node.inputs)
        return Point(operands, tuple(function.outputs(operands)))

    def end(given: Tensors) -> Point:
        return at(emit(front, dict(zip(front.inputs, given, strict=True)))[0], given)

    x, baseline = end(inputs), end(baseline_inputs)

    def backward(upstream: Tensors) -> list[tf.Tensor]:
        changes = [inputs[position] - baseline_inputs[position] for position in op.active]
        parts = [Twin(tf.maximum(change, 0), tf.minimum(change, 0)) for change in changes]
        sums = _sums(op, inputs, parts)
        multipliers = _multipliers(function, x, baseline, sums, at, upstream)
        ends = tf.nest.flatten(parts)
        found = tf.gradients(list(sums), ends, multipliers, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        signed = zip(changes, found[::2], found[1::2], strict=True)
        return [tf.where(change > 0, up, tf.where(change < 0, down, (up + down) / 2)) for change, up, down in signed]

    return set_gradients(x.outputs, [inputs[n] for n in op.differentiable], replaced=backward), list(baseline.outputs)


def _function(op: Op) -> Op:
    """Returns f, an op of one active input."""
    node = op.node.bodies["body"].outputs[0].node
    return Op(node, (node.inputs.index(op.node.bodies["front"].outputs[0]),), {})


def _multipliers(
    function: Op, x: Point, baseline: Point, sums: Twin, at: Callable[[tf.Tensor], Point], upstream: Tensors
) -> list[tf.Tensor]:
    """Returns m⁺ and m⁻, times upstream.

    Args:
      function: f.
      x: f at z.
      baseline: f at z₀.
      sums: Δz⁺ and Δz⁻.
      at: returns f at another number.
      upstream: the multiplier of y.
    """
    (position,) = function.active
    risen, fallen = (at(baseline.inputs[position] + step) for step in sums)

    def slope(start: Point, end: Point) -> tf.Tensor:
        return rescale_multiplier(function, end, start, upstream)

    more = (slope(baseline, risen) + slope(fallen, x)) / 2
    less = (slope(baseline, fallen) + slope(risen, x)) / 2
    if function.type != GROUP:  # activations are finite everywhere
        return [more, less]
    finite = tf.math.is_finite(more) & tf.math.is_finite(less)
    return [tf.where(finite, multiplier, slope(baseline, x)) for multiplier in (more, less)]


def _sums(op: Op, inputs: Tensors, parts: Sequence[Twin]) -> Twin:
    """Returns Δz⁺ and Δz⁻ from the positive and the negative parts of all Δx."""
    front = op.node.bodies["front"]
    active = [front.inputs[position] for position in op.active]
    given = {**dict(zip(front.inputs, inputs, strict=True)), **dict(zip(active, parts, strict=True))}
    (signal,) = Walk(_separately).run(front.outputs, given, active)
    assert isinstance(signal, Twin)
    return signal


def _separately(op: Op, signals: Sequence[Signal], active: bool) -> Sequence[Signal]:
    """Emits a linear op for positive and negative contributions, without what it adds to them; see `Walk.step`."""
    del active
    if not op.active:
        return op.outputs([at_x(signal) for signal in signals])
    if op.type in WEIGHTED:
        return _product(op, signals)
    up, down = ([at(signal) for signal in signals] for at in (at_x, at_baseline))
    if op.type == "Sub":
        up[1], down[1] = down[1], up[1]
    for position, value in enumerate(op.node.inputs):
        added = position in _SHIFTS.get(op.type, ()) if op.type in SCALINGS else value.dtype.is_floating
        if added and position not in op.active:
            up[position] = down[position] = tf.zeros_like(up[position])
    ends = list(zip(op.outputs(up), op.outputs(down), strict=True))
    if op.type not in SCALINGS:
        return [Twin(*pair) for pair in ends]
    (position,), ones = op.active, list(up)
    ones[position] = tf.ones_like(up[position])
    factor, (more, less) = op.outputs(ones)[0], ends[0]
    return [
        Twin(tf.where(factor < 0, less, more), tf.where(factor < 0, more, less)),
        *(Twin(*pair) for pair in ends[1:]),
    ]


def _product(op: Op, signals: Sequence[Signal]) -> list[Signal]:
    """Emits a product for positive and negative contributions: those of x⁺K⁺ and x⁻K⁻, and the others."""
    (position,) = op.active
    floats = [n for n, value in enumerate(op.node.inputs) if value.dtype == op.node.output().dtype]
    kernel = at_x(signals[sum(floats) - position])
    rows = {1: at_x(signals[position]), -1: at_baseline(signals[position])}
    kernels = {1: tf.maximum(kernel, 0), -1: tf.minimum(kernel, 0)}

    def product(sign: int, weights: int) -> tf.Tensor:
        operands = [at_x(signal) for signal in signals]
        operands[position], operands[sum(floats) - position] = rows[sign], kernels[weights]
        return op(*operands)

    return [Twin(product(1, 1) + product(-1, -1), product(1, -1) + product(-1, 1))]
