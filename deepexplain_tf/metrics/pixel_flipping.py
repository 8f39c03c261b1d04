"""Pixel flipping: how far does the target fall while the most relevant features are replaced one after the other?"""

import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import require, require_seed, require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.curves import AtBaseline, replaced
from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.uniform import uniform_values


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PixelFlipping(Score):
    """The area over the perturbation curve (AOPC) of each example, `per_example` `[batch]`, in units of the target.

    Attributes:
      curve: `[batch, steps + 1]`, the target after 0, 1, … features are replaced.
    """

    curve: np.ndarray

    @property
    def mean_curve(self) -> np.ndarray:
        """`[steps + 1]`, the mean of `curve` over the examples."""
        return self.curve.mean(0)


@metric("pixel_flipping", better="higher", reversed_by={"order": "lerf"}, aliases=("region_perturbation", "aopc"))
def pixel_flipping(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    order: str = "morf",
    replacement: str = "uniform",
    value_range: tuple[float, float] | None = None,
    steps: int = 100,
    baseline: Structure = None,
    groups: Any = None,
    seed: int | None = None,
    chunk_size: int | None = None,
) -> PixelFlipping | dict[str, PixelFlipping]:
    """Area over the perturbation curve: Σ_{k=0…L} (f(x) − f(xₖ)) / (L + 1), with the k first features of x replaced.

    It looks at the first L features alone, where `deletion` goes on to the last one and scores the area under the
    curve; and it replaces them by random values, where `deletion` has a baseline. The features are ordered as in
    `deepexplain_tf.metrics.curves`. Quantus' `RegionPerturbation` returns the terms f(x) − f(xₖ) for k ≥ 1.

    Args:
      fn: inputs → `[batch]`; for this and the other arguments of all metrics see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one set, or several by name; the relevance of a feature is the sum over its elements.
      order: `"morf"`, the most relevant features first, where higher is better; or `"lerf"`, the least relevant ones
        first, where lower is better.
      replacement: `"uniform"`: values drawn uniformly for each element, once; or `"baseline"`.
      value_range: the lowest and the highest value that `"uniform"` draws; default: those of each input.
      steps: L, the number of features that are replaced, ≥ 1; at most all.
      baseline: the values of replaced features for `"baseline"`.
      groups: which elements form a feature: in the paper, a region of 9 × 9 pixels.
      seed: seed of the values, which are the same for all attributions.
      chunk_size: evaluations of `fn` at once.

    Returns:
      A `PixelFlipping`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: an argument does not fit, before `fn` is evaluated; or `fn` fails or is not finite.
      TypeError: `fn` is not a function of one or two arguments.

    References:
      Samek, Binder, Montavon, Lapuschkin, Müller, *Evaluating the Visualization of What a Deep Neural Network Has
      Learned*, IEEE Transactions on Neural Networks and Learning Systems 2017, https://arxiv.org/abs/1509.06321.
    """
    require(order in ("morf", "lerf"), "order", "'morf' or 'lerf'", order)
    require(replacement in ("uniform", "baseline"), "replacement", "'uniform' or 'baseline'", replacement)
    require_whole("steps", 1, steps)
    require_seed(seed)
    examples = Examples.read(inputs)
    scored, features = examples.attributions(attributions), examples.features(groups)
    x0 = examples.baseline(baseline)
    if replacement == "uniform":
        x0 = uniform_values(examples, examples.batch, value_range, seed)
    counts = np.arange(min(steps, features.count) + 1, dtype=np.int32)
    orders: dict[str, AtBaseline] = {
        "morf": lambda ranks, count: ranks < count,
        "lerf": lambda ranks, count: ranks >= features.count - count,
    }
    function = Function(fn, examples, chunk_size)
    values = replaced(orders[order], function, examples, scored, x0, features, counts)
    found = [curve.astype(np.float64) for curve in values]
    return scored.by_name([PixelFlipping(per_example=(c[:, :1] - c).mean(1), curve=c) for c in found])
