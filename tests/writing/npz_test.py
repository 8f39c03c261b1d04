import gc
import io
import sys

import numpy as np
import pytest

from deepexplain_tf.writing.npz import write_npz

_ARRAYS = {
    "dense/kernel": np.arange(6.0).reshape(2, 3),
    "file": np.array(["a", "bc"]),
    "allow_pickle": np.array([b"\0x", None], object),
    "one": np.float32(1.5),
    "none": np.empty((0, 4)),
}


class _Full(io.BytesIO):
    """A file on a disk that is full after some bytes, or whose last bytes do not fit."""

    def __init__(self, room: int):
        super().__init__()
        self._room = room

    def write(self, data) -> int:
        if self.tell() + len(data) > self._room:
            raise OSError("no space left")
        return super().write(data)


def _written(arrays) -> bytes:
    file = io.BytesIO()
    write_npz(file, arrays)
    return file.getvalue()


def test_numpy_reads_arrays_of_any_name_and_kind(tmp_path):
    write_npz(tmp_path / "it.npz", _ARRAYS)
    assert (tmp_path / "it.npz").read_bytes() == _written(_ARRAYS)
    with np.load(tmp_path / "it.npz", allow_pickle=True) as found:
        assert found.files == list(_ARRAYS)
        for name, array in _ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype and found[name].shape == array.shape


def test_the_bytes_are_those_of_numpy():
    arrays = {name: array for name, array in _ARRAYS.items() if name not in ("file", "allow_pickle")}
    file = io.BytesIO()
    np.savez(file, **arrays)
    assert _written(arrays) == file.getvalue()


@pytest.mark.parametrize("part", [0, 0.3, 0.6, 1])
def test_a_full_disk_leaves_nothing_open(part, monkeypatch):
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    room = int(part * (len(_written(_ARRAYS)) - 1))
    with pytest.raises(OSError, match="no space left"), _Full(room) as file:
        write_npz(file, _ARRAYS)
    gc.collect()
    assert not complaints
