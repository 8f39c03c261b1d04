import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import tensorflow as tf

from deepexplain_tf.datasets import packages
from deepexplain_tf.datasets.rows import Shapes
from deepexplain_tf.datasets.sources import open_source
from deepexplain_tf.errors import DeepExplainError, InputError
from tests.checks import message_of

_TABLE = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3)), columns=["a", "b", "label"])
_SPEC = tf.TensorSpec([None, 3], tf.float32)


@pytest.fixture
def folder(tmp_path):
    for number, rows in enumerate((slice(0, 13), slice(13, 14), slice(14, 30))):
        _TABLE[rows].to_parquet(tmp_path / f"{number}.parquet", row_group_size=5)
    return tmp_path


def _read(path, specs, first=0, **options):
    name, source = open_source(path, specs, options)
    assert name == "parquet"
    return source, list(source.batches(first, 4, Shapes(None)))


@pytest.mark.parametrize("first", [0, 4, 12, 16, 28])
def test_rows_of_several_files(folder, first):
    source, batches = _read(folder, _SPEC, first)
    assert source.count == 30
    assert [batch.first for batch in batches] == list(range(first, 30, 4))
    np.testing.assert_array_equal(np.concatenate([batch.inputs for batch in batches]), _TABLE.to_numpy()[first:])


def test_chosen_columns(folder):
    _, batches = _read(folder, tf.TensorSpec([None, 2]), columns=["b", "a"])
    np.testing.assert_array_equal(np.concatenate([batch.inputs for batch in batches]), _TABLE[["b", "a"]].to_numpy())


def test_a_column_for_each_input(folder):
    specs = {"b": tf.TensorSpec([None, 1]), "a": tf.TensorSpec([None])}
    _, batches = _read(folder, specs)
    assert batches[0].inputs["b"].shape == (4, 1)
    np.testing.assert_array_equal(np.concatenate([batch.inputs["a"] for batch in batches]), _TABLE["a"])


@pytest.mark.parametrize("kind", [pyarrow.list_(pyarrow.float32()), pyarrow.list_(pyarrow.float32(), 6)])
@pytest.mark.parametrize("first", [0, 4])
def test_lists(kind, first, tmp_path):
    x = np.random.default_rng(0).normal(size=(10, 2, 3)).astype(np.float32)
    lists = [list(map(float, row.ravel())) for row in x]
    lists[5] = None
    pyarrow.parquet.write_table(pyarrow.table({"x": pyarrow.array(lists, kind)}), tmp_path / "x.parquet")
    _, batches = _read(tmp_path / "x.parquet", tf.TensorSpec([None, 2, 3]), first)
    assert [(batch.first, list(batch.bad)) for batch in batches][-2:] == [(4, [1]), (8, [])]
    for batch in batches:
        np.testing.assert_array_equal(batch.inputs[batch.good], x[[batch.first + row for row in batch.good]])


def test_lists_of_other_lengths_are_bad(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"x": [[1.0, 2.0], [1.0], [3.0, 4.0]]}), tmp_path / "x.parquet")
    _, source = open_source(tmp_path / "x.parquet", tf.TensorSpec([None, 2]), {})
    (batch,) = source.batches(0, 4, Shapes([[2]]))
    assert list(batch.bad) == [1]


def test_texts(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"x": ["good", "bad"]}), tmp_path / "x.parquet")
    _, (batch,) = _read(tmp_path / "x.parquet", tf.TensorSpec([None], tf.string))
    assert batch.inputs.tolist() == ["good", "bad"]


def test_missing_numbers_are_not_numbers(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"x": [1, None], "y": [1.0, 2.0]}), tmp_path / "x.parquet")
    _, (batch,) = _read(tmp_path / "x.parquet", tf.TensorSpec([None, 2]))
    np.testing.assert_array_equal(batch.inputs, [[1, 1], [np.nan, 2]])


def test_identities_differ(folder):
    identity = lambda **options: open_source(folder, None, options)[1].identity()  # noqa: E731
    assert identity() == identity() != identity(columns=["a"])


def test_refused(folder):
    message_of(lambda: open_source(folder, _SPEC, {"columns": ["c"]}), InputError, "'c'", "'label'")
    message_of(lambda: open_source(folder, {"a": _SPEC, "z": _SPEC}, {}), InputError, "'z'")
    dates = pd.DataFrame({"x": pd.to_datetime(["2020-01-01"])})
    dates.to_parquet(folder / "0.parquet")
    message_of(lambda: open_source(folder / "0.parquet", None, {}), InputError, "'x'", "timestamp")


def test_without_pyarrow(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    message_of(lambda: open_source(folder, _SPEC, {}), DeepExplainError, "pip install 'deepexplain_tf[batch]'")
    message_of(packages.pyarrow, DeepExplainError, "format='npz'")
