"""Fundus-like pictures: an uneven disc, vessels, an optic spot, noise and harmless spots; half of them have lesions."""

import dataclasses

import numpy as np

SIDE = 48
DARK, BRIGHT = "dark", "bright"
_ROWS, _COLUMNS = np.mgrid[:SIDE, :SIDE].astype(float)
_CENTRE, _RADIUS = (SIDE - 1) / 2, 22.0
_ORANGE = np.array([0.75, 0.42, 0.22])  # the retina
_NOISE = 0.02
_LESIONS = {DARK: np.array([-0.03, -0.10, -0.06]), BRIGHT: np.array([0.07, 0.10, -0.02])}  # a blot; a yellow deposit
_HARMLESS = (np.array([-0.10, -0.09, -0.09]), np.array([0.07, 0.09, 0.16]))  # grey dust; a bluish reflection


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Pictures and where their lesions are.

    Attributes:
      x: `[n, SIDE, SIDE, 3]` from 0 to 1.
      masks: booleans `[n, SIDE, SIDE]`, True in lesions; all False in a healthy picture.
      kinds: `[n]`, `DARK`, `BRIGHT`, or "" for a healthy picture; all lesions of a picture are of one kind.
    """

    x: np.ndarray
    masks: np.ndarray
    kinds: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """1 for a picture with lesions, else 0."""
        return (self.kinds != "").astype(np.int32)


def pictures(count: int, seed: int) -> Pictures:
    """Returns pictures: of four in a row, two are healthy, one has dark lesions and one bright ones."""
    generator = np.random.default_rng(seed)
    kinds = np.array([("", DARK, "", BRIGHT)[number % 4] for number in range(count)])
    drawn = [_picture(kind, generator) for kind in kinds]
    x, masks = (np.stack(part) for part in zip(*drawn, strict=True))
    return Pictures(x.astype(np.float32), masks, kinds)


def _picture(kind: str, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns a picture and the mask of its lesions."""
    disc = np.clip(_RADIUS + 0.5 - np.hypot(_ROWS - _CENTRE, _COLUMNS - _CENTRE), 0, 1)
    angle, strength = generator.uniform(0, 2 * np.pi), generator.uniform(0, 0.25)
    slope = (np.cos(angle) * (_ROWS - _CENTRE) + np.sin(angle) * (_COLUMNS - _CENTRE)) / _RADIUS
    picture = _ORANGE * (generator.uniform(0.85, 1.1) * (1 + strength * slope))[..., np.newaxis]
    optic = _CENTRE + generator.uniform(-3, 3), _CENTRE + generator.choice([-11, 11]) + generator.uniform(-2, 2)
    picture += np.array([0.15, 0.3, 0.3]) * _blob(*optic, 3.5, 3.5, 0, soft=1.5)[..., np.newaxis]
    for start in generator.uniform(0, 2 * np.pi, 5):
        picture *= 1 - np.array([0.25, 0.4, 0.3]) * _vessel(optic, start, generator)[..., np.newaxis]
    taken = _blob(*optic, 6, 6, 0, soft=0) > 0  # neither lesions nor harmless spots touch each other or the optic spot
    for _ in range(int(generator.integers(1, 4))):
        place, taken = _spot(taken, generator)
        picture += _HARMLESS[int(generator.integers(2))] * place[..., np.newaxis]
    mask = np.zeros((SIDE, SIDE), bool)
    for _ in range(int(generator.integers(1, 4)) if kind else 0):
        place, taken = _spot(taken, generator)
        picture += _LESIONS[kind] * generator.uniform(0.8, 1.2) * place[..., np.newaxis]
        mask |= place > 0.5
    picture = (picture + generator.normal(0, _NOISE, picture.shape)) * disc[..., np.newaxis]
    return np.clip(picture, 0, 1), mask


def _blob(row: float, column: float, height: float, width: float, angle: float, soft: float) -> np.ndarray:
    """Returns an ellipse `[SIDE, SIDE]`: 1 inside, 0 outside, and in between along `soft` pixels at its border."""
    down, right = _ROWS - row, _COLUMNS - column
    along, across = np.cos(angle) * down + np.sin(angle) * right, np.cos(angle) * right - np.sin(angle) * down
    inwards = (1 - np.hypot(along / height, across / width)) * min(height, width)
    return np.clip(inwards / soft + 0.5, 0, 1) if soft else (inwards >= 0).astype(float)


def _vessel(start: tuple[float, float], angle: float, generator: np.random.Generator) -> np.ndarray:
    """Returns a vessel `[SIDE, SIDE]` from 0 to 1: a line that bends on its way from the optic spot."""
    bend, length = generator.uniform(-0.06, 0.06), 40
    angles = angle + bend * np.arange(length) + generator.normal(0, 0.04, length).cumsum()
    rows, columns = start[0] + np.cos(angles).cumsum(), start[1] + np.sin(angles).cumsum()
    down, right = (np.subtract.outer(np.arange(SIDE), places) ** 2 for places in (rows, columns))
    far = np.sqrt((down[:, np.newaxis] + right).min(-1))
    return np.clip(generator.uniform(0.9, 1.4) - far, 0, 1)


def _spot(taken: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns a small ellipse inside the disc where nothing else is, and what is taken then."""
    while True:
        distance, angle = 18 * np.sqrt(generator.uniform()), generator.uniform(0, 2 * np.pi)
        at = _CENTRE + distance * np.cos(angle), _CENTRE + distance * np.sin(angle)
        height, width = generator.uniform(2, 3.5, 2)
        turned = generator.uniform(0, np.pi)
        wide = _blob(*at, height + 2, width + 2, turned, soft=0) > 0
        if not (wide & taken).any():
            return _blob(*at, height, width, turned, soft=1), taken | wide
