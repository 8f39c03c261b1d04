"""Maps and pictures as data of a page: small enough for many, and with the values under the pointer."""

import dataclasses
import math
from typing import Any

import numpy as np
from PIL import Image

from deepexplain_tf.explanation.html import data_uri
from deepexplain_tf.visualize import inputs

_SIDE = 112  # positions along the longer side of a map, so that 8 pictures by 7 methods stay below 3 MB
_LARGEST = 448  # pixels along the longer side of a picture
_LEVELS = 127  # of each sign


@dataclasses.dataclass(frozen=True)
class Map:
    """A map of attributions as a page decodes it.

    Attributes:
      source: a grey PNG picture as a data URI: 128 is zero, 255 and 1 are ±`limit`, 0 is no attribution.
      limit: the value of the full colour; larger ones are shown as it.
      block: the number of positions along each side that one value adds up.
      width: the columns of the map.
      height: the rows of the map.
      cover: how far the map reaches over the picture, in widths and heights of it, ≥ 1.
    """

    source: str
    limit: float
    block: int
    width: int
    height: int
    cover: tuple[float, float]


def encode_map(values: np.ndarray, percentile: float = 99.0) -> Map:
    """Returns a map of one example, `[height, width]` or `[height, width, channels]`, whose channels are added up."""
    totals = inputs.sum_channels(inputs.features(values))
    height, width = totals.shape
    block = _block(height, width)
    rows, columns = math.ceil(height / block), math.ceil(width / block)
    padded = np.full((rows * block, columns * block), np.nan)
    padded[:height, :width] = totals
    blocks = padded.reshape(rows, block, columns, block)
    missing = np.isnan(blocks).all((1, 3))
    summed = np.nansum(blocks, (1, 3))
    limit = inputs.largest(np.where(missing, np.nan, summed), percentile) or 1.0
    levels = np.where(missing, -128, np.clip(np.rint(summed / limit * _LEVELS), -_LEVELS, _LEVELS)) + 128
    source = data_uri(Image.fromarray(levels.astype(np.uint8)))
    return Map(source, float(limit), block, columns, rows, (columns * block / width, rows * block / height))


def _block(height: int, width: int) -> int:
    """Returns the side of a block: the smallest that is large enough, and that divides both sides if one does."""
    least = math.ceil(max(height, width) / _SIDE)
    even = [size for size in range(least, 2 * least + 1) if height % size == 0 and width % size == 0]
    return even[0] if even else least


def encode_picture(picture: Any) -> str:
    """Returns a picture as a data URI, not larger than it is shown."""
    image = Image.fromarray(inputs.rgb(picture))
    longer = max(image.size)
    if longer <= 64:
        return data_uri(image)
    if longer > _LARGEST:
        image.thumbnail((_LARGEST, _LARGEST))
    return data_uri(image, "JPEG", quality=85)
