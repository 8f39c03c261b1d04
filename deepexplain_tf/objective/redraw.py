"""A traced model whose random ops draw by number: the same draw for all examples, and any of them again."""

from collections.abc import Collection, Iterator, Sequence
import dataclasses
import math
from typing import Any

import tensorflow as tf

from deepexplain_tf.graph.activity import active_loops, analyse
from deepexplain_tf.graph.control_flow import has_trip_bound
from deepexplain_tf.graph.draws import DRAWN, find_draw
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.ir import Node, Program, Value, computed_from, constant, new_op, rewrite, topological_order
from deepexplain_tf.graph.kinds import SHAPE_ONLY
from deepexplain_tf.graph.read import argument, read_function
from deepexplain_tf.graph.trace import Traced
from deepexplain_tf.objective.laws import Law, all_integers, integers, normal, truncated_normal, uniform
from deepexplain_tf.objective.objective import Objective

_LENGTH = 16  # of an axis that is open in the graph being built
_READ = "RngReadAndSkip"  # its second operand, how far to skip, decides about later reads alone
_ROWS = (2, 3)  # numbers of examples that tell which axis is the batch


@dataclasses.dataclass(frozen=True)
class _RandomOp:
    """A random op: its law, and the positions of its operands."""

    law: Law
    shape: int
    bounds: tuple[int, ...] = ()
    seed: tuple[int, ...] = ()


_OPS = {
    "RandomStandardNormal": _RandomOp(normal, 0),
    "RandomUniform": _RandomOp(uniform, 0),
    "RandomUniformInt": _RandomOp(integers, 0, (1, 2)),
    "StatefulStandardNormalV2": _RandomOp(normal, 2),
    "StatefulTruncatedNormal": _RandomOp(truncated_normal, 2),
    "StatefulUniform": _RandomOp(uniform, 2),
    "StatefulUniformFullInt": _RandomOp(all_integers, 2),
    "StatefulUniformInt": _RandomOp(integers, 2, (3, 4)),
    "StatelessRandomNormal": _RandomOp(normal, 0, (), (1,)),
    "StatelessRandomNormalV2": _RandomOp(normal, 0, (), (1, 2)),
    "StatelessRandomUniform": _RandomOp(uniform, 0, (), (1,)),
    "StatelessRandomUniformFullInt": _RandomOp(all_integers, 0, (), (1,)),
    "StatelessRandomUniformFullIntV2": _RandomOp(all_integers, 0, (), (1, 2)),
    "StatelessRandomUniformInt": _RandomOp(integers, 0, (2, 3), (1,)),
    "StatelessRandomUniformIntV2": _RandomOp(integers, 0, (4, 5), (1, 2)),
    "StatelessRandomUniformV2": _RandomOp(uniform, 0, (), (1, 2)),
    "StatelessTruncatedNormal": _RandomOp(truncated_normal, 0, (), (1,)),
    "StatelessTruncatedNormalV2": _RandomOp(truncated_normal, 0, (), (1, 2)),
    "TruncatedNormal": _RandomOp(truncated_normal, 0),
}


def redraw(traced: Traced, shapes: Sequence[Sequence[int | None]]) -> Traced:
    """Returns a trace whose random ops draw by number, from a key: two arguments, its `draws`.

    A draw `[batch, ...]` becomes one draw `[...]` that all examples share; any other keeps its shape. Stateless ops
    with the same seed draw the same numbers, as in the model (each read of a variable that the model moves is a seed of
    its own); one whose seed and shape are the same in each call and for each batch is no draw and stays. So do ops that
    are not taken: other laws than those of `_OPS`, ops inside loops and branches, seeds that depend on examples, and
    shapes with the batch on another axis or merged with another, or of a model whose batch size is fixed.

    Args:
      traced: the trace.
      shapes: the shapes of the user's inputs, None for an open axis.
    """
    values = (*traced.program.outputs, *traced.places, *traced.inside, *traced.neurons)
    found = dict(_draws(traced, values, shapes))
    key, sample = (argument(name, tf.TensorSpec([], dtype)) for name, dtype in (("key", "uint64"), ("sample", "int32")))
    identities = {identity: number for number, identity in enumerate(dict.fromkeys(i for _, i in found.values()))}

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node not in found:
            return None
        batched, identity = found[node]
        return [_numbered(node, (key, sample), inputs, identities[identity], batched)]

    def of(values: Sequence[Value]) -> tuple[Value, ...]:
        return tuple(current[value] for value in values)

    current = rewrite(values, transform)
    note = f"random ops that draw by number, the same for all examples: {len(found)}; the model's own call draws others"
    return dataclasses.replace(
        traced,
        program=Program(traced.program.inputs, of(traced.program.outputs)),
        places=of(traced.places),
        inside=of(traced.inside),
        neurons=of(traced.neurons),
        notes=(*traced.notes, *([note] if found else [])),
        draws=(key, sample),
    )


