"""The works and their random arrays, in NumPy alone, for export.py (TensorFlow) and run.py (JAX)."""

import dataclasses
import zlib

import numpy as np


@dataclasses.dataclass(frozen=True)
class Work:
    """Integrated Gradients of one network against zeros.

    Attributes:
      shape: the shape of the inputs.
      steps: gradients per example.
    """

    shape: tuple[int, ...]
    steps: int

    @property
    def gradients(self) -> int:
        """The number of gradients for all examples."""
        return self.shape[0] * self.steps


TARGET = 1
WORKS = {
    "wide_mlp": Work((64, 20_000), 200),
    "resnet50": Work((8, 224, 224, 3), 50),
    "lstm": Work((16, 200, 64), 50),
}
QUICK = {
    "wide_mlp": Work((4, 500), 10),
    "resnet50": Work((2, 64, 64, 3), 4),
    "lstm": Work((4, 12, 8), 10),
}


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the random values of an array, the same on every machine, so that no file has to hold them."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    kind = name.rpartition("/")[2]
    if kind == "gamma":
        least = 0.15 if name.endswith("_3_bn/gamma") else 0.5  # small branches, as a trained ResNet has
        return random.uniform(least, 3 * least, shape).astype(np.float32)
    scale = 0.3 if kind in ("beta", "bias") else np.sqrt(2 / np.prod(shape[:-1])) if kind.endswith("kernel") else 1.0
    return random.standard_normal(shape, np.float32) * np.float32(scale)
