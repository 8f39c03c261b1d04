"""Insertion: how fast does the target rise with the most relevant features alone?"""

from typing import Any

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import metric
from deepexplain_tf.metrics.curves import Curve, curves


@metric("insertion", better="higher")
def insertion(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    steps: int = 20,
    baseline: Structure = None,
    groups: Any = None,
    chunk_size: int | None = None,
) -> Curve | dict[str, Curve]:
    """Area under f(baseline with the q most relevant features of x) over the fraction q: the higher, the better.

    The trapezoid rule over `steps` + 1 points, in units of the target, from f(x₀) to f(x). Signed relevance counts:
    features that speak against the target come last. Equally relevant features come in the order of their numbers (row
    by row; the first input first). The paper starts pictures from a blurred copy: pass it as `baseline`.

    Args:
      fn: inputs → `[batch]`; this and what is not listed here as for all metrics, see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one or several; features of several elements have the sum of their attributions.
      steps: how many times about equally many features are replaced, ≥ 1; no more than there are features.
      baseline: what features are inserted into.
      groups: what a feature is; `"positions"` for the pixels of a picture.
      chunk_size: evaluations at once.

    Returns:
      A `Curve`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: any argument that does not fit, before `fn` is evaluated.

    References:
      Petsiuk, Das, Saenko, *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018,
      https://arxiv.org/abs/1806.07421.
    """
    options = {"steps": steps, "baseline": baseline, "groups": groups, "chunk_size": chunk_size}
    return curves(fn, inputs, attributions, lambda ranks, count: ranks >= count, **options)
