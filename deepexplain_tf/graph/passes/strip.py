"""Strips a softmax or sigmoid at the end of a model, so that the target is a logit."""

from collections.abc import Collection

from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.ir import Node, Value, rewrite
from deepexplain_tf.graph.kinds import WEIGHTED, Kind, kind_of

_PROBABILITIES = ("Softmax", "Sigmoid")
# Ops that put the numbers of their first input elsewhere, and ops that put those of several inputs together.
_MOVING = ("EnsureShape", "ExpandDims", "Identity", "Reshape", "Squeeze", "Transpose")
_JOINING = ("ConcatV2", "IdentityN", "Pack")


def strip_probability(output: Value) -> tuple[Value, list[Node]]:
    """Returns an output with logits in place of its probabilities, and the stripped ops.

    The probabilities of a Softmax or Sigmoid may be moved, cast and put together, as the steps of a sequence are. An
    output that holds other numbers too is returned unchanged, with no op.
    """
    stripped = _probabilities(output)
    logits = {node.output(): node.inputs[0] for node in stripped}
    return rewrite([output], lambda *_: None, logits)[output], stripped


def find_probability(explained: Collection[Value], output: Value) -> Node | None:
    """Returns a Softmax or Sigmoid behind which numbers are only moved, averaged and scaled; None if there is none.

    Args:
      explained: the values on which the output depends.
      output: an output, of which no op was stripped.
    """
    activity = analyse(explained, [output])
    stack, seen = [output], {output}
    while stack:
        node = stack.pop().node
        if node.type in _PROBABILITIES and activity.is_active(node):
            return node
        linear = activity.is_active(node) and kind_of(node, activity.inputs(node)) is Kind.LINEAR
        if linear and node.type not in WEIGHTED:
            operands = {node.inputs[position] for position in activity.inputs(node)} - seen
            seen |= operands
            stack.extend(operands)
    return None


def _probabilities(value: Value) -> list[Node]:
    """Returns the ops that a value's numbers are the probabilities of, none if it holds other numbers too."""
    node = value.node
    if node.is_plain(*_PROBABILITIES):
        return [node]
    if node.gradient is not None:
        return []
    if node.type in _MOVING or (node.type == "Cast" and node.inputs[0].dtype.is_floating and value.dtype.is_floating):
        return _probabilities(node.inputs[0])
    if node.type not in _JOINING:
        return []
    operands = {"ConcatV2": node.inputs[:-1], "IdentityN": node.inputs[value.position :][:1]}.get(
        node.type, node.inputs
    )
    parts = [_probabilities(operand) for operand in operands]
    return list(dict.fromkeys(node for part in parts for node in part)) if all(parts) else []
