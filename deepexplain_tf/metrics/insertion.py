"""Insertion: how fast does the target rise when the most relevant features are added to the baseline?"""

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
    """Area under f(baseline with the most relevant fraction q of the features from x) over q; higher is better.

    The curve goes from f(x₀) to f(x). The paper starts pictures from a blurred copy: pass it as `baseline`. For
    arguments, result and errors see `deepexplain_tf.metrics.curves`.

    References:
      Petsiuk, Das, Saenko, *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018,
      https://arxiv.org/abs/1806.07421.
    """
    return curves(lambda ranks, count: ranks >= count, fn, inputs, attributions, steps, baseline, groups, chunk_size)
