"""Integrated Hessians: interactions between features."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require_between
from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.base import METHODS, Data, Evaluate, Method, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.players import Players, players_of, read_players
from deepexplain_tf.objective.background import Background
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.directions import gradient_along
from deepexplain_tf.objective.evaluations import (
    Evaluations,
    Tensors,
    as_column,
    gather_shared,
    on_line,
    sum_terms,
    weighted,
    wide_dtype,
)
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows, join_rows
from deepexplain_tf.paths.quadrature import as_data, gauss_logarithm
from deepexplain_tf.rules.composites import Composite

_MAX_STEPS = 500
_MAX_FEATURES = 512


@METHODS.register("integrated_hessians")
@dataclasses.dataclass(frozen=True)
class IntegratedHessians(Method):
    """The interaction of features i and j: the integrated gradient of the integrated gradient of i, by j.

    Γᵢⱼ = ΔᵢΔⱼ ∫₀¹∫₀¹ αβ · ∂²F/∂xᵢ∂xⱼ(x₀ + αβΔ) dα dβ with Δ = x − x₀, and Γᵢᵢ has Δᵢ ∫₀¹∫₀¹ ∂F/∂xᵢ(x₀ + αβΔ) dα dβ in
    addition. In units of the target. Attributions are one symmetric array `[batch, features, features]`; a feature is
    an element of the explained tensors, which are flattened one after the other, or a group, by ascending number, whose
    interactions are added up. Guarantees Σⱼ Γᵢⱼ = the integrated gradient of i, and so completeness, ΣΓ = F(x) − F(x₀),
    up to the error of the quadrature. With `background`, they are the mean over its baselines (Expected Hessians).

    The integral over α and β is one over their product, whose density is −ln; its nodes are those of Gauss's rule for
    this density. A node costs a Hessian times a vector for each feature. Where F is piecewise linear in between
    (ReLU, max pooling), second derivatives are 0, and the kinks that hold the interactions are missed:
    `completeness_gap` shows it. The paper replaces ReLU by softplus, in the trained network.

    Attributes:
      n_steps: nodes per example (and baseline), 1 … 500; default 64.
      groups: whole numbers shaped like one example; with several explained tensors, arrays in their structure. Elements
        with the same number, also across tensors, are one feature. Default: every element is one. At most 512 features.
      background: a set of baselines for all examples `[n_baselines, ...]`, or one for each
        `[batch, n_baselines, ...]`, in the structure of the explained tensors; excludes `baseline`.

    Raises:
      OptionError: more than 512 features.
      UnsupportedOpError: an op whose gradient has no gradient.

    References:
      Janizek, Sturmfels, Lee, *Explaining Explanations: Axiomatic Feature Interactions for Deep Networks*, JMLR 2021,
      https://arxiv.org/abs/2002.04138.
    """

    uses_baseline: ClassVar[bool] = True
    repeats: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    pairwise: ClassVar[bool] = True
    remedy: ClassVar[str] = "second derivatives of ReLU and max are 0 (take softplus), or more n_steps help"
    n_steps: int = 64
    groups: Any = None
    background: Any = None

    def __post_init__(self) -> None:
        require_between("n_steps", 1, _MAX_STEPS, self.n_steps)

    @property
    def cost(self) -> str:
        return f"{self.n_steps:,} products of the Hessian and a vector for each feature"

    def evaluations_in(self, layout: Layout) -> int:
        return self.n_steps * self._features(layout).count

    def pairs_in(self, layout: Layout) -> int:
        return self._features(layout).count ** 2

    def _features(self, layout: Layout) -> Players:
        features = read_players(layout, self.groups)
        if features.count > _MAX_FEATURES:
            raise OptionError(
                f"integrated_hessians takes at most {_MAX_FEATURES} features, of which it explains all pairs. Got "
                f"{features.count}; groups= makes fewer of them, such as a number for each word or superpixel."
            )
        return features

    def data(self, layout: Layout) -> Data:
        features = self._features(layout)
        rule = as_data(gauss_logarithm(self.n_steps), _MAX_STEPS, padded=layout.fixed_sizes)
        return {**rule, **features.data, "features": np.arange(features.count, dtype=np.int32)}

    def shares(self, layout: Layout, objective: Objective, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        raise OptionError(
            "metrics take attributions of features. Got interactions of pairs; integrated_gradients are their sums."
        )

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        return {**evaluate(self), "n_steps": self.n_steps}

    def templates(self, scope: Scope, data: TensorData) -> Sequence[tf.Tensor]:
        features = count_rows(data["features"])
        return [tf.zeros([scope.size, features, features], wide_dtype(*scope.explained))]

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        if self.background is None:  # a set of one
            baseline = [tf.expand_dims(x0, 1) for x0 in scope.expand_baseline(baseline, shared=True)]
        background = Background(scope, baseline, data.get("n_baselines"))
        pairs = Pairs(scope, composite, data, chunks)
        attributions = background.mean(lambda baselines: [pairs.interactions(baselines)], self.templates(scope, data))
        outputs, baseline_outputs = background.values(attributions, data["count"], chunks)
        return {"attributions": attributions, "outputs": outputs, "baseline_outputs": baseline_outputs}


class Pairs:
    """The pairs of features of some examples: rows of Hessians are evaluated one by one, in chunks."""

    def __init__(self, scope: Scope, composite: Composite, data: TensorData, chunks: Chunks):
        """Prepares the pairs; `data` are those of `IntegratedHessians`."""
        self._scope, self._composite, self._data, self._chunks = scope, composite, data, chunks
        self._dtype = wide_dtype(*scope.explained)
        self._simplified, _ = scope.twice_differentiable.simplified(composite, straight=False)
        self._members = players_of(data)
        self._count = count_rows(data["features"])

    def interactions(self, starts: Tensors) -> tf.Tensor:
        """Returns Γ `[batch, features, features]` for baselines `[1 or batch, ...]`."""
        count, data, ends = self._count, self._data, self._scope.explained

        def terms(row: tf.Tensor, step: tf.Tensor) -> Tensors:
            example, feature = row // count, row % count
            alpha = tf.gather(data["nodes"], step)
            points = on_line(starts, ends, example, alpha)
            pairs = zip(starts, ends, strict=True)
            changes = [tf.gather(x, example) - gather_shared(x0, example) for x0, x in pairs]
            parts = self._row(example, feature, alpha, points, changes)
            return weighted(tf.gather(data["weights"], step), [self._by_feature(parts)])

        rows = self._scope.size * count
        evaluations = Evaluations(data["steps"], data["count"] * count, self._chunks)
        (found,) = sum_terms(evaluations, [tf.zeros([rows, count], self._dtype)], terms)
        return tf.reshape(found, [-1, count, count])

    def _row(
        self, example: tf.Tensor, feature: tf.Tensor, alpha: tf.Tensor, points: Tensors, changes: Tensors
    ) -> list[tf.Tensor]:
        """Returns the terms of a feature with all elements, `[rows, ...]` for each explained tensor."""
        pairs = zip(self._members, changes, strict=True)
        own = [_only(change, tf.equal(ids, as_column(feature, change, tf.int32))) for ids, change in pairs]
        rows = self._simplified.gather(example)
        gradients, products = gradient_along(rows, points, own, self._composite)
        of_elements = zip(changes, own, gradients, products, strict=True)
        return [as_column(alpha, c, c.dtype) * c * product + o * gradient for c, o, gradient, product in of_elements]

    def _by_feature(self, parts: Tensors) -> tf.Tensor:
        """Returns sums `[rows, features]` of the elements of each feature."""
        ids = tf.concat([tf.reshape(members, [-1]) for members in self._members], 0)
        joined = join_rows(parts, self._dtype)
        return tf.transpose(tf.math.unsorted_segment_sum(tf.transpose(joined), ids, self._count))


def _only(tensor: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    return tf.where(chosen, tensor, tf.zeros_like(tensor))
