"""What the numbers of an explanation say, in plain words."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from deepexplain_tf.explanation.explanation import Explanation

_SMALL = 0.01  # a share of the change that rounding and quadratures leave


def of_sum(e: "Explanation", index: tuple[int, ...]) -> str:
    """Returns whether the attributions of one example and unit add up, and to what."""
    if e.completeness_gap is None:
        return "This method does not promise that its attributions add up to the output: compare their sizes only."
    output, gap = _at(e.outputs, index), _at(e.completeness_gap, index)
    if e.baseline_outputs is None:
        return (
            f"The output is {output:.4g}, and the attributions add up to {output + gap:.4g}. Biases keep the rest; "
            "this method promises no more."
        )
    start = _at(e.baseline_outputs, index)
    change = output - start
    share = abs(gap) / abs(change) if change else float("inf") if gap else 0.0
    told = f"The output is {start:.4g} at the baseline and {output:.4g} here: a change of {change:+.4g}. "
    if share <= _SMALL:
        return told + f"The attributions add up to it (within {max(share, 1e-6):.1g} of it)."
    return told + f"The attributions add up to {change + gap:+.4g}, which is off by {share:.0%}: read them with care."


def of_error(e: "Explanation", index: tuple[int, ...]) -> str | None:
    """Returns how far sampled or refined attributions may be off, None for exact ones."""
    if e.estimated_error is not None:
        return f"Estimated relative error of the attributions: at most {_at(e.estimated_error, index):.1g}."
    if e.standard_error is not None:
        return "The attributions are means over random samples; the standard error of each is part of the saved file."
    return None


def _at(values: Any, index: tuple[int, ...]) -> float:
    return float(np.asarray(values, np.float64)[index])
