"""KernelSHAP: Shapley values as the coefficients of a weighted regression."""

from collections.abc import Iterator, Sequence
import dataclasses
import itertools
import math
from typing import ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import is_int, require
from deepexplain_tf.errors import OptionError
from deepexplain_tf.masking.coalitions import all_coalitions, coalition_values, exact_shapley
from deepexplain_tf.methods.base import METHODS, Data, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.players import PlayerMethod, carried, players_of
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite


@METHODS.register("kernel_shap")
@dataclasses.dataclass(frozen=True)
class KernelSHAP(PlayerMethod):
    """φ = argmin Σ π(z)·(F(z) − F(x₀) − Σᵢ φᵢzᵢ)² over coalitions z, where Σᵢ φᵢ = F(x) − F(x₀).

    F(z) is the target where the players of z are present and all others have the values of the baseline. A coalition
    of k of the n players has the Shapley kernel π(z) = (n − 1) / (C(n, k)·k·(n − k)); over all coalitions, φ are the
    Shapley values. In units of the target. Guarantees completeness, which the regression has as its constraint.

    If the 2ⁿ coalitions are at most `n_samples`, the exact Shapley values are computed from all of them. Otherwise
    coalitions come in pairs, each with its complement: those of one player and of all but one; those of further sizes
    as long as the kernel gives them a sample each; the other sizes are drawn in proportion to the kernel.

    Attributes:
      n_samples: the number of coalitions, even, ≥ 2 and at least twice the number of players; default 2048.
      groups: which elements are one player; see `PlayerMethod`.

    References:
      Lundberg, Lee, *A Unified Approach to Interpreting Model Predictions*, NeurIPS 2017,
      https://arxiv.org/abs/1705.07874. Covert, Lee, *Improving KernelSHAP*, AISTATS 2021,
      https://arxiv.org/abs/2012.01536 (pairs).
    """

    complete: ClassVar[bool] = True
    n_samples: int = 2048

    def __post_init__(self) -> None:
        valid = is_int(self.n_samples) and self.n_samples >= 2 and self.n_samples % 2 == 0
        require(valid, "n_samples", "an even whole number ≥ 2", self.n_samples)

    @property
    def cost(self) -> str:
        return f"at most {self.n_samples:,} evaluations of the model"

    def data(self, layout: Layout) -> Data:
        players = self.players(layout)
        if players.count < int(self.n_samples).bit_length():  # 2ⁿ ≤ n_samples
            return {**players.data, **all_coalitions(players.count)}
        if self.n_samples < 2 * players.count:
            raise OptionError(
                f"n_samples must be at least {2 * players.count}, twice the number of players, or groups= make fewer "
                f"players. Got {self.n_samples}."
            )
        return {**players.data, **_weighted_coalitions(players.count, self.n_samples, layout.seed)}

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        baselines = scope.expand_baseline(baseline)
        target, target0 = scope.value(scope.explained), scope.value(baselines)
        players, coalitions = players_of(data), data["coalitions"]
        values = coalition_values(scope, baselines, players, coalitions, chunks)
        if "joined" in data:
            value = exact_shapley(values, data["before"], data["joined"], data["weights"])
        else:
            value = _regress(values - target0[:, tf.newaxis], target - target0, coalitions, data["weights"])
        return {
            "attributions": carried(value, players),
            "outputs": target,
            "baseline_outputs": target0,
            "total": tf.reduce_sum(value, 1),
        }


def _regress(gains: tf.Tensor, total: tf.Tensor, coalitions: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns φ `[batch, players]` with the sum `total` `[batch]`, in float64 inside.

    The constraint eliminates the last player: its value is the total less all others.

    Args:
      gains: F(z) − F(x₀) `[batch, coalitions]`.
      total: F(x) − F(x₀) `[batch]`.
      coalitions: booleans `[coalitions, players]`.
      weights: `[coalitions]`.
    """
    z, y, whole = (tf.cast(tensor, tf.float64) for tensor in (coalitions, tf.transpose(gains), total))
    last, root = z[:, -1:], tf.sqrt(weights)[:, tf.newaxis]
    others = tf.linalg.lstsq(root * (z[:, :-1] - last), root * (y - last * whole))
    value = tf.concat([others, whole[tf.newaxis] - tf.reduce_sum(others, 0, keepdims=True)], 0)
    return tf.cast(tf.transpose(value), gains.dtype)


def _weighted_coalitions(n_players: int, n_samples: int, seed: int | None) -> dict[str, np.ndarray]:
    """Returns coalitions `[at most n_samples, players]`, and the Shapley kernel as their weights."""
    sizes = range(1, n_players // 2 + 1)  # each with its complement, but for the half of all players
    mass = {size: (1 if 2 * size == n_players else 2) / (size * (n_players - size)) for size in sizes}
    coalitions, weights, left, drawn = [], [], n_samples, list(sizes)
    while drawn:
        size, share = drawn[0], left * mass[drawn[0]] / sum(mass[other] for other in drawn)
        count = math.comb(n_players, size) * (1 if 2 * size == n_players else 2)
        if count > share and size > 1:
            break
        coalitions += list(_of_size(n_players, size))
        weights += [mass[size] / count] * count
        left -= count
        del drawn[0]
    if drawn and left:
        kernel = np.array([mass[size] for size in drawn])
        coalitions += list(_drawn_pairs(n_players, np.array(drawn), kernel / kernel.sum(), left // 2, seed))
        weights += [kernel.sum() / left] * left
    return {"coalitions": np.array(coalitions, bool), "weights": np.array(weights)}


def _of_size(n_players: int, size: int) -> Iterator[np.ndarray]:
    """Yields all coalitions of a size, each followed by its complement, unless that has the same size."""
    for members in itertools.combinations(range(n_players), size):
        coalition = np.isin(np.arange(n_players), members)
        yield coalition
        if 2 * size != n_players:
            yield ~coalition


def _drawn_pairs(
    n_players: int, sizes: np.ndarray, probability: np.ndarray, n_pairs: int, seed: int | None
) -> Iterator[np.ndarray]:
    """Yields random coalitions of random sizes, each followed by its complement."""
    generator = np.random.default_rng(seed)
    for size in generator.choice(sizes, n_pairs, p=probability):
        coalition = generator.permutation(n_players) < size
        yield coalition
        yield ~coalition
