"""What a model of the zoo is, and the table of them all."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

import numpy as np

from choices import missing

Draw = Callable[[np.random.Generator, int], Any]
MODELS: "dict[str, Entry]" = {}


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model, what it takes and what of it is explained.

    Attributes:
      name: its name in the table.
      build: makes the model, whose last op is a softmax or sigmoid.
      draw: `(random, count)` → inputs `[count, ...]` as the model takes them.
      target: what is explained; None: the only unit, else the predicted class.
      layer: the layer whose output is explained, None for the inputs.
      part: `"quick"`, `"main"` or `"all"`: the smallest of the choices to which it belongs.
      trained: whether `build` gives it weights.
      packages: what has to be installed for it.
    """

    name: str
    build: Callable[[], Any]
    draw: Draw
    target: Any = None
    layer: str | None = None
    part: str = "main"
    trained: bool = False
    packages: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return missing(self.packages)


def add(name: str, draw: Draw, **settings: Any) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Returns a decorator that adds the model that a function builds to the table."""

    def register(build: Callable[[], Any]) -> Callable[[], Any]:
        MODELS[name] = Entry(name, build, draw, **settings)
        return build

    return register


def numbers(*shape: int) -> Draw:
    """Draws standard normal arrays of a shape."""
    return lambda random, count: random.normal(size=(count, *shape))


def tokens(length: int, vocabulary: int, padded: bool = False) -> Draw:
    """Draws token numbers from 1; where `padded`, the last third or less of each row is 0."""

    def draw(random: np.random.Generator, count: int) -> np.ndarray:
        ids = random.integers(1, vocabulary, (count, length)).astype(np.int32)
        if padded:
            kept = random.integers(length - length // 3, length + 1, count)
            ids[np.arange(length) >= kept[:, np.newaxis]] = 0
        return ids

    return draw


def images(size: int, channels: int = 3, pixels: bool = False) -> Draw:
    """Draws squares with coarse and fine structure, of unit variance or as pixels 0..255."""

    def draw(random: np.random.Generator, count: int) -> np.ndarray:
        coarse = random.normal(size=(count, 4, 4, channels))
        blocks = np.repeat(np.repeat(coarse, -(-size // 4), 1), -(-size // 4), 2)[:, :size, :size]
        values = 0.8 * blocks + 0.6 * random.normal(size=(count, size, size, channels))
        return np.clip(127.5 + 50 * values, 0, 255) if pixels else values

    return draw


def several(draws: Sequence[Draw]) -> Draw:
    """Draws a list of inputs."""
    return lambda random, count: [draw(random, count) for draw in draws]