def first_draw(objective: Objective) -> dict[Value, tf.Tensor]:
    """Returns the tensors of an objective's `draws` for the first draw; none where it does not draw by number."""
    return {value: tf.zeros([], value.dtype) for value in objective.draws}


def is_redrawn(objective: Objective) -> bool:
    """Whether the outputs of an objective, or what it explains, depend on draws by number."""
    programs = [program for program in (objective.prefix, objective.program) if program is not None]
    return any(analyse(objective.draws, program.outputs).varying.intersection(program.outputs) for program in programs)


def _draws(
    traced: Traced, values: Sequence[Value], shapes: Sequence[Sequence[int | None]]
) -> Iterator[tuple[Node, tuple[bool, Any]]]:
    """Yields the random ops that are taken, each with whether its shape has the batch, and the identity of its seed."""
    nodes = topological_order(values)
    batched = _batched(traced, [node for node in nodes if node.type in _OPS], shapes)
    chance, moving = {*traced.states}, {*traced.program.inputs}  # what differs between runs, and between examples
    for node in nodes:
        op = _OPS.get(node.type)
        seeds = [node.inputs[position] for position in op.seed] if op else []
        by_chance = node.type in DRAWN or any(value in chance for value in seeds)
        read = () if node.type == _READ else node.inputs
        if op and node in batched and moving.isdisjoint(seeds) and (by_chance or batched[node]):
            identity = tuple(_identity(value, traced.states) for value in seeds) or node
            yield node, (batched[node], identity)
            by_chance, read = True, tuple(node.inputs[position] for position in op.bounds)
        if not moving.isdisjoint(read):
            moving.update(node.outputs())
        if by_chance or (node.type not in SHAPE_ONLY and not chance.isdisjoint(node.inputs)):
            chance.update(node.outputs())


def _batched(traced: Traced, nodes: Sequence[Node], shapes: Sequence[Sequence[int | None]]) -> dict[Node, bool]:
    """Returns, for random ops whose shapes tell it, whether the first axis of a draw is the batch.

    The shapes are computed for batches of 2 and of 3 examples, and must be the same for other numbers.
    """
    inputs = traced.program.inputs
    current = rewrite([node.inputs[_OPS[node.type].shape] for node in nodes], _without_draws)
    given = {*inputs, *(current[node.output()] for node in nodes if node.output() in current)}
    sizes = {node: current[node.inputs[_OPS[node.type].shape]] for node in nodes}
    sizes = {node: size for node, size in sizes.items() if _is_computable(given, size)}
    if traced.batch is not None or not sizes:
        return {}
    program = Program(inputs, tuple(sizes.values()))
    try:
        found = [_computed(program, rows, shapes) for rows in _ROWS]
    except Exception:  # a model may refuse such a batch in any way
        return {}
    batched: dict[Node, bool] = {}
    for node, few, many in zip(sizes, *found, strict=True):
        if len(few) == len(many) == 1:
            (shape,), (larger,) = few, many
            of_batch = [shape, larger] == [(rows, *shape[1:]) for rows in _ROWS]
            batched |= {node: of_batch} if of_batch or shape == larger else {}
    return batched


