import pathlib

import numpy as np
import pytest

from deepexplain_tf.cli import files
from deepexplain_tf.errors import InputError


def test_reads_arrays(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    np.savez(tmp_path / "one.npz", np.ones(3))
    np.savez(tmp_path / "two.npz", a=np.ones(3), b=np.zeros(2))
    np.savez(tmp_path / "numbered.npz", *[np.full(1, number) for number in range(11)])
    np.testing.assert_array_equal(files.read_array(tmp_path / "a.npy"), np.ones(3))
    np.testing.assert_array_equal(files.read_arrays(tmp_path / "one.npz"), np.ones(3))
    assert list(files.read_arrays(tmp_path / "two.npz")) == ["a", "b"]
    assert [int(array[0]) for array in files.read_arrays(tmp_path / "numbered.npz")] == list(range(11))


def test_one_array_is_not_several(tmp_path):
    np.savez(tmp_path / "two.npz", a=np.ones(3), b=np.zeros(2))
    with pytest.raises(InputError, match="one array"):
        files.read_array(tmp_path / "two.npz")


def test_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], object))
    with pytest.raises(InputError, match="of numbers"):
        files.read_array(tmp_path / "a.npy")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_other_files_are_no_arrays(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npy must be"):
        files.read_arrays(tmp_path / "a.npy")


def test_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read_arrays(tmp_path / "a.npy")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        files.require_files(str(tmp_path), str(tmp_path / "a.png"))


def test_files_of_the_same_name_are_told_apart():
    assert files.names_of([pathlib.Path(name) for name in ("a.jpg", "a.png", "b.png")]) == ["a.jpg", "a.png", "b"]
