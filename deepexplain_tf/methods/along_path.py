"""What methods share that follow the straight line from a baseline, or a path of the user's."""

from collections.abc import Callable, Hashable, Sequence
import dataclasses
from typing import Any, ClassVar, Self

import numpy as np

from deepexplain_tf.arguments.options import require
from deepexplain_tf.methods.base import TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.path_samples import CurveMethod
from deepexplain_tf.paths.curves import Curve, straight
from deepexplain_tf.paths.user_path import UserPath


@dataclasses.dataclass(frozen=True)
class AlongPath(CurveMethod):
    """A method along the straight line from the baseline, or along a path γ of the user's.

    The derivative of γ is taken by TensorFlow. A path ends at x, γ(1) = x, and begins at the baseline if one is given;
    arrays are checked for that (the first eight examples), tensors of a graph being built are not. `baseline_outputs`
    is F(γ(0)).

    Attributes:
      path: a function `path(alpha, x, baseline)` → γ(α), by ops of TensorFlow, for one example: alpha is a scalar in
        0 … 1 of the dtype of x; x and the baseline (zeros if none is given) come without the batch, in the structure of
        the explained tensors; the point has their structure, shapes and dtypes. The library calls it for all rows at
        once by `tf.vectorized_map`. XLA compiles `tf.where`, but no condition on alpha.
    """

    uses_baseline: ClassVar[bool] = True
    graph_options: ClassVar[tuple[str, ...]] = ("path",)
    path: Callable[..., Any] | None = None

    def require_path(self) -> None:
        """Raises OptionError unless `path` is left out, or can be one."""
        if self.path is not None:
            fits = callable(self.path) and isinstance(self.path, Hashable)
            require(fits, "path", "a function (alpha, x, baseline) → points", self.path)

    def bound(self, layout: Layout) -> Self:
        return self if self.path is None else dataclasses.replace(self, path=UserPath(self.path, layout.structure))

    def check(
        self, explained: Callable[[], Sequence[np.ndarray]], baseline: Sequence[np.ndarray], *, given: bool
    ) -> None:
        if isinstance(self.path, UserPath):
            self.path.check(explained(), baseline, begins=given)

    def curve(self, data: TensorData) -> Curve:
        return self.path if isinstance(self.path, UserPath) else straight
