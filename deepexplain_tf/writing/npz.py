"""Arrays as an `.npz` archive."""

from collections.abc import Mapping
import os
from typing import Any, BinaryIO
import zipfile

import numpy as np


def write_npz(file: str | os.PathLike[str] | BinaryIO, arrays: Mapping[str, Any]) -> None:
    """Writes arrays by name, as `np.savez` does, but under any name, and with the archive closed in any case.

    `np.savez` takes the names for its own arguments, among them `file`; before NumPy 2.2 an archive that it could not
    write was left open, and complained of a closed file whenever Python collected it.

    Raises:
      OSError: the file cannot be written.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array))
