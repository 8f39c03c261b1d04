"""The z-box rule, for inputs between bounds."""

import functools
import hashlib
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import OptionError
from deepexplain_tf.rules.base import RULES
from deepexplain_tf.rules.relevance.base import (
    ONE_SIGN,
    Layer,
    RelevanceRule,
    negative,
    of_layers,
    positive,
    shares,
)
from deepexplain_tf.rules.relevance.parameters import bound, described, number


@RULES.register("z_box")
def z_box(low: Any = None, high: Any = None, epsilon: float = ONE_SIGN) -> RelevanceRule:
    """Returns the rule x ⊙ Kᵀs − l ⊙ (K⁺)ᵀs − h ⊙ (K⁻)ᵀs, for pixels and other inputs between l and h.

    s = R / (z + ε·sign z) with z = K·x − K⁺·l − K⁻·h, which is never negative. Conserves relevance up to ε, whatever
    the bias.

    Args:
      low: the smallest value l that an input can have, a number or an array that broadcasts to x; None for the
        smallest number of each example.
      high: the largest value h, alike.
      epsilon: the stabilizer ε ≥ 0.

    Raises:
      OptionError: bounds that are no finite numbers, or a low one above a high one; a stabilizer below 0.

    References:
      Montavon et al., *Deep Taylor Decomposition*, Pattern Recognition 2017,
      https://doi.org/10.1016/j.patcog.2016.11.008.
    """
    lower, upper = bound("low", low), bound("high", high)
    epsilon = number("epsilon", epsilon, least=0)
    if lower is not None and upper is not None and np.any(lower > upper):
        raise OptionError("low must not be above high. Got a low bound that is.")

    def flow(layer: Layer, relevance: tf.Tensor) -> tf.Tensor:
        least, most = _at(lower, tf.reduce_min, layer.x), _at(upper, tf.reduce_max, layer.x)
        terms = [
            (layer.x, layer.kernel, None),
            (least, -positive(layer.kernel), None),
            (most, -negative(layer.kernel), None),
        ]
        return shares(layer, relevance, terms, epsilon)

    shown = [] if lower is upper is None else map(_shown, (lower, upper))
    return of_layers(described("z_box", *shown, epsilon=(epsilon, ONE_SIGN)), flow)


def _at(given: np.ndarray | None, extreme: Any, x: tf.Tensor) -> tf.Tensor:
    of_example = functools.partial(extreme, x, list(range(1, len(x.shape))), keepdims=True)
    value = of_example() if given is None else tf.constant(given, x.dtype)
    return value * tf.ones_like(x)


def _shown(given: np.ndarray | None) -> float | str:
    if given is None or given.ndim == 0:
        return "None" if given is None else float(given)
    return f"array {list(given.shape)} {hashlib.sha1(given.tobytes()).hexdigest()[:8]}"
