"""Values as JSON has them."""

from collections.abc import Mapping
import hashlib
import math
from typing import Any

import numpy as np

_WHOLE = 64  # numbers of an array of the user's that are listed


def plain(value: Any) -> Any:
    """Returns a value of strings, numbers, lists and dicts; None for a number that is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else described(value)


def described(value: Any) -> Any:
    """Returns what an argument was: small arrays in full, large ones by dtype, shape and checksum."""
    if isinstance(value, Mapping):
        return {str(key): described(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    if hasattr(value, "__array__") and not isinstance(value, np.generic):
        array = np.asarray(value)
        if array.size <= _WHOLE:
            return plain(array.astype(np.float64) if array.dtype.kind not in "biuf" else array)
        digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
        return f"{array.dtype.name}{list(array.shape)} sha256 {digest}"
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return plain(value)
    return getattr(value, "__name__", type(value).__name__)
