"""Activity analysis: which values depend on the explained ones, and which ops lie between these and the target."""

from collections.abc import Collection, Iterable, Iterator
import dataclasses
import math

from deepexplain_tf.graph.ir import Node, Program, Value, topological_order
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS, REGROUPING, SHAPE_ONLY


@dataclasses.dataclass(frozen=True)
class Activity:
    """Which values of a program vary with the explained ones.

    Attributes:
      nodes: the nodes that the outputs need, in topological order; none if no value is explained.
      varying: the values that depend on the explained ones, in the sense of `how` in `analyse`.
    """

    nodes: tuple[Node, ...]
    varying: frozenset[Value]

    def inputs(self, node: Node) -> tuple[int, ...]:
        """Returns the positions of the node's varying inputs."""
        return tuple(position for position, value in enumerate(node.inputs) if value in self.varying)

    def is_active(self, node: Node) -> bool:
        """Whether the op is active: it computes varying, differentiable outputs from varying inputs."""
        varies = any(value in self.varying and value.differentiable for value in node.outputs())
        return varies and bool(self.inputs(node))

    def varying_arguments(self, node: Node, program: Program) -> list[Value]:
        """Returns the varying arguments of one program inside a loop or branch."""
        if node.type in LOOPS:
            varies = [value in self.varying for value in node.outputs()]
        else:
            varies = [value in self.varying for value in node.inputs[1:]]
        return [argument for argument, active in zip(program.inputs, varies, strict=True) if active]


def analyse(explained: Collection[Value], outputs: Iterable[Value], *, dependence: str = "numbers") -> Activity:
    """Returns which of the values that `outputs` need depend on `explained`.

    Args:
      explained: values of the program.
      outputs: the program's outputs.
      dependence: `"numbers"`; `"anything"`, shapes included; or `"derivatives"`, through
        differentiable values only.
    """
    nodes = tuple(topological_order(outputs)) if explained else ()
    varying = {value for value in explained if dependence != "derivatives" or value.differentiable}
    for node in nodes:
        if dependence != "anything" and node.type in SHAPE_ONLY:
            continue
        if any(value in varying for value in node.inputs):
            reached = _outputs(node, varying, dependence)
            varying.update(value for value in reached if dependence != "derivatives" or value.differentiable)
    return Activity(nodes, frozenset(varying))


def active_ops(explained: Collection[Value], outputs: Iterable[Value]) -> Iterator[tuple[Node, tuple[int, ...]]]:
    """Yields the active ops between `explained` and `outputs`, with the positions of their varying inputs.

    Loops and branches are entered; one is yielded itself only if its condition or branch index varies.
    """
    activity = analyse(explained, outputs)
    for node in activity.nodes:
        if not activity.is_active(node):
            continue
        if node.type in LOOPS | BRANCHES:
            if _choice_varies(node, activity):
                yield node, activity.inputs(node)
            for program in node.bodies.values():
                yield from active_ops(activity.varying_arguments(node, program), program.outputs)
        else:
            yield node, activity.inputs(node)


def active_loops(explained: Collection[Value], outputs: Iterable[Value]) -> Iterator[Node]:
    """Yields the active loops between `explained` and `outputs`, including those inside loops and branches."""
    activity = analyse(explained, outputs)
    for node in activity.nodes:
        if node.type in LOOPS | BRANCHES and activity.is_active(node):
            if node.type in LOOPS:
                yield node
            for program in node.bodies.values():
                yield from active_loops(activity.varying_arguments(node, program), program.outputs)


def control_depends_on(explained: Collection[Value], program: Program) -> bool:
    """Whether the condition of a loop or branch depends on the explained values or their shapes."""
    activity = analyse(explained, program.outputs, dependence="anything")
    for node in activity.nodes:
        if node.type in BRANCHES and node.inputs[0] in activity.varying:
            return True
        if node.type in LOOPS:
            condition = node.bodies["cond"]
            inside = analyse(
                activity.varying_arguments(node, condition), condition.outputs, dependence="anything"
            ).varying
            if condition.outputs[0] in inside:
                return True
    return False


def changes_rows(explained: Collection[Value], program: Program) -> bool:
    """Whether an active op may change the number of rows: it cuts examples into windows, or joins batches.

    A baseline that the batch shares then has several rows, but not as many as the batch.
    """
    return any(may_change_rows(node) for node, _ in active_ops(explained, program.outputs))


def may_change_rows(node: Node) -> bool:
    """Whether an op may stack parts of an example, or several batches, along the batch axis."""
    if node.type not in REGROUPING:
        return False
    before, after = node.inputs[node.type == "Concat"].shape, node.output().shape
    if before.rank is None or after.rank is None:
        return True
    if node.type == "Reshape":
        known = [math.prod(length for length in shape if length is not None) for shape in (before, after)]
        return known[0] != known[1] or any(shape.as_list().count(None) != 1 for shape in (before, after))
    if node.type in ("Concat", "ConcatV2"):
        return before.as_list() == after.as_list()  # no known axis has grown, so an open one may have
    return True


def _outputs(node: Node, varying: Collection[Value], dependence: str) -> list[Value]:
    """Returns the outputs that depend on the node's varying inputs."""
    if node.type in LOOPS:
        return _loop_outputs(node, varying, dependence)
    if node.type not in BRANCHES or node.inputs[0] in varying:
        return list(node.outputs())
    reached: set[int] = set()
    for program in node.bodies.values():
        pairs = zip(program.inputs, node.inputs[1:], strict=True)
        arguments = [argument for argument, value in pairs if value in varying]
        inside = analyse(arguments, program.outputs, dependence=dependence).varying
        reached.update(number for number, value in enumerate(program.outputs) if value in inside)
    return [node.output(number) for number in sorted(reached)]


def _loop_outputs(node: Node, varying: Collection[Value], dependence: str) -> list[Value]:
    """Returns the loop variables that vary after some number of iterations."""
    body = node.bodies["body"]
    positions = {number for number, value in enumerate(node.inputs) if value in varying}
    while True:
        inside = analyse([body.inputs[number] for number in positions], body.outputs, dependence=dependence).varying
        reached = positions | {number for number, value in enumerate(body.outputs) if value in inside}
        if reached == positions:
            break
        positions = reached
    if dependence == "numbers" and _condition_varies(node, positions):
        pairs = zip(body.inputs, body.outputs, strict=True)
        positions |= {number for number, (before, after) in enumerate(pairs) if before != after}
    return [node.output(number) for number in sorted(positions)]


def _condition_varies(node: Node, positions: Collection[int]) -> bool:
    condition = node.bodies["cond"]
    inside = analyse([condition.inputs[number] for number in positions], condition.outputs).varying
    return condition.outputs[0] in inside


def _choice_varies(node: Node, activity: Activity) -> bool:
    """Whether a loop's number of iterations, or the branch taken, depends on the explained values."""
    if node.type in BRANCHES:
        return node.inputs[0] in activity.varying
    return _condition_varies(node, [n for n, value in enumerate(node.outputs()) if value in activity.varying])