def _computed(program: Program, rows: int, shapes: Sequence[Sequence[int | None]]) -> list[set[tuple[int, ...]]]:
    """Returns the shapes that a program computes for batches of zeros, of ones, and of both in turn."""
    lengths = [[rows, *(_LENGTH if length is None else length for length in shape[1:])] for shape in shapes]
    pairs = list(zip(lengths, program.inputs, strict=True))

    def function(*tensors: tf.Tensor) -> list[tf.Tensor]:
        return emit(program, dict(zip(program.inputs, tensors, strict=True)))

    with tf.init_scope():  # outside of any graph that is being built
        concrete = tf.function(function, autograph=False).get_concrete_function(
            *(tf.TensorSpec(sizes, value.dtype) for sizes, value in pairs)
        )
        runs = [concrete(*(_filled(sizes, value.dtype, kind) for sizes, value in pairs)) for kind in range(3)]
    return [{tuple(size.numpy().tolist()) for size in found} for found in zip(*runs, strict=True)]


def _filled(sizes: Sequence[int], dtype: tf.DType, kind: int) -> tf.Tensor:
    """Returns a tensor of zeros, of ones, or of both in turn, by `kind`; strings are empty."""
    if dtype == tf.string:
        return tf.zeros(sizes, dtype)
    numbers = tf.range(math.prod(sizes)) % 2 if kind == 2 else tf.fill([math.prod(sizes)], kind)
    return tf.reshape(tf.cast(numbers, dtype), sizes)


def _without_draws(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
    """Returns zeros in the place of what a random op draws, so that nothing is drawn for a shape."""
    if node.type not in _OPS:
        return None
    spec, shape = node.specs[0], inputs[_OPS[node.type].shape]
    attrs = {"T": spec.dtype, "index_type": shape.dtype}
    return [new_op(node.name, "Fill", (shape, constant(f"{node.name}/zero", 0, spec.dtype)), spec, attrs)]


def _is_computable(given: Collection[Value], size: Value) -> bool:
    """Whether a shape depends on no numbers of given values, but through shapes, and on no op that may not run."""
    bounded = all(has_trip_bound(node) for node in active_loops(given, [size]))
    return bounded and size not in analyse(given, [size]).varying and find_draw((), [size]) is None


def _identity(value: Value, states: Collection[Value]) -> Any:
    """Returns what tells seeds apart: the ops that compute them, each read of a variable that changes by itself."""
    node = value.node
    fixed = node.inputs and not (node.type in DRAWN or any(value in states for value in node.inputs))
    if not fixed and node.type != "Const":
        return node, value.position
    attrs = sorted((name, proto.SerializeToString()) for name, proto in node.attrs.items() if name[0] != "_")
    return node.type, value.position, tuple(attrs), tuple(_identity(given, states) for given in node.inputs)


def _numbered(node: Node, draws: Sequence[Value], inputs: Sequence[Value], number: int, batched: bool) -> Value:
    """Returns the draw of a random op by number.

    Args:
      node: the op.
      draws: the key, and the number of the sample.
      inputs: the op's inputs.
      number: the number of the op's seed.
      batched: whether all examples share the draw of one.
    """
    op, spec = _OPS[node.type], node.specs[0]
    operands = [*draws, inputs[op.shape], *(inputs[position] for position in op.bounds)]
    known = spec.shape[1:] if batched else spec.shape

    def function(key: tf.Tensor, sample: tf.Tensor, shape: tf.Tensor, *bounds: tf.Tensor) -> tf.Tensor:
        whole = tf.cast(shape, tf.int32)
        own = whole[1:] if batched else whole
        own = tf.constant(known.as_list(), tf.int32) if known.is_fully_defined() else own
        drawn = op.law(key + tf.constant(number, tf.uint64), sample, own, spec.dtype, *bounds)
        drawn = tf.broadcast_to(drawn, whole) if batched else drawn
        drawn.set_shape(spec.shape)
        return drawn

    given = [value.spec for value in operands]
    appended, _ = read_function(tf.function(function, autograph=False).get_concrete_function(*given))
    (output,) = computed_from(appended, operands)
    return output
