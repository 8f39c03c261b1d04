import collections
import io
import pickle
import sys
import types

import numpy as np
import pytest

from deepexplain_tf.demo import checkpoint
from deepexplain_tf.errors import ModelError

_MAGIC = 0x1950A86A20F9469CFC6C


class _Storage:
    def __init__(self, key, values):
        self.key, self.values = key, np.asarray(values, np.float32)


class _Tensor:
    def __init__(self, storage, offset, shape, strides):
        self.arguments = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if isinstance(obj, _Storage):
            return ("storage", sys.modules["torch"].FloatStorage, obj.key, "cpu", obj.values.size, None)
        return None


@pytest.fixture(autouse=True)
def _torch(monkeypatch):
    """A stand-in for PyTorch while a file is written: two names, which pickle looks up."""
    sources = {"torch": "class FloatStorage: pass", "torch._utils": "def _rebuild_tensor_v2(): pass"}
    for name, source in sources.items():
        module = types.ModuleType(name)
        exec(source, module.__dict__)
        monkeypatch.setitem(sys.modules, name, module)


def _file(table, storages=(), magic=_MAGIC):
    file = io.BytesIO()
    for part in (magic, 1001, {"little_endian": True}):
        pickle.dump(part, file, 2)
    _Pickler(file, 2).dump(table)
    pickle.dump([storage.key for storage in storages], file, 2)
    for storage in storages:
        file.write(np.int64(storage.values.size).tobytes() + storage.values.tobytes())
    return file.getvalue()


def _read(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    return checkpoint.read_checkpoint(tmp_path / "a.pth")


def test_tensors_are_views_of_storages(tmp_path):
    first, second = _Storage("7", range(12)), _Storage("8", [0.5])
    table = collections.OrderedDict(
        rows=_Tensor(first, 0, (3, 4), (4, 1)),
        columns=_Tensor(first, 0, (4, 3), (1, 4)),
        tail=_Tensor(first, 10, (2,), (1,)),
        scalar=_Tensor(second, 0, (), ()),
    )
    read = _read(tmp_path, _file(table, [first, second]))
    rows = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(read["rows"], rows)
    np.testing.assert_array_equal(read["columns"], rows.T)
    np.testing.assert_array_equal(read["tail"], [10, 11])
    assert read["scalar"] == 0.5


@pytest.mark.parametrize(
    ("offset", "shape", "strides"), [(0, (5,), (1,)), (1, (4,), (1,)), (0, (2,), (9,)), (3, (2,), (-1,))]
)
def test_a_tensor_stays_inside_its_storage(tmp_path, offset, shape, strides):
    storage = _Storage("7", range(4))
    table = collections.OrderedDict(a=_Tensor(storage, offset, shape, strides))
    with pytest.raises(ModelError, match="outside its storage"):
        _read(tmp_path, _file(table, [storage]))


def test_nothing_else_is_called(tmp_path):
    with pytest.raises(ModelError, match=r"no need of \S+\.eval"):
        _read(tmp_path, _file({"a": eval}))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04rest", _file({}, magic=3)])
def test_other_files_are_no_checkpoints(tmp_path, content):
    with pytest.raises(ModelError, match="must be a checkpoint"):
        _read(tmp_path, content)


def test_a_file_cut_short(tmp_path):
    storage = _Storage("7", range(4))
    content = _file(collections.OrderedDict(a=_Tensor(storage, 0, (4,), (1,))), [storage])
    for length in (len(content) - 1, len(content) - 20, len(content) // 2):
        with pytest.raises(ModelError, match="must be a checkpoint"):
            _read(tmp_path, content[:length])
