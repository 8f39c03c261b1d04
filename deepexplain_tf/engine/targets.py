"""The target of one call, read for the model's output; outputs that a target needs are computed."""

from collections.abc import Sequence
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import is_symbolic
from deepexplain_tf.arguments.target import Selection, read_callable, read_target
from deepexplain_tf.arguments.units import Units, read_units
from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.forward import forward
from deepexplain_tf.errors import ModelError, TargetError
from deepexplain_tf.methods.base import Method
from deepexplain_tf.objective.model import Model
from deepexplain_tf.objective.objective import Objective


def select(
    engine: Engine, method: Method, model: Model, target: Any, arrays: Sequence[Any]
) -> tuple[Objective, Selection, tuple[str, ...]]:
    """Returns the objective of a target, its data for every example, and notes.

    Args:
      engine: the engine of the model.
      method: the method.
      model: the traced model.
      target: the user's target.
      arrays: an array `[batch, ...]` for each input of the model.
    """
    batch = arrays[0].shape[0]
    called = read_callable(target, batch)
    if called is not None:
        function, data = called
        objective = engine.objective(model, function, "callable", data)
        reported = getattr(function, "__name__", type(function).__name__)
        return objective, Selection("callable", data, reported), engine.check(method, objective)
    probe = engine.objective(model, None, "index")
    output = probe.program.outputs[0]
    fixed = output.shape.rank and output.shape[0] is not None and model.traced.batch is None
    if not output.shape.rank or fixed or 0 in output.shape[1:]:
        raise ModelError(f"an explained output must have the shape [batch, ...]. Got {output.shape}.")
    units = read_units(target, output.shape.as_list())
    if units is not None:
        objective = engine.objective(model, None, "index")
        return objective, _tiled(units, target, arrays[0]), engine.check(method, objective)
    selection = read_target(target, output.shape.as_list(), output.dtype, batch)
    objective = engine.objective(model, None, "weights" if selection.kind == "weights" else "index")
    notes = engine.check(method, objective)
    if selection.kind == "predicted" and objective.draws:
        raise TargetError(
            "target must be given for a random model with several units, whose predicted class changes with the draw. "
            'Got None; choose a class, such as that of the mean output, or target="all".'
        )
    if selection.kind == "predicted":
        selection = predicted(engine, objective, arrays)
        return objective, selection, notes
    (chosen,) = selection.data
    if is_symbolic(chosen):
        chosen = tf.broadcast_to(chosen, [tf.shape(arrays[0])[0], chosen.shape[1]])
    elif batch is not None:
        chosen = np.repeat(chosen, batch // len(chosen), axis=0)
    elif len(chosen) != 1:
        raise TargetError(
            f"a graph of open batch needs one target for all examples, or a tensor. Got {len(chosen)} targets."
        )
    return objective, dataclasses.replace(selection, data=(chosen,)), notes


def require_within(selection: Selection, lengths: Sequence[int] | None) -> None:
    """Refuses an index beyond the end of an axis whose length the inputs decide.

    Args:
      selection: the target.
      lengths: the lengths of the output's axes beside the batch, None if they are unknown.

    Raises:
      TargetError: the index lies beyond.
    """
    if selection.kind not in ("index", "predicted") or lengths is None or is_symbolic(selection.data[0]):
        return
    for column, length in zip(selection.data[0].T, lengths, strict=False):
        if column.max(initial=0) >= length:
            raise TargetError(
                f"target must lie in 0 … {length - 1} for an output of {length} places with these inputs. Got "
                f"{column.max()}."
            )


def _tiled(units: Units, target: Any, examples: Any) -> Selection:
    """Returns the selection of the same units for each example, `[batch · units, axes]`."""
    if is_symbolic(examples):
        index = tf.tile(units.index, [tf.shape(examples)[0], 1])
    else:
        index = np.tile(units.index, (examples.shape[0], 1))
    return Selection("index", (index,), target, units.shape)


def predicted(engine: Engine, objective: Objective, arrays: Sequence[Any]) -> Selection:
    """Returns the selection of the class that the model predicts for each example."""
    if any(is_symbolic(array) for array in arrays):
        output, _ = engine.forward(objective)(list(arrays))
        index = tf.argmax(output, axis=1, output_type=tf.int32)
        return Selection("index", (index[:, tf.newaxis],), index)
    output, _ = forward(engine, objective, arrays)
    index = output.argmax(1).astype(np.int32)
    return Selection("index", (index[:, np.newaxis],), index)
