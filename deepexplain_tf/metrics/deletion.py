"""Deletion: how fast does the target fall when the most relevant features are removed?"""

from typing import Any

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import metric
from deepexplain_tf.metrics.curves import Curve, curves


@metric("deletion", better="lower")
def deletion(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    steps: int = 20,
    baseline: Structure = None,
    groups: Any = None,
    chunk_size: int | None = None,
) -> Curve | dict[str, Curve]:
    """Area under f(x with the most relevant fraction q of the features at the baseline) over q; lower is better.

    The curve goes from f(x) to f(x₀); `pixel_flipping` has the first steps alone, and random values. With one feature
    per step, Quantus' `PixelFlipping` returns the same curve without its first point. For arguments, result and errors
    see `deepexplain_tf.metrics.curves`.

    References:
      Petsiuk, Das, Saenko, *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018,
      https://arxiv.org/abs/1806.07421.
    """
    return curves(lambda ranks, count: ranks < count, fn, inputs, attributions, steps, baseline, groups, chunk_size)
