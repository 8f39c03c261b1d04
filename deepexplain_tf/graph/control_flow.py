"""Emits loops and branches again; the walk goes through the programs inside them."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.ir import Node, Program, Value, is_one
from deepexplain_tf.graph.kinds import BRANCHES
from deepexplain_tf.graph.twin import Signal, Twin, at_x, flatten, pack_like

Run = Callable[[Program, Sequence[Signal]], list[Signal]]  # emits a program inside the node with these arguments

_PASSED = {"Identity", "Snapshot"}


def emit_control_flow(node: Node, signals: Sequence[Signal], run: Run) -> list[Signal]:
    """Emits a loop or branch and returns the signals of its outputs.

    Args:
      node: a While, If or Case.
      signals: the node's inputs.
      run: emits one of the programs inside the node.
    """
    return _branches(node, signals, run) if node.type in BRANCHES else _loop(node, signals, run)


def _branches(node: Node, signals: Sequence[Signal], run: Run) -> list[Signal]:
    choice, *arguments = signals
    programs = list(node.bodies.values())
    doubled = [any(isinstance(signal, Twin) for signal in arguments)] * len(node.specs)

    def branch(program: Program) -> Callable[[], list[tf.Tensor]]:
        def emit() -> list[tf.Tensor]:
            # The gradient of a branch stays in its own graph, so rules must read tensors of that graph.
            local = pack_like(arguments, [tf.identity(tensor) for tensor in flatten(arguments)])
            outputs = run(program, local)
            pairs = zip(outputs, doubled, strict=True)
            return flatten([_as_twin(signal) if is_twin else signal for signal, is_twin in pairs])

        return emit

    index = at_x(choice)
    if node.type.endswith("If"):
        truth = index if index.dtype == tf.bool else tf.not_equal(index, tf.zeros_like(index))
        tensors = tf.cond(truth, branch(node.bodies["then_branch"]), branch(node.bodies["else_branch"]))
    else:
        tensors = tf.switch_case(index, [branch(program) for program in programs])
    tensors = list(tensors) if isinstance(tensors, list | tuple) else [tensors]
    template: list[Signal] = [Twin(index, index) if is_twin else index for is_twin in doubled]
    return pack_like(template, tensors)


def _loop(node: Node, signals: Sequence[Signal], run: Run) -> list[Signal]:
    condition, body = node.bodies["cond"], node.bodies["body"]
    doubled = _doubled(body, signals)
    start = [_as_twin(signal) if n in doubled else signal for n, signal in enumerate(signals)]
    # Variables that the body passes on unchanged are read from outside the loop.
    moving = [n for n, value in enumerate(body.outputs) if value != body.inputs[n]]
    first = [start[n] for n in moving]
    shapes = [shape for n in moving for shape in [_shape(node, n, start[n])] * (2 if n in doubled else 1)]

    def arguments(tensors: Sequence[tf.Tensor]) -> list[Signal]:
        full = list(start)
        for n, signal in zip(moving, pack_like(first, list(tensors)), strict=True):
            full[n] = signal
        return full

    def iteration(*tensors: tf.Tensor) -> list[tf.Tensor]:
        outputs = run(body, arguments(tensors))
        after = flatten([_as_twin(outputs[n]) if n in doubled else outputs[n] for n in moving])
        for tensor, shape in zip(after, shapes, strict=True):
            tensor.set_shape(shape)
        return after

    final = tf.while_loop(
        lambda *tensors: at_x(run(condition, arguments(tensors))[0]),
        iteration,
        flatten(first),
        shape_invariants=shapes,
        maximum_iterations=trip_bound(node, start),
    )
    full = list(start)
    for n, signal in zip(moving, pack_like(first, list(final)), strict=True):
        full[n] = signal
    return full


def _as_twin(signal: Signal) -> Twin:
    return signal if isinstance(signal, Twin) else Twin(signal, signal)


def _doubled(body: Program, signals: Sequence[Signal]) -> set[int]:
    """Returns the loop variables whose numbers or shapes differ between the two points in some iteration."""
    doubled = {n for n, signal in enumerate(signals) if isinstance(signal, Twin)}
    while doubled:
        varying = analyse([body.inputs[n] for n in doubled], body.outputs, dependence="anything").varying
        extended = doubled | {n for n, value in enumerate(body.outputs) if value in varying}
        if extended == doubled:
            break
        doubled = extended
    return doubled


def _shape(node: Node, number: int, signal: Signal) -> tf.TensorShape:
    """Returns the static shape of a loop variable, the same in every iteration."""
    shape = node.specs[number].shape
    for tensor in flatten([signal]):
        shape = shape.most_specific_compatible_shape(tensor.shape)
    return shape


# --- the bound on a loop's iterations, which XLA must know to differentiate it -------------------------------


def trip_bound(node: Node, start: Sequence[Signal]) -> tf.Tensor | None:
    """Returns an upper bound on the iterations of a loop whose condition includes `counter < limit`.

    Args:
      node: the loop.
      start: the loop variables before the first iteration.

    Returns:
      An int32 scalar, None if the condition has no such form.
    """
    bounds = []
    for comparison in _conjuncts(node.bodies["cond"].outputs[0]):
        bound = _bound(comparison, node, start)
        if bound is not None:
            bounds.append(bound)
    return tf.reduce_min(tf.stack(bounds)) if len(bounds) > 1 else bounds[0] if bounds else None


def has_trip_bound(node: Node) -> bool:
    """Whether the loop's condition has the form that `trip_bound` needs."""
    return any(_counter_and_limit(comparison, node) for comparison in _conjuncts(node.bodies["cond"].outputs[0]))


