"""The lengths of texts: what is explained behind a text layer must have one shape for all examples."""

from collections.abc import Sequence
from typing import Any

from deepexplain_tf.arguments.arrays import is_symbolic
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.forward import forward
from deepexplain_tf.errors import InputError
from deepexplain_tf.objective.model import Model


def require_one_length(engine: Engine, model: Model, arrays: Sequence[Any]) -> None:
    """Checks that each example by itself gives the explained layers the same shape, where strings decide on it.

    Raises:
      InputError: texts of several lengths.
    """
    open_axes = any(None in value.shape[1:] for value in model.explained)
    if model.prefix is None or not open_axes or any(is_symbolic(array) for array in arrays):
        return
    objective = model.chosen_outputs()
    if objective.string_input is None:
        return
    found = set()
    for number in range(len(arrays[0])):
        _, tensors = forward(engine, objective, [array[number : number + 1] for array in arrays])
        found.add(tuple(tensor.shape[1:] for tensor in tensors))
    if len(found) > 1:
        shown = sorted([list(shape) for shape in shapes] for shapes in found)[:3]
        shown = [shapes[0] if len(shapes) == 1 else shapes for shapes in shown]
        raise InputError(
            f"texts must give the explained layer one shape. Got {', '.join(map(str, shown))}; fix their length in the "
            "model, as TextVectorization(output_sequence_length=…) does, or explain texts of one length together."
        )
