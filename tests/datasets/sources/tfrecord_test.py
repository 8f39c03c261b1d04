import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.datasets.rows import Shapes
from deepexplain_tf.datasets.sources import open_source
from deepexplain_tf.errors import InputError, OptionError
from tests.checks import message_of

_X = np.random.default_rng(0).normal(size=(10, 2, 3)).astype(np.float32)
_FEATURES = {"x": tf.io.FixedLenFeature([2, 3], tf.float32)}


def _record(x, number=0):
    numbers = tf.train.Feature(float_list=tf.train.FloatList(value=x.ravel()))
    whole = tf.train.Feature(int64_list=tf.train.Int64List(value=[number]))
    example = tf.train.Example(features=tf.train.Features(feature={"x": numbers, "number": whole}))
    return example.SerializeToString()


def _write(path, records, compression=""):
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)


@pytest.fixture
def folder(tmp_path):
    records = [_record(x, number) for number, x in enumerate(_X)]
    _write(tmp_path / "a.tfrecord", records[:7])
    _write(tmp_path / "b.tfrecord", records[7:])
    return tmp_path


@pytest.mark.parametrize("first", [0, 4, 8])
def test_rows_of_several_files(folder, first):
    name, source = open_source(folder, None, {"features": _FEATURES})
    assert name == "tfrecord"
    batches = list(source.batches(first, 4, Shapes(None)))
    assert [batch.first for batch in batches] == list(range(first, 10, 4))
    np.testing.assert_array_equal(np.concatenate([batch.inputs for batch in batches]), _X[first:])


def test_several_features(folder):
    features = {**_FEATURES, "number": tf.io.FixedLenFeature([], tf.int64)}
    source = open_source([folder / "b.tfrecord"], None, {"features": features})[1]
    (batch,) = source.batches(0, 4, Shapes(None))
    assert batch.inputs["number"].tolist() == [7, 8, 9]


def test_compressed_files(tmp_path):
    _write(tmp_path / "a.tfrecord", [_record(x) for x in _X], "GZIP")
    options = {"features": _FEATURES, "compression": "GZIP"}
    (batch,) = open_source(tmp_path / "a.tfrecord", None, options)[1].batches(0, 16, Shapes(None))
    np.testing.assert_array_equal(batch.inputs, _X)


def test_records_without_the_feature_are_bad(tmp_path):
    records = [_record(_X[0]), _record(_X[1, 0]), b"no record", _record(_X[3])]
    _write(tmp_path / "a.tfrecord", records)
    (batch,) = open_source(tmp_path / "a.tfrecord", None, {"features": _FEATURES})[1].batches(0, 8, Shapes(None))
    assert list(batch.bad) == [1, 2]
    np.testing.assert_array_equal(batch.inputs[[0, 3]], _X[[0, 3]])


def test_a_damaged_file(folder):
    data = bytearray((folder / "a.tfrecord").read_bytes())
    data[len(data) // 2] ^= 255
    (folder / "a.tfrecord").write_bytes(data)
    _, source = open_source(folder, None, {"features": _FEATURES})
    message_of(lambda: list(source.batches(0, 2, Shapes(None))), InputError, "whole", "after row")


def test_identities_differ(folder):
    identity = lambda **options: open_source(folder, None, options)[1].identity()  # noqa: E731
    flat = {"x": tf.io.FixedLenFeature([6], tf.float32)}
    assert identity(features=_FEATURES) == identity(features=dict(_FEATURES)) != identity(features=flat)


@pytest.mark.parametrize("options", [{}, {"features": {}}, {"features": {"x": tf.io.VarLenFeature(tf.float32)}}])
def test_features_are_needed(folder, options):
    message_of(lambda: open_source(folder, None, options), OptionError, "tf.io.FixedLenFeature")


def test_unknown_compression(folder):
    options = {"features": _FEATURES, "compression": "zip"}
    message_of(lambda: open_source(folder, None, options), OptionError, "GZIP", "zip")