def known_trips(node: Node) -> int | None:
    """Returns `trip_bound` where the graph tells it without being run, None elsewhere."""
    bounds = []
    for comparison in _conjuncts(node.bodies["cond"].outputs[0]):
        counter_and_limit = _counter_and_limit(comparison, node)
        if counter_and_limit is not None:
            counter, limit = counter_and_limit
            end, start = (_constant(value, node) for value in (limit, node.bodies["cond"].inputs[counter]))
            if end is not None and start is not None:
                bounds.append(end - start + _extra(comparison))
    return min(bounds, default=None)


def _constant(value: Value, loop: Node) -> int | None:
    """Returns the number of a constant, also of one with which a variable of a loop starts; None of anything else."""
    condition = loop.bodies["cond"]
    known = _source(loop.inputs[condition.inputs.index(value)] if value in condition.inputs else value)
    if known.node.type != "Const":
        return None
    array = tf.make_ndarray(known.node.attrs["value"].tensor)
    return int(array) if array.ndim == 0 else None


def _extra(comparison: Node) -> int:
    """Returns 1 where the limit itself is counted."""
    return 1 if comparison.type in ("LessEqual", "GreaterEqual") else 0


def _bound(comparison: Node, node: Node, start: Sequence[Signal]) -> tf.Tensor | None:
    counter_and_limit = _counter_and_limit(comparison, node)
    if counter_and_limit is None:
        return None
    counter, limit = counter_and_limit
    condition = node.bodies["cond"]
    if limit in condition.inputs:
        end = at_x(start[condition.inputs.index(limit)])
    else:
        end = tf.constant(tf.make_ndarray(limit.node.attrs["value"].tensor))
    if end.shape.rank != 0:
        return None
    return tf.cast(end, tf.int32) - tf.cast(at_x(start[counter]), tf.int32) + _extra(comparison)


def _counter_and_limit(comparison: Node, node: Node) -> tuple[int, Value] | None:
    """Returns the position of a variable that grows by one in each iteration, and its limit; else None."""
    if comparison.type not in ("Less", "LessEqual", "Greater", "GreaterEqual"):
        return None
    low, high = (_source(value) for value in comparison.inputs)
    if comparison.type.startswith("Greater"):
        low, high = high, low
    condition, body = node.bodies["cond"], node.bodies["body"]
    if low not in condition.inputs or low.dtype not in (tf.int32, tf.int64):
        return None
    counter = condition.inputs.index(low)
    step = _source(body.outputs[counter]).node
    grows = step.type in ("AddV2", "Add") and body.inputs[counter] in [_source(value) for value in step.inputs]
    by_one = grows and any(is_one(_source(value).node) for value in step.inputs)
    if high in condition.inputs:
        number = condition.inputs.index(high)
        fixed = _source(body.outputs[number]) == body.inputs[number]
    else:
        fixed = high.node.type == "Const"
    return (counter, high) if by_one and fixed else None


def _conjuncts(value: Value) -> list[Node]:
    node = _source(value).node
    if node.type == "LogicalAnd":
        return [conjunct for operand in node.inputs for conjunct in _conjuncts(operand)]
    return [node]


def _source(value: Value) -> Value:
    while value.node.type in _PASSED:
        value = value.node.inputs[0]
    return value
