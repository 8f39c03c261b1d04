"""Archives of arrays, `.npz` files, as the inputs of a model."""

from collections.abc import Mapping
from typing import Any


def in_structure(members: Mapping[str, Any]) -> Any:
    """Returns the only member of an archive; several without names, as `np.savez` numbers them, as a list."""
    numbered = [f"arr_{index}" for index in range(len(members))]
    if len(members) > 1:
        return [members[name] for name in numbered] if set(members) == set(numbered) else dict(members)
    return next(iter(members.values()))
