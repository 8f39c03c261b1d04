"""The colours of signed attributions."""

from collections.abc import Iterable

import numpy as np

# ColorBrewer's RdBu, which is equally dark at equal distance from zero, with a pure white middle and without the
# near-black ends, where red and blue are hard to tell apart.
_STOPS = np.array(
    [
        (33, 102, 172),
        (67, 147, 195),
        (146, 197, 222),
        (209, 229, 240),
        (255, 255, 255),
        (253, 219, 199),
        (244, 165, 130),
        (214, 96, 77),
        (178, 24, 43),
    ]
)
UNCOVERED = (217, 217, 217)


def hexadecimal(colour: Iterable[int]) -> str:
    """Returns a colour as HTML and matplotlib write it, such as `#d9d9d9`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def diverging(values: np.ndarray) -> np.ndarray:
    """Returns colours, uint8 `[..., 3]`: blue for -1, white for 0, red for 1, light grey for NaN."""
    positions = np.linspace(-1, 1, len(_STOPS))
    colours = np.stack([np.interp(values, positions, channel) for channel in _STOPS.T], axis=-1)
    return np.rint(np.where(np.isnan(values)[..., None], UNCOVERED, colours)).astype(np.uint8)
