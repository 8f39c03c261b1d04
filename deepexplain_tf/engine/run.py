"""Runs one call of a method and turns the result into an `Explanation`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.engine.engine import Engine
from deepexplain_tf.engine.judgement import judge
from deepexplain_tf.engine.masks import masks_changed
from deepexplain_tf.engine.preparation import prepare
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.methods.base import Method


def run(engine: Engine, name: str, method: Method, inputs: Any, **arguments: Any) -> Explanation:
    """Explains a batch; see `DeepExplain.explain`.

    Args:
      engine: the engine of the model.
      name: the registered name of the method.
      method: the method.
      inputs: the user's inputs.
      **arguments: the other arguments of `prepare`.
    """
    call = prepare(engine, method, inputs, **arguments)
    if call.symbolic:
        result = method.run(call.evaluate_symbolic, None)
    elif call.differentiable:
        result = method.run(call.evaluate, None)
    else:
        result = method.run(call.evaluate, call.inputs[0].shape[0])

    def pack(values: Sequence[Any] | None) -> Any:
        return None if values is None else _pack(call.layout.structure, values)

    arrays = not (call.symbolic or call.differentiable)
    gap = None if not method.complete else _gap(result) if arrays else _tensor_gap(result)
    judged = (*judge(call, result, gap), *masks_changed(call)) if arrays else ()
    return Explanation(
        attributions=pack(result["attributions"]),
        outputs=result["outputs"],
        baseline_outputs=result.get("baseline_outputs"),
        completeness_gap=gap,
        n_steps=result.get("n_steps"),
        standard_error=pack(result.get("standard_error")),
        estimated_error=result.get("estimated_error"),
        method=name,
        target=call.selection.reported,
        notes=(*call.notes, *judged, *engine.runtime_notes(call.objective)),
    )


def _gap(result: Mapping[str, Any]) -> np.ndarray:
    """Returns Σ attributions − (outputs − baseline_outputs), added up in float64."""
    summed = result.get("total")
    if summed is None:
        summed = sum(array.reshape(len(array), -1).sum(1, dtype=np.float64) for array in result["attributions"])
    ends = [result[name].astype(np.float64) for name in ("outputs", "baseline_outputs")]
    return np.asarray(summed, np.float64) - (ends[0] - ends[1])


def _tensor_gap(result: Mapping[str, Any]) -> tf.Tensor:
    summed = result.get("total")
    if summed is None:
        summed = tf.add_n([tf.reduce_sum(a, list(range(1, len(a.shape)))) for a in result["attributions"]])
    return summed - (result["outputs"] - result["baseline_outputs"])


def _pack(positions: Any, values: Sequence[Any]) -> Any:
    if isinstance(positions, Mapping):
        return {name: values[position] for name, position in positions.items()}
    return values[0] if positions == 0 else type(positions)(values)
