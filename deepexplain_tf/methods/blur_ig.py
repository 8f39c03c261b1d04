"""Blur Integrated Gradients."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar, NoReturn

import numpy as np

from deepexplain_tf.arguments.options import is_real, require_bool
from deepexplain_tf.errors import InputError, OptionError, shortened
from deepexplain_tf.methods.base import METHODS, Data, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.path_integral import PathIntegral
from deepexplain_tf.paths.blur import blur_curve
from deepexplain_tf.paths.curves import Curve

_MAX_SIGMA = 1e6  # pixels; its square has room in float32


class _Sigmas(tuple[tuple[float, ...], ...]):
    """σ for each non-batch axis of each explained tensor, in their order."""


@METHODS.register("blur_ig")
@dataclasses.dataclass(frozen=True)
class BlurIG(PathIntegral):
    """∫₀¹ dγ/dα · ∂F/∂x (γ(α)) dα, where γ(α) is x under a Gaussian blur of σ = max_sigma·(1 − α).

    The path goes from the blurred to the sharp example, through no other baseline, so that nothing is added that is not
    there at some scale. In units of the target. Guarantees completeness, Σ attributions = F(x) − F(x blurred by
    max_sigma), up to the error of the quadrature; `baseline_outputs` is F(x blurred by max_sigma).

    Spatial axes are all non-batch axes but the last, the channels: those of pictures `[height, width, channels]`, of
    series `[time, channels]`, of volumes. Beyond its borders an example is 0, as in the authors' own code, so that a
    blur darkens the borders; the kernel is not cut off. Another quadrature in the place of `"right"`, which is theirs,
    is nearer to the integral.

    Attributes:
      max_sigma: the standard deviation of the first blur in positions (pixels), in (0, 1,000,000]; or such a number ≥ 0
        for each non-batch axis, 0 where an axis is not blurred, and with several explained tensors such a tuple for
        each; default 50.
      sqrt: whether σ = max_sigma·√(1 − α), even steps of the variance; default False, even steps of σ. The integral is
        the same, but not the nodes of its quadrature. (The authors' own code then ends at √max_sigma.)
      n_steps, quadrature, tolerance, gap_tolerance, max_steps: see `PathIntegral`.

    References:
      Xu, Venugopalan, Sundararajan, *Attribution in Scale and Space*, CVPR 2020, https://arxiv.org/abs/2004.03383.
    """

    remedy: ClassVar[str] = "more n_steps, a tolerance (tolerance=0.05), or a smaller max_sigma help"
    graph_options: ClassVar[tuple[str, ...]] = ("axes", "sqrt")
    max_sigma: Any = 50.0
    sqrt: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_bool("sqrt", self.sqrt)
        if is_real(self.max_sigma) and not 0 < self.max_sigma <= _MAX_SIGMA:
            self._refuse()

    def bound(self, layout: Layout) -> "BlurIG":
        if is_real(self.max_sigma):
            flat = [list(shape) for shape in layout.shapes if len(shape) < 2]
            if flat:
                raise InputError(
                    "blur_ig needs spatial axes, [..., channels], or max_sigma=(…) with a number for each non-batch "
                    f"axis. Got examples of shape {flat[0]}."
                )
            return self._with([[self.max_sigma] * (len(shape) - 1) + [0] for shape in layout.shapes])
        sigmas = layout.flatten("max_sigma", self.max_sigma)
        for shape, given in zip(layout.shapes, sigmas, strict=True):
            fits = isinstance(given, list | tuple | np.ndarray) and np.ndim(given) == 1 and len(given) == len(shape)
            if not fits or not all(is_real(number) and 0 <= number <= _MAX_SIGMA for number in given):
                self._refuse(f" ({len(shape)} numbers for shape {list(shape)})")
        if not any(number for given in sigmas for number in given):
            self._refuse()
        return self._with(sigmas)

    def _with(self, sigmas: Sequence[Sequence[float]]) -> "BlurIG":
        return dataclasses.replace(self, max_sigma=_Sigmas(tuple(map(float, given)) for given in sigmas))

    @property
    def axes(self) -> tuple[tuple[int, ...], ...]:
        """The axes that are blurred, for each explained tensor of a method that is bound."""
        return tuple(tuple(axis for axis, sigma in enumerate(given) if sigma) for given in self.max_sigma)

    def curve_data(self, layout: Layout) -> Data:
        del layout
        return {f"variance_{number}": np.square(given) for number, given in enumerate(self.max_sigma)}

    def curve(self, data: TensorData) -> Curve:
        axes = self.axes
        return blur_curve([data[f"variance_{number}"] for number in range(len(axes))], axes, sqrt=self.sqrt)

    def _refuse(self, shown: str = "") -> NoReturn:
        raise OptionError(
            f"max_sigma must be a number in (0, {_MAX_SIGMA:.0f}], or such a number ≥ 0 for each non-batch axis, not "
            f"all of them 0{shown}. Got {shortened(self.max_sigma)}."
        )
