"""The contour: lines around the parts of a picture that matter most."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.errors import OptionError
from deepexplain_tf.visualize import inputs

_LINE, _EDGE = (255, 221, 0), (0, 0, 0)  # yellow in black shows on any picture, in grey too


def contour(
    attributions: npt.ArrayLike, image: inputs.Picture, top: float = 10.0, *, sign: str = "both"
) -> Image.Image:
    """Draws a line around the pixels with the largest attributions, on the picture as it is.

    The line runs around the `top` percent of the pixels by |Σ_channels attribution|, or by the sums of one sign. Fewer
    pixels are taken where fewer have attributions other than zero; of equal ones at the border, all.

    Args:
      attributions: one example, as for `heat_map`.
      image: a picture, as for `overlay`; small ones are enlarged first, so that the line is not as wide as a part.
      top: the percentage of the pixels inside, in (0, 100].
      sign: `"both"`, or `"positive"` or `"negative"` sums alone.

    Returns:
      An RGB image of the picture's size, or of a whole multiple of it.

    Raises:
      InputError: attributions or picture cannot be drawn, or do not fit each other.
      OptionError: a percentage or sign out of range.
    """
    if not 0 < top <= 100:
        raise OptionError(f"top must be in (0, 100]. Got {top}.")
    totals = np.abs(inputs.of_sign(inputs.sum_channels(inputs.features(attributions)), sign))
    sizes = np.nan_to_num(totals)
    inside = (sizes >= np.percentile(sizes, 100 - top)) & (sizes > 0)
    picture = inputs.rgb(image)
    inside = inputs.enlarge_to(inside, picture.shape)
    scale = max(1, -(-224 // max(picture.shape[:2])))
    picture, inside = (array.repeat(scale, 0).repeat(scale, 1) for array in (picture, inside))
    line = inside & ~_around(inside).all(0)
    edge = ~inside & _around(inside).any(0)
    return Image.fromarray(np.where(line[..., None], _LINE, np.where(edge[..., None], _EDGE, picture)).astype(np.uint8))


def _around(mask: np.ndarray) -> np.ndarray:
    """Returns whether each pixel's four neighbours are set, `[4, height, width]`; those beyond the picture are not."""
    wide = np.pad(mask, 1)
    return np.stack([wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]])
