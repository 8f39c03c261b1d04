"""LIME: the coefficients of a linear model that is fitted to the target around the input."""

from collections.abc import Sequence
import dataclasses

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import is_real, require, require_whole
from deepexplain_tf.masking.coalitions import coalition_values
from deepexplain_tf.methods.base import METHODS, Data, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.players import PlayerMethod, carried, players_of
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite

_LEAST = 1e-6  # a smaller penalty is lost in rounding, which the regression needs where players outnumber samples


@METHODS.register("lime")
@dataclasses.dataclass(frozen=True)
class LIME(PlayerMethod):
    """β = argmin Σ π(z)·(F(z) − β₀ − Σᵢ βᵢzᵢ)² + α·Σᵢ βᵢ² over random z, where zᵢ says whether player i is present.

    F(z) is the target where the players of z are present and all others have the values of the baseline. Each player is
    present with probability ½, independently; the first z is the input itself. The weight of z is
    π(z) = √exp(−d²/w²), where d is the cosine distance between z and the input, 1 − √(share of players present), and w
    the kernel width: the kernel of the package `lime`. In units of the target; not complete. α draws coefficients
    towards 0. All examples of a call share the samples.

    Attributes:
      n_samples: the number of samples, ≥ 2; default 1000.
      kernel_width: the width w of the kernel, ≥ 1e-6; default 0.25.
      alpha: the weight α of the penalty, ≥ 1e-6; default 1.
      groups: which elements are one player; see `PlayerMethod`.

    References:
      Ribeiro, Singh, Guestrin, *"Why Should I Trust You?" Explaining the Predictions of Any Classifier*, KDD 2016,
      https://arxiv.org/abs/1602.04938.
    """

    n_samples: int = 1000
    kernel_width: float = 0.25
    alpha: float = 1.0

    def __post_init__(self) -> None:
        require_whole("n_samples", 2, self.n_samples)
        for option in ("kernel_width", "alpha"):
            value = getattr(self, option)
            require(is_real(value) and value >= _LEAST, option, f"a number ≥ {_LEAST}", value)

    @property
    def evaluations(self) -> int:
        return self.n_samples

    def data(self, layout: Layout) -> Data:
        players = self.players(layout)
        coalitions = np.random.default_rng(layout.seed).random((self.n_samples, players.count)) < 0.5
        coalitions[0] = True
        distance = 1 - np.sqrt(coalitions.mean(1))
        weights = np.exp(-((distance / self.kernel_width) ** 2) / 2)
        return {**players.data, "coalitions": coalitions, "weights": weights, "alpha": np.float64(self.alpha)}

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        baselines, players = scope.expand_baseline(baseline), players_of(data)
        values = coalition_values(scope, baselines, players, data["coalitions"], chunks)
        value = _regress(values, data["coalitions"], data["weights"], data["alpha"])
        return {
            "attributions": carried(value, players),
            "outputs": scope.value(scope.explained),
            "baseline_outputs": scope.value(baselines),
        }


def _regress(values: tf.Tensor, coalitions: tf.Tensor, weights: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """Returns the coefficients `[batch, players]` of a ridge regression with an intercept, in float64 inside.

    Args:
      values: F(z) `[batch, coalitions]`.
      coalitions: booleans `[coalitions, players]`.
      weights: `[coalitions]`.
      alpha: the penalty of the coefficients, but not of the intercept.
    """
    weight, root = weights[:, tf.newaxis], tf.sqrt(weights)[:, tf.newaxis]

    def centred(columns: tf.Tensor) -> tf.Tensor:
        columns = tf.cast(columns, tf.float64)
        return root * (columns - tf.reduce_sum(weight * columns, 0) / tf.reduce_sum(weight))

    coefficients = tf.linalg.lstsq(centred(coalitions), centred(tf.transpose(values)), l2_regularizer=alpha)
    return tf.cast(tf.transpose(coefficients), values.dtype)
