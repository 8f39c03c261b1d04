"""Strips a softmax or sigmoid at the end of a model, so that the target is a logit."""

from deepexplain_tf.graph.ir import Node, Value

_PROBABILITIES = {"Softmax", "Sigmoid"}
_PASSED = {"Identity", "IdentityN"}


def strip_probability(output: Value) -> tuple[Value, Node | None]:
    """Returns the logit of an output that is a Softmax or Sigmoid, and the stripped op.

    Any other output is returned unchanged, with None.
    """
    value = output
    while value.node.type in _PASSED:
        value = value.node.inputs[value.position]
    node = value.node
    return (node.inputs[0], node) if node.type in _PROBABILITIES else (output, None)
