"""The picture seen through its attributions."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.visualize import colours, inputs


def window(attributions: npt.ArrayLike, image: inputs.Picture, percentile: float = 99.0) -> Image.Image:
    """Draws the picture, each pixel as bright as its attributions are large; the rest is black.

    colour = picture · min(Σ_channels |attribution| / s, 1), where s is the given percentile of Σ_channels
    |attribution|. The sign is lost. NaN is light grey.

    Args:
      attributions: As for `heat_map`.
      image: As for `overlay`.
      percentile: In (0, 100]; pixels with larger sums are seen in full.

    Raises:
      InputError: Attributions or a picture that cannot be drawn, or that do not fit each other.
      OptionError: A percentile out of range.

    References:
      Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, 2017,
      https://arxiv.org/abs/1703.01365, and the notebook that goes with it,
      https://github.com/ankurtaly/Integrated-Gradients.
    """
    picture = inputs.rgb(image)
    totals = inputs.sum_channels(np.abs(inputs.features(attributions)))
    opening = inputs.enlarge_to(inputs.clip_and_scale(totals, percentile), picture.shape)[..., None]
    seen = np.where(np.isnan(opening), colours.UNCOVERED, picture * np.nan_to_num(opening))
    return Image.fromarray(np.rint(seen).astype(np.uint8))
