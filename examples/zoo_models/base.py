"""An entry of the zoo, the table of all entries, and random inputs."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

import numpy as np

from choices import missing

Draw = Callable[[np.random.Generator, int], Any]
MODELS: "dict[str, Entry]" = {}


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model with its inputs and its target.

    Attributes:
      name: the model's name in the table.
      build: makes the model, whose last op is a softmax or sigmoid.
      draw: `(random, count)` → inputs `[count, ...]` as the model takes them.
      target: the target; None: the script chooses a class.
      layer: the layer whose output is explained; None for the inputs.
      part: `"quick"`, `"main"` or `"all"`: the smallest part of the zoo to which the model belongs.
      trained: whether `build` returns a trained model.
      packages: the packages that must be installed.
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
        """The packages of the model that are not installed."""
        return missing(self.packages)


def add(name: str, draw: Draw, **settings: Any) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Returns a decorator that adds the model of a `build` function to the table."""

    def register(build: Callable[[], Any]) -> Callable[[], Any]:
        MODELS[name] = Entry(name, build, draw, **settings)
        return build

    return register


def numbers(*shape: int) -> Draw:
    """Returns a draw of standard normal arrays `[count, *shape]`."""
    return lambda random, count: random.normal(size=(count, *shape))


def tokens(length: int, vocabulary: int, padded: bool = False) -> Draw:
    """Returns a draw of token numbers from 1; with `padded`, up to a third of each row is 0 at its end."""

    def draw(random: np.random.Generator, count: int) -> np.ndarray:
        ids = random.integers(1, vocabulary, (count, length)).astype(np.int32)
        if padded:
            kept = random.integers(length - length // 3, length + 1, count)
            ids[np.arange(length) >= kept[:, np.newaxis]] = 0
        return ids

    return draw


def images(size: int, channels: int = 3, pixels: bool = False) -> Draw:
    """Returns a draw of square images with coarse and fine structure, of unit variance or as pixels 0..255."""

    def draw(random: np.random.Generator, count: int) -> np.ndarray:
        coarse = random.normal(size=(count, 4, 4, channels))
        blocks = np.repeat(np.repeat(coarse, -(-size // 4), 1), -(-size // 4), 2)[:, :size, :size]
        values = 0.8 * blocks + 0.6 * random.normal(size=(count, size, size, channels))
        return np.clip(127.5 + 50 * values, 0, 255) if pixels else values

    return draw


def several(draws: Sequence[Draw]) -> Draw:
    """Returns a draw of a list of inputs."""
    return lambda random, count: [draw(random, count) for draw in draws]
