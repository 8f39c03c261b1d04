"""The window: the picture seen through its attributions."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.visualize import colours, inputs


def window(
    attributions: npt.ArrayLike, image: inputs.Picture, percentile: float = 99.0, *, limit: float | None = None
) -> Image.Image:
    """Draws the picture with each pixel as bright as its attributions are large; zero is black, NaN light grey.

    colour = picture · min(Σ_channels |attribution| / s, 1), where s is the given percentile of Σ_channels
    |attribution|. The sign is lost.

    Args:
      attributions: one example, as for `heat_map`.
      image: a picture, as for `overlay`.
      percentile: the percentile of s, in (0, 100]; pixels with larger sums are seen in full.
      limit: as for `heat_map`.

    Returns:
      An RGB image of the picture's size.

    Raises:
      InputError: attributions or picture cannot be drawn, or do not fit each other.
      OptionError: a percentile or limit out of range.

    References:
      Sundararajan, Taly, Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017, https://arxiv.org/abs/1703.01365,
      and the authors' notebook, https://github.com/ankurtaly/Integrated-Gradients.
    """
    picture = inputs.rgb(image)
    totals = inputs.sum_channels(np.abs(inputs.features(attributions)))
    opening = inputs.enlarge_to(inputs.clip_and_scale(totals, percentile, limit), picture.shape)[..., None]
    seen = np.where(np.isnan(opening), colours.UNCOVERED, picture * np.nan_to_num(opening))
    return Image.fromarray(np.rint(seen).astype(np.uint8))
