"""Forms neurons: a nonlinearity and the linear ops directly in front of it become one node.

A neuron is y = f(z), where f is an activation or a canonical group, and z a linear function of other values: products
with weights, with biases, sums, scales and reshapes behind them. A neuron begins at the inputs of its products, and
in front of sums at values that other ops read too.
"""

from collections.abc import Collection, Mapping, Sequence
import dataclasses

from deepexplain_tf.graph.activity import Activity, analyse
from deepexplain_tf.graph.ir import NEURON, Node, Program, Value, arguments_for, rewrite, rewrite_program
from deepexplain_tf.graph.kinds import ADDITIONS, AVERAGES, BRANCHES, LOOPS, ROUTING, SCALINGS, WEIGHTED, Kind, kind_of

_LINEAR = ADDITIONS | AVERAGES | ROUTING | SCALINGS | WEIGHTED


def form_neurons(
    program: Program, explained: Collection[Value], kinds: Collection[Kind], kept: Collection[str] = ()
) -> Program:
    """Returns the program in which each neuron of some kinds is one node of type `"Neuron"`.

    Its bodies are `"front"`, the program of z, and `"body"`, the program of y, whose last op is the nonlinearity; both
    take the inputs of the node.

    Args:
      program: any program; a canonical one, if groups count as nonlinearities.
      explained: the explained inputs, on which the neurons depend.
      kinds: the kinds of neurons: with a convolution in front (`Kind.CONVOLUTION`), with other products only
        (`Kind.DENSE`), with sums alone (`Kind.LINEAR`).
      kept: op types and kinds that are no part of a neuron.
    """
    activity = analyse(explained, program.outputs)
    uses = program.uses()
    current: dict[Value, Value] = {}

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node.type in LOOPS | BRANCHES and activity.is_active(node):
            bodies = {
                name: form_neurons(body, activity.varying_arguments(node, body), kinds, kept)
                for name, body in node.bodies.items()
            }
            return dataclasses.replace(node, inputs=inputs, bodies=bodies).outputs()
        front = _front(node, activity, uses) if _is_function(node, activity) else []
        named = {name for op in (node, *front) for name in (op.type, kind_of(op, activity.inputs(op)))}
        if _kind(front, activity) not in kinds or not named.isdisjoint(kept):
            return None
        return _neuron(node, front, activity, current).outputs()

    return rewrite_program(program, transform, current)


def _is_function(node: Node, activity: Activity) -> bool:
    """Whether an op is an activation of one active input."""
    active = activity.inputs(node)
    return (
        activity.is_active(node)
        and len(active) == len(node.specs) == 1
        and node.gradient is None
        and node.output().dtype.is_floating
        and kind_of(node, active) is Kind.ACTIVATION
    )


def _front(function: Node, activity: Activity, uses: Mapping[Value, int]) -> list[Node]:
    """Returns the linear ops in front of a nonlinearity, up to the first that reads several values, or has weights.

    In front of an op that reads several values come those that no other op reads.
    """
    front: dict[Node, None] = {}
    stack = [(function.inputs[position], True) for position in activity.inputs(function)]
    while stack:
        value, whole = stack.pop()
        node = value.node
        if node in front or not (whole or uses[value] == 1) or not _is_linear(node, activity):
            continue
        front[node] = None
        if node.type not in WEIGHTED:
            active = activity.inputs(node)
            stack.extend((node.inputs[position], whole and len(active) == 1) for position in active)
    return list(front)


def _is_linear(node: Node, activity: Activity) -> bool:
    """Whether an op is linear, with coefficients whose signs are known or those of an input."""
    active = activity.inputs(node)
    known = node.type in _LINEAR and node.gradient is None and bool(active)
    if not known or kind_of(node, active) is not Kind.LINEAR:
        return False
    if node.type in WEIGHTED and sum(value.dtype == node.output().dtype for value in node.inputs) != 2:
        return False
    return all(value.dtype.is_floating for value in (*(node.inputs[n] for n in active), node.output()))


def _kind(front: Collection[Node], activity: Activity) -> Kind | None:
    """Returns the kind of a neuron, None if no op in front of the nonlinearity mixes values."""
    sums = [node for node in front if node.type in ADDITIONS and len(activity.inputs(node)) > 1]
    if not sums and all(node.type not in WEIGHTED | AVERAGES for node in front):
        return None
    products = [node.type for node in front if node.type in WEIGHTED]
    if not products:
        return Kind.LINEAR
    return Kind.CONVOLUTION if any("Conv" in product for product in products) else Kind.DENSE


def _neuron(function: Node, front: Sequence[Node], activity: Activity, current: Mapping[Value, Value]) -> Node:
    members = dict.fromkeys((function, *front))
    operands = dict.fromkeys(value for node in members for value in node.inputs if value.node not in members)
    arguments = dict(zip(operands, arguments_for(operands), strict=True))
    inside = rewrite([function.output()], lambda *_: None, dict(arguments))
    (position,) = activity.inputs(function)
    ends = {"front": function.inputs[position], "body": function.output()}
    bodies = {name: Program(tuple(arguments.values()), (inside[end],)) for name, end in ends.items()}
    inputs = tuple(current[value] for value in operands)
    return Node(function.name, NEURON, inputs, function.specs, device=function.device, bodies=bodies)
