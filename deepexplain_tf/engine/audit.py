"""Audits of a backward pass: the part of the completeness gap that each op loses."""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.engine.call import Call
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.errors import OptionError
from deepexplain_tf.graph.emit import Op, Outputs, SingleRule, TwinRule, as_list
from deepexplain_tf.graph.ir import Node
from deepexplain_tf.methods.base import Method
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.replacement import replaced_gradients
from deepexplain_tf.writing.table import render, scientific


@dataclasses.dataclass(frozen=True)
class AuditRow:
    """The loss of one op.

    Attributes:
      name: the op's name in the model's graph.
      type: the TensorFlow op type.
      verdict: the verdict of the method on the op: `exact`, `linear`, `gradient` or `refused`.
      lost: `[batch]`, Σ multiplier·Δin − Σ multiplier·Δout in units of the target, for each example (for each batch
        where the model's batch size is fixed).
      share: the mean of |lost| relative to the mean of |outputs − baseline_outputs|; inf where the latter is 0.
    """

    name: str
    type: str
    verdict: str
    lost: np.ndarray
    share: float


@dataclasses.dataclass(frozen=True)
class Audit:
    """The loss of each op between input and target, the largest first; prints as a table.

    An op receives multipliers for its outputs and passes multipliers on to its inputs; where its rule is exact,
    Σ multiplier·Δin = Σ multiplier·Δout. The losses of all ops add up to the completeness gap. For a method without a
    baseline, Δ is the value itself, so that biases show as losses of the ops that add them.

    Attributes:
      rows: a row for each active op, sorted by `share`.
      change: `[batch]`, outputs − baseline_outputs in the form of `AuditRow.lost`.
    """

    rows: tuple[AuditRow, ...]
    change: np.ndarray

    def __iter__(self):  # type: ignore[no-untyped-def]
        """Yields the rows."""
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        rows = [(row.name, row.type, row.verdict, scientific(row.lost.mean()), f"{row.share:.1e}") for row in self]
        total = sum((row.lost for row in self), np.zeros_like(self.change))
        summary = f"{len(self)} active ops; together {scientific(total.mean())} of {scientific(self.change.mean())}"
        return f"{render(('op', 'type', 'verdict', 'lost', 'share'), rows, left=3)}\n{summary}"


def audit(engine: Engine, name: str, method: Method, inputs: Any, **arguments: Any) -> Audit:
    """Audits one backward pass; see `DeepExplain.audit`.

    Args:
      engine: the engine of the model.
      name: the name of the method, for messages.
      method: a method that is one backward pass.
      inputs: the user's inputs.
      **arguments: arguments of `prepare`, such as `target` and `baseline`.

    Raises:
      OptionError: a method that is not one backward pass, or symbolic inputs.
    """
    if not method.one_pass:
        noise = " under noise" if method.noisy or method.redraws else ""
        raise OptionError(f"audit takes a method that is one backward pass. Got {name!r}{noise}.")
    call = prepare(engine, method, inputs, **arguments)
    if call.selection.units is not None:
        raise OptionError(f"an audit takes one target for each example. Got {call.selection.reported!r}.")
    if call.symbolic:
        raise OptionError("an audit needs arrays. Got symbolic tensors of a graph being built.")
    return audit_call(call)


def audit_call(call: Call) -> Audit:
    """Audits a call of a method that is one backward pass, whose inputs are arrays; of a background, the mean."""
    coverage = call.objective.coverage(call.engine.composite(call.method))
    nodes = [op.node for op in coverage.ops]
    pairs = zip(*(_losses(alone, nodes) for alone in call.by_baseline()), strict=True)
    lost, change = (np.mean(arrays, 0) for arrays in pairs)
    return _sorted(nodes, coverage.verdicts, lost, change)


