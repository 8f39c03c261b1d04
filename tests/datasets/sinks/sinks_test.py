import io
import json

import numpy as np
import pyarrow.parquet
import pytest

from deepexplain_tf.datasets.sinks import SINKS

_PART = {
    "row": np.arange(3),
    "name": np.array(["a", "bb", "c"]),
    "outputs": np.array([1.0, 2.0, 3.0], np.float32),
    "attributions": np.arange(12, dtype=np.float16).reshape(3, 2, 2),
}
_NEXT = {name: array[:2] for name, array in _PART.items()}


def _written(format, parts):
    file = io.BytesIO()
    SINKS[format]().write(parts, file)
    return file.getvalue()


@pytest.mark.parametrize("format", ["npz", "parquet"])
def test_the_same_rows_are_the_same_bytes(format):
    assert _written(format, [_PART, _NEXT]) == _written(format, [_PART, _NEXT])
    assert _written(format, [_PART, _NEXT]) != _written(format, [_NEXT, _PART])


def test_arrays_of_an_archive():
    with np.load(io.BytesIO(_written("npz", [_PART, _NEXT]))) as found:
        for name, array in _PART.items():
            np.testing.assert_array_equal(found[name], np.concatenate([array, array[:2]]))
            assert found[name].dtype == array.dtype


def test_columns_of_a_table():
    table = pyarrow.parquet.read_table(io.BytesIO(_written("parquet", [_PART, _NEXT])))
    assert table["row"].to_pylist() == [0, 1, 2, 0, 1]
    assert table["name"].to_pylist() == ["a", "bb", "c", "a", "bb"]
    field = table.schema.field("attributions")
    assert str(field.type) == "fixed_size_list<element: halffloat>[4]"
    assert json.loads(field.metadata[b"shape"]) == [2, 2]
    assert table["attributions"].to_pylist()[2] == [8.0, 9.0, 10.0, 11.0]
