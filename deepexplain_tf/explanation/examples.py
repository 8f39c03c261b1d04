"""Some of the examples of an explanation, or one of them."""

from collections.abc import Callable
import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from deepexplain_tf.explanation.structure import each, is_array, rows_of

if TYPE_CHECKING:
    from deepexplain_tf.explanation.explanation import Explanation

_ARRAYS = (
    "attributions",
    "outputs",
    "baseline_outputs",
    "completeness_gap",
    "n_steps",
    "standard_error",
    "estimated_error",
    "inputs",
)


def chosen(e: "Explanation", rows: Any) -> "Explanation":
    """Returns the explanation of some examples, of one without the axis of the batch; see `Explanation.__getitem__`.

    Raises:
      IndexError: There is no such example.
    """
    count = len(e)
    one = isinstance(rows, int | np.integer) and not isinstance(rows, bool)
    if one and not -count <= rows < count:
        raise IndexError(f"an explanation of {count} examples has those from {-count} to {count - 1}. Got {rows}.")
    index = int(rows) if one else rows if isinstance(rows, slice) else np.asarray(rows)

    def of_array(value: Any) -> Any:
        return rows_of(value, index) if is_array(value) and np.ndim(value) else value

    def of_names(names: Any) -> Any:
        return rows_of(names, index)

    changes = {name: each(of_array, getattr(e, name)) for name in _ARRAYS}
    changes["target"] = _target(e.target, index, count)
    changes["tokens"] = each_row(of_names, e.tokens, e.attributions)
    changes["example_names"] = None if e.example_names is None else of_names(e.example_names)
    return dataclasses.replace(e, batched=not one, **changes)


def as_batch(e: "Explanation") -> "Explanation":
    """Returns the explanation of one example as that of a batch of one; any other as it is."""
    if e.batched:
        return e

    def widened(value: Any) -> Any:
        if hasattr(value, "iloc"):
            return value.to_frame().T
        return np.asarray(value)[np.newaxis] if is_array(value) else value

    changes = {name: each(widened, getattr(e, name)) for name in _ARRAYS}
    changes["target"] = widened(e.target)
    changes["tokens"] = each_row(lambda row: (row,), e.tokens, e.attributions)
    changes["example_names"] = None if e.example_names is None else (e.example_names,)
    return dataclasses.replace(e, batched=True, **changes)


def each_row(function: Callable[[Any], Any], names: Any, attributions: Any) -> Any:
    """Returns names in the structure of the attributions, with `function` of those of each array; None stays."""
    if names is None:
        return None
    if isinstance(attributions, dict):
        return {name: each_row(function, part, None) for name, part in names.items()}
    if isinstance(attributions, list | tuple):
        return type(attributions)([each_row(function, part, None) for part in names])
    return function(names)


def _target(target: Any, index: Any, count: int) -> Any:
    """Returns the target of some examples: a row of a target that has one for each example, any other as it is."""
    if not isinstance(target, np.ndarray) or not target.ndim:
        return target
    rows = target[index] if len(target) == count else target if not isinstance(index, int) else target[0]
    if isinstance(index, int) and target.dtype.kind in "iu":
        return int(rows) if rows.ndim == 0 else tuple(map(int, rows))
    return rows
