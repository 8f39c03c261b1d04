"""The overlay: attributions as colours on the picture."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.errors import OptionError
from deepexplain_tf.visualize import colours, inputs


def overlay(
    attributions: npt.ArrayLike,
    image: inputs.Picture,
    percentile: float = 99.0,
    fade: float = 0.6,
    *,
    sign: str = "both",
    limit: float | None = None,
) -> Image.Image:
    """Draws the heat map as a tint of the picture, which is turned grey and faded towards white.

    colour = heat_map · (1 − (1 − fade) · (1 − grey)), all in 0..1: a zero attribution shows the faded picture, and
    `fade=1` the heat map alone.

    Args:
      attributions: one example, as for `heat_map`.
      image: `[height, width]`, `[height, width, 1]` or `[height, width, 3]`, uint8 in 0..255, or other numbers, which
        are rescaled from their minimum and maximum; or a PIL image. Its height and width may be whole multiples of
        the attributions' height and width.
      percentile: the percentile of `heat_map`'s scale, in (0, 100]; larger values get the full colour.
      fade: the fraction by which the picture fades towards white, in [0, 1].
      sign: as for `heat_map`.
      limit: as for `heat_map`.

    Returns:
      An RGB image of the picture's size.

    Raises:
      InputError: attributions or picture cannot be drawn, or do not fit each other.
      OptionError: a percentile, fade, sign or limit out of range.
    """
    if not 0 <= fade <= 1:
        raise OptionError(f"fade must be in [0, 1]. Got {fade}.")
    picture = inputs.rgb(image)
    totals = inputs.of_sign(inputs.sum_channels(inputs.features(attributions)), sign)
    heat = colours.diverging(inputs.enlarge_to(inputs.clip_and_scale(totals, percentile, limit), picture.shape))
    grey = np.asarray(Image.fromarray(picture).convert("L"))[..., None] / 255
    return Image.fromarray(np.rint(heat * (1 - (1 - fade) * (1 - grey))).astype(np.uint8))
