"""Finds the products with weights in a program, and which of its values and ops come before or behind them."""

from collections.abc import Collection

from deepexplain_tf.graph.activity import Activity, analyse
from deepexplain_tf.graph.ir import Node, Program, Value
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS, WEIGHTED


def behind_products(program: Program, explained: Collection[Value], behind: Collection[Value]) -> frozenset[Value]:
    """Returns the values of a program that layers have computed, with those of its inputs that `behind` names."""
    activity = analyse(explained, program.outputs)
    after = set(behind)
    for node in activity.nodes:
        if _multiplies(node, activity) or not after.isdisjoint(node.inputs):
            after.update(node.outputs())
    return frozenset(after)


def arguments_behind(node: Node, body: Program, activity: Activity, after: Collection[Value]) -> frozenset[Value]:
    """Returns the arguments of a program inside a loop or branch that layers have computed, in any iteration."""
    known = frozenset(argument for argument, value in given_to(node, body) if value in after)
    while node.type in LOOPS:
        inside = behind_products(node.bodies["body"], activity.varying_arguments(node, node.bodies["body"]), known)
        fed = zip(body.inputs, node.bodies["body"].outputs, strict=True)
        more = known | {argument for argument, value in fed if value in inside}
        if more == known:
            break
        known = more
    return known


def given_to(node: Node, body: Program) -> list[tuple[Value, Value]]:
    """Returns the arguments of a program inside a loop or branch, each with the value that it gets at first."""
    given = node.inputs if node.type in LOOPS else node.inputs[1:]
    return list(zip(body.inputs, given, strict=True))


def before_no_product(program: Program, explained: Collection[Value]) -> frozenset[Node]:
    """Returns the nodes behind which no product comes on any way to the outputs."""
    activity = analyse(explained, program.outputs)
    before: set[Node] = set()  # nodes with a product behind them
    for node in reversed(activity.nodes):
        if node in before or _multiplies(node, activity):
            before.update(value.node for value in node.inputs)
    return frozenset(activity.nodes) - before


def _multiplies(node: Node, activity: Activity) -> bool:
    """Whether an op is a product of a layer, or a loop or branch with one inside."""
    if node.type not in LOOPS | BRANCHES:
        return is_product(node, activity)
    return any(behind_products(body, activity.varying_arguments(node, body), ()) for body in node.bodies.values())


def is_product(node: Node, activity: Activity) -> bool:
    """Whether an op multiplies what is explained by weights: it has one active factor, and no custom gradient."""
    active = activity.inputs(node)
    return node.type in WEIGHTED and node.gradient is None and len(active) == 1 and activity.is_active(node)
