"""Attributions as colours on the picture."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.errors import OptionError
from deepexplain_tf.visualize import colours, inputs


def overlay(
    attributions: npt.ArrayLike, image: inputs.Picture, percentile: float = 99.0, fade: float = 0.6
) -> Image.Image:
    """Draws the heat map as a tint of the picture, which is turned grey and faded towards white.

    colour = heat_map · (1 − (1 − fade) · (1 − grey)), with all three in 0..1: where the attribution is zero
    one sees the faded picture, and with `fade=1` the heat map alone.

    Args:
      attributions: As for `heat_map`.
      image: `[height, width]`, `[height, width, 1]` or `[height, width, 3]`, uint8 in 0..255, or other
        numbers, which are rescaled from their minimum and maximum; or a PIL image. Its height and width may
        be whole multiples of those of the attributions.
      percentile: In (0, 100]; larger sizes get the full colour.
      fade: In [0, 1].

    Raises:
      InputError: Attributions or a picture that cannot be drawn, or that do not fit each other.
      OptionError: A percentile or fade out of range.
    """
    if not 0 <= fade <= 1:
        raise OptionError(f"`fade` lies in [0, 1]. Got {fade}.")
    picture = inputs.rgb(image)
    totals = inputs.sum_channels(inputs.features(attributions))
    heat = colours.diverging(inputs.enlarge_to(inputs.clip_and_scale(totals, percentile), picture.shape))
    grey = np.asarray(Image.fromarray(picture).convert("L"))[..., None] / 255
    return Image.fromarray(np.rint(heat * (1 - (1 - fade) * (1 - grey))).astype(np.uint8))
