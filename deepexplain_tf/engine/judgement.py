"""What the numbers of an explanation say about themselves, as notes for the user."""

from collections.abc import Iterator, Mapping
import dataclasses
import functools
from typing import Any

import numpy as np

from deepexplain_tf.engine.audit import audit_call
from deepexplain_tf.engine.call import Call

_LARGE_GAP = 0.05  # of |outputs − baseline_outputs|
_SMALL_GAP = 1e-3  # of the outputs
_HUGE = 1e4  # of the outputs
_BLOCK = 2**18  # numbers at once
_EXTREMES = (np.fmax.reduce, np.fmin.reduce)  # pass over NaN, and sooner than `np.nanmax` does


def judge(call: Call, result: Mapping[str, Any], gap: np.ndarray | None) -> tuple[str, ...]:
    """Returns notes on gaps and on very large attributions.

    Args:
      call: the call.
      result: the `Result` of its method, as arrays.
      gap: `[batch]`, the completeness gap; None where the method does not promise completeness.
    """
    return (*(() if gap is None else _on_gaps(call, result, gap)), *_on_sizes(call, result))


def _on_gaps(call: Call, result: Mapping[str, Any], gap: np.ndarray) -> Iterator[str]:
    """Yields a note on gaps: beyond rounding for one backward pass, whose rules are exact; else on large ones."""
    ends = (result.get("mean_outputs", result["outputs"]), result["baseline_outputs"])
    output, baseline = (np.asarray(end, np.float64) for end in ends)
    change, largest, off = np.abs(output - baseline), np.maximum(np.abs(output), np.abs(baseline)), np.abs(gap)
    if call.method.one_pass:
        summed = sum(map(_sizes, result["attributions"]))
        allowed = call.objective.rounding_unit**0.5 * np.maximum(largest, summed)
    else:
        allowed = np.maximum(_LARGE_GAP * change, _SMALL_GAP * largest)
    wrong = off > allowed
    if wrong.any():
        worst = int(np.argmax(np.where(wrong, off, -1)))
        reason = _loss(call, worst) if call.method.one_pass else call.method.remedy
        what = "examples" if call.units == 1 else "units"
        yield (
            f"the attributions of {wrong.sum()} of {len(gap)} {what} do not add up, by up to {off[worst]:.2g} for a "
            f"change of {change[worst]:.2g}: {reason}"
        )


def _loss(call: Call, example: int) -> str:
    """Returns the op that loses most of one example's sum, and what to do."""
    size = call.objective.batch or 1
    start = example - example % size
    rows = np.resize(np.arange(start, min(start + size, call.count)), size)
    take = lambda array, rows: array if len(array) == 1 else array[rows]  # noqa: E731
    of_example = functools.partial(take, rows=rows // call.units)
    single = dataclasses.replace(
        call,
        inputs=[array[rows // call.units] for array in call.inputs],
        baseline=[of_example(array) for array in call.baseline],
        selection=dataclasses.replace(
            call.selection, data=tuple(take(array, rows) for array in call.selection.data), units=None
        ),
        progress=False,
    )
    first = next(iter(audit_call(single)))
    return f"{first.type} at {first.name!r} loses {abs(first.lost).max():.2g} of it; {call.method.remedy}"


def _on_sizes(call: Call, result: Mapping[str, Any]) -> Iterator[str]:
    """Yields a note on attributions beside which the output is nothing."""
    if call.method.per_unit:
        return
    output = float(np.abs(np.asarray(result["outputs"], np.float64)).max())
    found = [extreme(a, axis=None, initial=0) for a in result["attributions"] for extreme in _EXTREMES]
    largest = max(abs(float(end)) for end in found)
    if largest > _HUGE * output > 0:
        yield f"attributions up to {largest:.2g} for outputs up to {output:.2g}: {call.method.remedy}"


def _sizes(attributions: np.ndarray) -> np.ndarray:
    """Returns Σ |attribution| `[batch]`, a few examples at a time, so that no copy of all is made."""
    rows = attributions.reshape(len(attributions), -1)
    few = max(_BLOCK // max(rows.shape[1], 1), 1)
    blocks = [np.abs(rows[start : start + few]).sum(1, dtype=np.float64) for start in range(0, len(rows), few)]
    return np.concatenate(blocks)
