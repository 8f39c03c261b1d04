"""The heat map: attributions as colours."""

import numpy.typing as npt
from PIL import Image

from deepexplain_tf.visualize import colours, inputs


def heat_map(
    attributions: npt.ArrayLike, percentile: float = 99.0, *, sign: str = "both", limit: float | None = None
) -> Image.Image:
    """Draws signed attributions: red speaks for the target, blue against it; white is zero, light grey NaN.

    The colour shows clip(Σ_channels attribution / s, -1, 1), where s is the given percentile of |Σ_channels
    attribution|: one scale for both signs.

    Args:
      attributions: one example, `[height, width, channels]` or `[height, width]`; `[features]` is drawn as a strip of
        one row, and so is a batch of one sequence, `[1, length, dims]`.
      percentile: the percentile of s, in (0, 100]; larger values get the full colour.
      sign: `"both"`, or `"positive"` or `"negative"` sums alone.
      limit: s itself, as one scale for several pictures; None takes the percentile.

    Returns:
      An RGB image of one pixel per position; `grid` enlarges small images.

    Raises:
      InputError: attributions of another rank, infinite, or not real.
      OptionError: a percentile, sign or limit out of range.
    """
    totals = inputs.of_sign(inputs.sum_channels(inputs.features(attributions)), sign)
    return Image.fromarray(colours.diverging(inputs.clip_and_scale(totals, percentile, limit)))
