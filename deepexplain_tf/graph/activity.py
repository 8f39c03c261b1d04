"""Which values of a program depend on the explained ones, and which ops lie between them and the target."""

from collections.abc import Collection, Iterable
import dataclasses

from deepexplain_tf.graph.ir import Node, Value, order
from deepexplain_tf.graph.kinds import SHAPE_ONLY


@dataclasses.dataclass(frozen=True)
class Activity:
    """The dependence of a program on some of its values.

    Attributes:
      nodes: all nodes behind the outputs, each after those that it reads.
      varying: the values whose numbers (not merely their shape) depend on the explained values.
    """

    nodes: tuple[Node, ...]
    varying: frozenset[Value]

    def inputs(self, node: Node) -> tuple[int, ...]:
        """Returns the positions of the inputs that vary."""
        return tuple(position for position, value in enumerate(node.inputs) if value in self.varying)

    def active(self) -> list[Node]:
        """Returns the ops between the explained values and the outputs that compute with real numbers."""
        return [node for node in self.nodes if self.is_active(node)]

    def is_active(self, node: Node) -> bool:
        """Whether a rule can be given to the op."""
        varies = any(value in self.varying and value.differentiable for value in node.outputs())
        return varies and bool(self.inputs(node))


def analyse(explained: Collection[Value], outputs: Iterable[Value]) -> Activity:
    """Returns what depends on `explained` among all that `outputs` need."""
    nodes = tuple(order(outputs))
    varying = set(explained)
    for node in nodes:
        if node.type not in SHAPE_ONLY and any(value in varying for value in node.inputs):
            varying.update(node.outputs())
    return Activity(nodes, frozenset(varying))


def differentiable_path(explained: Value, outputs: Iterable[Value]) -> bool:
    """Whether some output depends on `explained` through real numbers alone."""
    reached = {explained} if explained.differentiable else set()
    for node in order(outputs):
        if node.type not in SHAPE_ONLY and any(value in reached for value in node.inputs):
            reached.update(value for value in node.outputs() if value.differentiable)
    return any(value in reached for value in outputs)
