"""Type aliases for the arguments that users pass."""

from collections.abc import Callable
from typing import Any, TypeAlias

Structure: TypeAlias = Any  # an array, or a list, tuple or dict of arrays
Target: TypeAlias = Any  # None | int | tuple[int, ...] | int array | float array | callable | (callable, arrays)
Overrides: TypeAlias = dict[str, Callable[..., Any]]
