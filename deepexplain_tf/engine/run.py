"""Runs one call of a method and turns the result into an `Explanation`."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.features import number_groups
from deepexplain_tf.arguments.structure import pack
from deepexplain_tf.engine.call import Call
from deepexplain_tf.engine.judgement import judge
from deepexplain_tf.engine.masks import masks_changed
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.objective.shapes import sum_rows


def run(name: str, call: Call) -> Explanation:
    """Explains a batch; see `DeepExplain.explain`.

    Args:
      name: the registered name of the method.
      call: the call of the method.
    """
    engine, method = call.engine, call.method
    if call.symbolic:
        result = call.method.run(call.evaluate_symbolic, None)
    elif call.differentiable:
        result = call.method.run(call.evaluate, None)
    else:
        result = call.method.run(call.evaluate, call.count)

    arrays = not (call.symbolic or call.differentiable)
    of_table = arrays and engine.settings.layer is None and call.selection.units is None and not method.pairwise
    table = call.contents.table if of_table else None

    def by_unit(value: Any) -> Any:
        return value if call.selection.units is None else _by_unit(value, call.selection.units)

    def packed(values: Sequence[Any] | None) -> Any:
        if values is None:
            return None
        whole = pack(call.named_structure, list(map(by_unit, values)))
        return call.contents.pack(whole) if of_table else whole

    summed = method.complete or method.conserves
    gap = None if not summed else _gap(result) if arrays else _tensor_gap(result)
    judged = (*judge(call, result, gap if method.complete else None), *masks_changed(call)) if arrays else ()
    return Explanation(
        attributions=packed(result["attributions"]),
        outputs=by_unit(result["outputs"]),
        baseline_outputs=by_unit(result.get("baseline_outputs")),
        completeness_gap=by_unit(gap),
        n_steps=by_unit(result.get("n_steps")),
        standard_error=packed(result.get("standard_error")),
        estimated_error=by_unit(result.get("estimated_error")),
        method=name,
        target=call.selection.reported,
        notes=(*call.notes, *judged, *engine.events.notes(call.objective)),
        inputs=_inputs(call, table, copied=arrays),
        groups=_groups(call) if arrays else None,
        pairwise=method.pairwise,
        **_names(call, table),
    )


def _names(call: Call, table: Any) -> dict[str, Any]:
    """Returns the names, with those of a table's columns where the user gave none."""
    names = vars(call.names)
    if table is None or names["feature_names"] is not None:
        return names
    return {**names, "feature_names": tuple(map(str, table.columns))}


def _inputs(call: Call, table: Any, *, copied: bool) -> Any:
    """Returns the inputs in their structure, arrays as copies, since the user may change them; a table as a table."""
    if table is not None:
        return table.copy()
    return pack(call.structure, [np.array(array) if copied else array for array in call.inputs])


def _groups(call: Call) -> Any:
    """Returns the groups whose value each of their elements carries, in the structure of the attributions."""
    groups = call.method.grouped
    if groups is None or call.method.pairwise:
        return None
    numbers = number_groups(call.layout.flatten("groups", groups), call.layout.lengths)
    return pack(call.layout.structure, numbers)


def _by_unit(value: Any, units: tuple[int, ...]) -> Any:
    """Returns `[batch, *units, ...]` of a value `[batch · units, ...]`; any other value as it is."""
    if tf.is_tensor(value):
        return tf.reshape(value, tf.concat([[-1], units, tf.shape(value)[1:]], 0))
    if isinstance(value, np.ndarray) and value.ndim:
        rows = len(value) // math.prod(units)
        return value.reshape(rows, *units, *value.shape[1:])
    return value


def _gap(result: Mapping[str, Any]) -> np.ndarray:
    """Returns Σ attributions − (mean_outputs or outputs − baseline_outputs, if there are any), added up in float64."""
    summed = result.get("total")
    if summed is None:
        summed = sum(array.reshape(len(array), -1).sum(1, dtype=np.float64) for array in result["attributions"])
    reached, start = result.get("mean_outputs", result["outputs"]), result.get("baseline_outputs", 0)
    return np.asarray(summed, np.float64) - (np.asarray(reached, np.float64) - np.asarray(start, np.float64))


def _tensor_gap(result: Mapping[str, Any]) -> tf.Tensor:
    summed = result.get("total")
    if summed is None:
        summed = sum_rows(result["attributions"])
    return summed - (result.get("mean_outputs", result["outputs"]) - result.get("baseline_outputs", 0))
