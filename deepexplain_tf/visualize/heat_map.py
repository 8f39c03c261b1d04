"""Attributions as colours."""

import numpy.typing as npt
from PIL import Image

from deepexplain_tf.visualize import colours, inputs


def heat_map(attributions: npt.ArrayLike, percentile: float = 99.0) -> Image.Image:
    """Draws signed attributions: red is for the target, blue against it, white zero, light grey NaN.

    The colour is that of clip(Σ_channels attribution / s, -1, 1), where s is the given percentile of
    |Σ_channels attribution|: one scale for both signs. One pixel per feature; `grid` enlarges small pictures.

    Args:
      attributions: One example, `[height, width, channels]` or `[height, width]`; `[features]` is drawn as a
        strip of one row, and so is the batch of one sequence, `[1, length, dims]`.
      percentile: In (0, 100]; larger sizes get the full colour.

    Raises:
      InputError: Another rank, an infinity, or not real numbers.
      OptionError: A percentile out of range.
    """
    totals = inputs.sum_channels(inputs.features(attributions))
    return Image.fromarray(colours.diverging(inputs.clip_and_scale(totals, percentile)))
