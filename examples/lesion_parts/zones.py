"""The parts of a lesion, interior, rim and surroundings, and what attributions say there."""

import numpy as np


def _neighbours(masks: np.ndarray) -> np.ndarray:
    """Returns the four neighbours of each position, `[4, n, height, width]`; those beyond the picture are False."""
    wide = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    return np.stack([wide[:, :-2, 1:-1], wide[:, 2:, 1:-1], wide[:, 1:-1, :-2], wide[:, 1:-1, 2:]])


def zones(masks: np.ndarray) -> dict[str, np.ndarray]:
    """Returns booleans `[n, height, width]` by zone: the interior of lesions, their rim, and a ring around them.

    The rim is what an erosion by one pixel takes from the mask, and the ring, of one pixel, what a dilation adds to it.
    """
    around = _neighbours(masks)
    interior = masks & around.all(0)
    return {"interior": interior, "rim": masks & ~interior, "ring": around.any(0) & ~masks}


def means(totals: np.ndarray, zone: np.ndarray) -> np.ndarray:
    """Returns the mean attribution of each picture's zone, `[n]`; NaN where a picture has none."""
    count = zone.sum((1, 2))
    return np.where(count, (totals * zone).sum((1, 2)) / np.maximum(count, 1), np.nan)


def negative_inside_positive_rim(totals: np.ndarray, masks: np.ndarray) -> float:
    """Returns the share of pictures whose lesions have a negative interior and a positive rim, on average.

    Args:
      totals: attributions summed over the channels, `[n, height, width]`.
      masks: the lesions; pictures in which none has an interior do not count.
    """
    parts = zones(masks)
    inside, rim = (means(totals, parts[name]) for name in ("interior", "rim"))
    known = ~np.isnan(inside)
    return float(np.mean((inside < 0)[known] & (rim > 0)[known]))
