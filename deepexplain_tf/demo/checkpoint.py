"""Reads the tensors of a PyTorch checkpoint in its older, sequential format, without PyTorch.

The file holds pickles one after another (magic number, protocol, system, table of tensors, storage keys) and then, for
each key, the number of values and the raw values. Unpickling can run any code that a file names, so the unpickler
resolves only the names that a table of plain tensors needs.
"""

import collections
import os
import pickle
import struct
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from deepexplain_tf.errors import ModelError

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage:
    """The values of one or more tensors; the table names them by a key before they are read."""

    def __init__(self, dtype: np.dtype[Any]):
        self._dtype = dtype
        self.values: npt.NDArray[Any] = np.empty(0, dtype)

    def read(self, file: BinaryIO) -> None:
        (count,) = struct.unpack("<q", file.read(8))
        self.values = np.frombuffer(file.read(count * self._dtype.itemsize), self._dtype, count)


class _Tensor:
    """A part of a storage with a shape; the values come later in the file."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any):
        self._storage, self._offset, self._shape, self._strides = storage, offset, shape, strides

    def array(self) -> npt.NDArray[Any]:
        values = self._storage.values[self._offset :]
        last = sum((length - 1) * stride for length, stride in zip(self._shape, self._strides, strict=True))
        if min((*self._shape, *self._strides, self._offset), default=0) < 0 or last >= values.size:
            raise pickle.UnpicklingError(f"a tensor of shape {self._shape} reaches outside its storage")
        strides = tuple(stride * values.itemsize for stride in self._strides)
        return np.lib.stride_tricks.as_strided(values, self._shape, strides).copy()


class _TableUnpickler(pickle.Unpickler):
    """Resolves the names of a table of plain tensors, and no others."""

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"a table of tensors has no need of {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, *_ = pid
        return self.storages.setdefault(key, _Storage(dtype))


def _read(file: BinaryIO) -> dict[str, npt.NDArray[Any]]:
    if _TableUnpickler(file).load() != _MAGIC_NUMBER:
        raise pickle.UnpicklingError("the magic number is not a checkpoint's")
    for _ in ("protocol", "system"):
        _TableUnpickler(file).load()
    unpickler = _TableUnpickler(file)
    table = unpickler.load()
    for key in _TableUnpickler(file).load():
        unpickler.storages[key].read(file)
    return {name: tensor.array() for name, tensor in table.items()}


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    """Returns the tensors of a PyTorch checkpoint by name.

    Args:
      path: a file that `torch.save` wrote from a state dict before PyTorch 1.6, with float32 and int64 tensors.

    Raises:
      ModelError: the file is not such a checkpoint, is cut short, or holds anything but plain tensors.
      OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        try:
            return _read(file)
        except (
            pickle.UnpicklingError,
            EOFError,
            struct.error,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
        ) as error:
            raise ModelError(f"{os.fspath(path)} must be a checkpoint of plain tensors. {error}") from None
