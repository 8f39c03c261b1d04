"""What methods share that follow the straight line from a baseline, or a path of the user's."""

from collections.abc import Callable, Hashable, Mapping, Sequence
import dataclasses
from typing import Any, ClassVar, Self

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require
from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.base import TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.path_samples import CurveMethod
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.paths.curves import Curve, Curves, straight
from deepexplain_tf.paths.polylines import Polyline, Polylines
from deepexplain_tf.paths.user_path import UserPath
from deepexplain_tf.rules.composites import Composite


@dataclasses.dataclass(frozen=True)
class AlongPath(CurveMethod):
    """A method along the straight line from the baseline, or along a path γ of the user's, a function or points.

    A path ends at x, γ(1) = x, and a function begins at the baseline if one is given; arrays are checked for that (of
    a function, the first eight examples), tensors of a graph being built are not. `baseline_outputs` is F(γ(0)).

    Attributes:
      path: a function `path(alpha, x, baseline)` → γ(α), by ops of TensorFlow, for one example: alpha is a scalar in
        0 … 1 of the dtype of x; x and the baseline (zeros if none is given) come without the batch, in the structure of
        the explained tensors; the point has their structure, shapes and dtypes. The library calls it for all rows at
        once by `tf.vectorized_map`, and takes its derivative. XLA compiles `tf.where`, but no condition on alpha.
        Or points `[batch, n_points, ...]`, two or more for each example, in the structure of the explained tensors: the
        path is straight from each to the next, in the same time, and ends at the last, which is x (in a graph, x takes
        its place). Excludes `baseline`.
    """

    uses_baseline: ClassVar[bool] = True
    graph_options: ClassVar[tuple[str, ...]] = ("path",)
    path: Any = None

    def require_path(self) -> None:
        """Raises OptionError unless `path` is left out, or can be one."""
        fits = isinstance(self.path, Hashable if callable(self.path) else _POINTS)
        require(fits, "path", "a function (alpha, x, baseline) → points, or points [batch, n_points, ...]", self.path)

    @property
    def through_points(self) -> bool:
        """Whether the path goes through points."""
        return self.path is not None and not callable(self.path)

    @property
    def sets(self) -> str | None:
        return "path" if self.through_points else super().sets

    def bound(self, layout: Layout) -> Self:
        if self.path is None:
            return self
        if not self.through_points:
            return dataclasses.replace(self, path=UserPath(self.path, layout.structure))
        if layout.n_baselines < 2:
            raise OptionError("path must have two or more points, of which the last is x. Got one.")
        return dataclasses.replace(self, path=Polyline(layout.n_baselines - 1))

    def check(
        self, explained: Callable[[], Sequence[np.ndarray]], baseline: Sequence[np.ndarray], *, given: bool
    ) -> None:
        if isinstance(self.path, UserPath):
            self.path.check(explained(), baseline, begins=given)
        if isinstance(self.path, Polyline):
            self.path.check(explained(), baseline)

    def curve(self, data: TensorData) -> Curve:
        return self.path if isinstance(self.path, UserPath) else straight

    def curves(self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite) -> Curves:
        if self.through_points:
            return Polylines(scope, composite, baseline)
        return super().curves(scope, baseline, data, composite)


_POINTS = (type(None), np.ndarray, tf.Tensor, list, tuple, Mapping, Polyline)
