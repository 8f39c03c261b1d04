"""Superpixels: parts of a picture of about the same size whose pixels are alike (by scikit-image, an extra)."""

import numpy as np
import numpy.typing as npt

from deepexplain_tf.arguments.options import is_int, is_real, require
from deepexplain_tf.features.pictures import read_picture, require_skimage


def segments(image: npt.ArrayLike, n: int, *, compactness: float = 10.0) -> np.ndarray:
    """Returns the superpixel of each element of a picture, numbered from 0, by SLIC.

    Pixels are clustered by k-means in colour and place: three channels as RGB in the space Lab, any others as they are.
    The values are scaled to 0 … 1 first, so that preprocessed pictures will do. All channels of a pixel have the same
    number, as `groups=` needs it.

    Args:
      image: `[height, width, channels]` or `[height, width]`, one picture of finite numbers.
      n: how many superpixels are wanted, from 1 to the number of pixels; there may be somewhat fewer or more, and in
        noise, where nothing is alike, far fewer.
      compactness: > 0; the larger, the squarer.

    Returns:
      int32 in the shape of `image`.

    Raises:
      DeepExplainError: scikit-image is missing; `pip install 'deepexplain_tf[segments]'` installs it.
      InputError: what is not one picture, or not finite.
      OptionError: `n` or `compactness` out of range.

    References:
      Achanta et al., *SLIC Superpixels Compared to State-of-the-Art Superpixel Methods*, IEEE TPAMI 2012.
    """
    values = read_picture(image)
    pixels = values.shape[0] * values.shape[1]
    require(is_int(n) and 1 <= n <= pixels, "n", f"a whole number in 1 … {pixels}, the number of pixels", n)
    require(is_real(compactness) and compactness > 0, "compactness", "a number > 0", compactness)
    channels = values if values.ndim == 3 else values[..., np.newaxis]
    slic = require_skimage("segmentation", "segments").slic
    found = slic(channels, n_segments=int(n), compactness=float(compactness), start_label=0, channel_axis=-1)
    ids = np.unique(found, return_inverse=True)[1].reshape(found.shape).astype(np.int32)
    return ids if values.ndim == 2 else np.repeat(ids[..., np.newaxis], values.shape[2], axis=2)