def _losses(call: Call, nodes: Sequence[Node]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the loss of each op `[ops, batch]` and the change `[batch]` for a single baseline."""
    engine, method = call.engine, call.method
    composite = engine.composite(method)

    def graph(inputs: Any, selector: Any, baseline: Any, data: Any) -> tuple[tf.Tensor, tf.Tensor]:
        scope = Scope(call.objective, inputs, selector)
        probes = [tf.zeros([], tf.float64) for _ in nodes]
        watched = _Watched(
            **{field.name: getattr(composite, field.name) for field in dataclasses.fields(composite)},
            probes=dict(zip(nodes, probes, strict=True)),
        )
        with replaced_gradients():
            result = method.attribute(scope, baseline, data, watched, call.chunks)
            lost = tf.gradients(result["outputs"], probes, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        change = result["outputs"] - result.get("baseline_outputs", tf.zeros_like(result["outputs"]))
        return tf.stack(lost), tf.reduce_sum(tf.cast(change, tf.float64))

    single = dataclasses.replace(call, batch_size=call.objective.batch or 1)
    results = []
    for batch, _ in single.batches(call.inputs[0].shape[0], single.batch_size):
        fed = single.arguments(method.data(call.layout), functools.partial(np.take, indices=batch, axis=0))
        compiled = engine.compiled("audit", graph, method, call.objective, fed)
        results.append([tensor.numpy() for tensor in single.run(compiled, fed)])
    return np.stack([losses for losses, _ in results], axis=1), np.stack([change for _, change in results])


def _sorted(nodes: Sequence[Node], verdicts: Sequence[str], lost: np.ndarray, change: np.ndarray) -> Audit:
    scale = np.abs(change).mean()
    rows = [
        AuditRow(node.name, node.type, verdict, losses, float(np.abs(losses).mean() / scale) if scale else np.inf)
        for node, verdict, losses in zip(nodes, verdicts, lost, strict=True)
    ]
    return Audit(tuple(sorted(rows, key=lambda row: -np.abs(row.lost).mean())), change)


@dataclasses.dataclass(frozen=True)
class _Watched(Composite):
    """A composite whose rules also send the loss of each op to a probe, as the gradient of that probe.

    Attributes:
      probes: a scalar for each active op.
    """

    probes: Mapping[Node, tf.Tensor] = dataclasses.field(default_factory=dict)

    def single_rule(self, op: Op) -> SingleRule | None:
        rule = super().single_rule(op)

        def watched(op: Op, inputs: Sequence[tf.Tensor]) -> Outputs:
            zero_inputs = [
                tf.zeros_like(tensor) if op.node.inputs[n].differentiable else tensor for n, tensor in enumerate(inputs)
            ]
            zero_outputs = [tf.zeros_like(tensor) for tensor in op.outputs(inputs)]
            return self._emit(op, inputs, zero_inputs, zero_outputs, rule or (lambda op, inputs: op.outputs(inputs)))

        return watched if self._watches(op) else rule

    def twin_rule(self, op: Op) -> TwinRule | None:
        rule = super().twin_rule(op)

        def watched(op: Op, inputs: Sequence[tf.Tensor], baseline: Sequence[tf.Tensor]) -> tuple[Outputs, Outputs]:
            def at_x(op: Op, inputs: Sequence[tf.Tensor]) -> Outputs:
                return op.outputs(inputs) if rule is None else rule(op, inputs, baseline)[0]

            outputs = op.outputs(baseline)
            return self._emit(op, inputs, baseline, outputs, at_x), outputs

        return watched if self._watches(op) else rule

    def _watches(self, op: Op) -> bool:
        """Returns whether the values of an op can be subtracted; ops on lists of tensors cannot, and lose nothing."""
        values = [*(op.node.inputs[position] for position in op.differentiable), *op.node.outputs()]
        return op.node in self.probes and not any(value.dtype == tf.variant for value in values)

    def _emit(
        self,
        op: Op,
        inputs: Sequence[tf.Tensor],
        baseline_inputs: Sequence[tf.Tensor],
        baseline_outputs: Sequence[tf.Tensor],
        rule: SingleRule,
    ) -> Outputs:
        """Emits an op under a rule; the probe's gradient is Σ multiplier·Δin − Σ multiplier·Δout."""

        @tf.custom_gradient
        def emitted(probe: tf.Tensor, *active: tf.Tensor):  # type: ignore[no-untyped-def]
            outputs = op.outputs(_placed(op, inputs, active))

            def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
                points = [tf.stop_gradient(tensor) for tensor in active]
                ruled = as_list(rule(op, _placed(op, inputs, points)))
                passed = tf.gradients(ruled, points, list(upstream), unconnected_gradients="zero")
                baselines = [baseline_inputs[position] for position in op.differentiable]
                lost = _summed(passed, points, baselines) - _summed(upstream, outputs, baseline_outputs)
                return [tf.reshape(lost, tf.shape(probe)), *passed]

            return outputs, gradient

        return as_list(emitted(self.probes[op.node], *(inputs[position] for position in op.differentiable)))


def _placed(op: Op, inputs: Sequence[tf.Tensor], active: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the inputs of an op with its differentiable inputs replaced."""
    placed = list(inputs)
    for position, tensor in zip(op.differentiable, active, strict=True):
        placed[position] = tensor
    return placed


def _summed(multipliers: Sequence[tf.Tensor], ends: Sequence[tf.Tensor], starts: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns Σ multiplier·Δ over floating-point and complex tensors, in float64."""
    total = tf.zeros([], tf.float64)
    for multiplier, end, start in zip(multipliers, ends, starts, strict=True):
        if end.dtype.is_complex:
            total += tf.cast(tf.reduce_sum(tf.math.real(tf.math.conj(multiplier) * (end - start))), tf.float64)
        elif end.dtype.is_floating:
            total += tf.reduce_sum(tf.cast(multiplier, tf.float64) * tf.cast(end - start, tf.float64))
    return total
