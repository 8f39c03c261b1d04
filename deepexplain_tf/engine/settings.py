"""The settings of a model that its methods share."""

from collections.abc import Mapping
import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a model that stay the same over all calls; see `DeepExplain`.

    Attributes:
      output: `"auto"`, `"model"`, the name or index of the explained output, or the name of a layer.
      layer: the name of the layer whose output is explained, several names of places, None for the inputs.
      overrides: the user's own rules, by op type or kind.
      jit_compile: True, False or `"auto"`.
      strict: whether an op that no rule covers is an error.
      freeze: whether the weights of the first call become constants.
    """

    output: str | int
    layer: str | tuple[str, ...] | None
    overrides: Mapping[str, Any]
    jit_compile: bool | str
    strict: bool
    freeze: bool = False
