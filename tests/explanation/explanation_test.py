"""Tests of `explanation/explanation.py` and `explanation/storage.py`."""

import io
import os
import pathlib
import stat
import zipfile

import ml_dtypes
import numpy as np
from PIL import Image
import pytest

from deepexplain_tf import visualize
from deepexplain_tf.errors import InputError, UnknownNameError
from deepexplain_tf.explanation import Explanation, load, storage


def _explanation(**changes):
    fields = {
        "attributions": np.arange(12, dtype=np.float32).reshape(2, 3, 2),
        "outputs": np.array([1.5, -2.0], np.float32),
        "method": "gradient_x_input",
    }
    return Explanation(**(fields | changes))


def _full():
    return _explanation(
        baseline_outputs=np.array([0.5, 0.25], np.float32),
        completeness_gap=np.array([1e-6, -3e-5], np.float32),
        n_steps=64,
        standard_error=np.full((2, 3, 2), 0.1, np.float32),
        estimated_error=np.array([1e-4, 2e-4]),
        target=7,
        notes=("stripped Softmax 'probs'", "épsilon ε − Δ"),
    )


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "explanation.npz"


def test_a_single_array_converts_to_numpy():
    e = _explanation()
    assert np.asarray(e) is e.attributions
    assert np.asarray(e, dtype=np.float64).dtype == np.float64
    assert np.array(e, copy=True) is not e.attributions
    np.testing.assert_array_equal(np.abs(e), np.abs(e.attributions))
    with pytest.raises(ValueError, match="copy"):
        np.array(e, dtype=np.float64, copy=False)


@pytest.mark.parametrize("structure", [lambda a: [a], lambda a: {"image": (a,)}])
def test_a_structure_of_one_array_converts_to_numpy(structure):
    array = np.ones((2, 3))
    assert np.asarray(_explanation(attributions=structure(array))) is array


def test_several_arrays_do_not_convert_and_are_named():
    e = _explanation(attributions={"image": np.ones((2, 3)), "age": np.ones((2, 1))})
    with pytest.raises(TypeError, match="2: image, age"):
        np.asarray(e)


@pytest.mark.parametrize("difference", ["attributions", "target", "notes", "outputs"])
def test_equality_looks_at_every_field(difference):
    other = {
        "attributions": np.full((2, 3, 2), np.nan, np.float32),
        "target": 6,
        "notes": (),
        "outputs": np.array([1.5, -2.0], np.float64),
    }
    full = _full()
    assert full == _full()
    assert full != Explanation(**(vars(full) | {difference: other[difference]}))
    assert full != "an explanation"


@pytest.mark.parametrize(
    "dtype",
    [np.float16, np.float32, np.float64, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ">f4", np.int8, bool],
)
def test_save_and_load_keep_dtypes_and_values(path, dtype):
    e = _explanation(attributions=np.array([[0, 1, 2.5], [-3, 0.1, 0]]).astype(dtype))
    e.save(path)
    assert np.asarray(load(path)).dtype == np.dtype(dtype)
    assert np.asarray(load(path)).tobytes() == np.asarray(e).tobytes()


def test_save_and_load_keep_nan_and_empty_and_strided_arrays(path):
    e = _explanation(attributions=[np.array([[np.nan, np.inf]]), np.zeros((0, 4)), np.arange(6).reshape(2, 3).T])
    e.save(path)
    assert load(path) == e


def test_save_and_load_keep_every_field(path):
    _full().save(path)
    again = load(path)
    assert again == _full()
    assert (again.target, again.n_steps, again.notes) == (7, 64, _full().notes)
    assert type(again.n_steps) is int


@pytest.mark.parametrize(
    "structure",
    [
        lambda a, b: [a, b],
        lambda a, b: (a, b),
        lambda a, b: {"z": a, "a": b},
        lambda a, b: {"ids": [a, (b,)], 3: {}, "none": ()},
        lambda a, b: [{"array": a, "dtype": b}],
    ],
)
def test_save_and_load_keep_structures(path, structure):
    parts = structure(np.ones((2, 3), np.float32), np.zeros((2, 1), np.float64))
    e = _explanation(attributions=parts, standard_error=parts)
    e.save(path)
    again = load(path)
    assert again == e
    assert type(again.attributions) is type(parts)
    if isinstance(parts, dict):
        assert list(again.attributions) == list(parts)


@pytest.mark.parametrize(
    "target", [None, 3, -1, (2, 0, 1), np.array([1, 2]), np.array([[0.5, 0.5], [0, 1]], np.float32), "margin"]
)
def test_save_and_load_keep_targets(path, target):
    e = _explanation(target=target, n_steps=np.array([16, 32]))
    e.save(path)
    assert load(path) == e
    assert type(load(path).target) is type(target)


@pytest.mark.parametrize("name", ["plain", "e.dat", "e.npz", "ä b.npz"])
def test_the_file_is_exactly_at_the_path(tmp_path, name):
    _full().save(str(tmp_path / name))
    assert os.listdir(tmp_path) == [name]
    assert load(tmp_path / name) == _full()


def test_a_link_stays_a_link(tmp_path, path):
    (tmp_path / "link").symlink_to(path)
    _full().save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load(path) == _full()


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_the_file_has_the_mode_of_any_new_file(tmp_path, path):
    (tmp_path / "new").touch()
    _full().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "new").stat().st_mode)


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    _full().save(path)

    def fail(file, arrays):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(storage, "write_npz", fail)
    with pytest.raises(OSError, match="no space"):
        _explanation().save(path)
    assert os.listdir(path.parent) == [path.name]
    assert load(path) == _full()


def test_what_is_no_array_is_not_saved(path):
    for field in (object(), np.array([None, 1]), {"f": len}):
        with pytest.raises(TypeError, match="saved from arrays"):
            _explanation(target=field).save(path)
    assert not path.exists()


def test_a_missing_file_is_not_found(path):
    with pytest.raises(FileNotFoundError):
        load(path)


def _npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _header(text: str) -> bytes:
    return _npz(header=np.frombuffer(text.encode(), np.uint8))


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        bytes(range(256)) * 4,
        b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94.",  # a pickle
        _npy(np.ones(3)),
        _npz(weights=np.ones(3)),
        _npz(header=np.array([{"format": "deepexplain_tf.Explanation/1"}], dtype=object)),
        _header("{"),
        _header("[]"),
        _header("{}"),
        _header('{"format": "deepexplain_tf.Explanation/2", "fields": {}}'),
        _header('{"format": "deepexplain_tf.Explanation/1", "fields": {}}'),
        _header('{"format": "deepexplain_tf.Explanation/1", "fields": {"attributions": {"array": "a"}}}'),
        _header(
            '{"format": "deepexplain_tf.Explanation/1",'
            ' "fields": {"attributions": {"x": 1}, "outputs": 1, "method": "deeplift"}}'
        ),
    ],
)
def test_another_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match="explanation is loaded"):
        load(path)


def test_a_truncated_file_is_refused(path):
    _full().save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            load(path)


def test_a_changed_byte_of_the_data_is_noticed(path):
    e = _explanation(attributions=np.full((1, 1000), 0.125))
    e.save(path)
    whole = bytearray(path.read_bytes())
    whole[bytes(whole).index(np.float64(0.125).tobytes() * 10) + 80] ^= 1
    path.write_bytes(whole)
    with pytest.raises(InputError, match="CRC"):
        load(path)


def test_the_file_is_a_plain_npz(path):
    _full().save(path)
    assert zipfile.is_zipfile(path)
    with np.load(path, allow_pickle=False) as arrays:
        assert any(np.array_equal(arrays[name], _full().attributions) for name in arrays.files)


def test_repr_is_short_and_says_what_matters():
    text = repr(_full())
    assert "gradient_x_input" in text
    assert "target=7" in text
    assert "float32(2, 3, 2)" in text
    assert "[ 1.5 -2. ]" in text
    assert "|gap|: 3e-05" in text
    large = _explanation(
        attributions={"a": np.ones((500, 9)), "b": [np.ones((500, 2), np.int32)]},
        outputs=np.arange(500.0).astype(ml_dtypes.bfloat16),
        completeness_gap=np.zeros(0),
        target=np.zeros(500, int),
    )
    assert "{a: float64(500, 9), b: [int32(500, 2)]}" in repr(large)
    assert "target=int64(500,)" in repr(large)
    assert len(repr(large)) < 300


def test_symbolic_tensors_are_kept_as_they_are():
    tf = pytest.importorskip("tensorflow")
    seen = []

    @tf.function
    def explained(x):
        e = _explanation(attributions=x, outputs=tf.reduce_sum(x, axis=1))
        seen.append(e)
        assert "float32(None, 3)" in repr(e)
        return e.attributions

    concrete = explained.get_concrete_function(tf.TensorSpec([None, 3]))
    assert isinstance(concrete.structured_outputs, tf.Tensor)
    assert seen[0] == seen[0]


def test_eager_tensors_are_saved_as_arrays(path):
    tf = pytest.importorskip("tensorflow")
    _explanation(attributions=tf.constant([[1.0, 2.0]], tf.bfloat16)).save(path)
    assert load(path) == _explanation(attributions=np.array([[1, 2]], ml_dtypes.bfloat16))


def test_image_draws_one_example_as_visualize_does():
    rng = np.random.default_rng(0)
    attributions = rng.normal(size=(3, 8, 6, 3))
    pictures = rng.integers(0, 256, (3, 8, 6, 3), np.uint8)
    e = _explanation(attributions=attributions, outputs=np.zeros(3))
    assert e.image() == visualize.heat_map(attributions[0])
    assert e.image(example=-1, percentile=50) == visualize.heat_map(attributions[2], percentile=50)
    assert e.image(pictures, example=1) == visualize.overlay(attributions[1], pictures[1])
    assert e.image([pictures], kind="window") == visualize.window(attributions[0], pictures[0])
    assert isinstance(e.image(), Image.Image)


def test_image_refuses_what_it_cannot_draw():
    e = _explanation(attributions=np.ones((1, 4, 4, 3)), outputs=np.zeros(1))
    with pytest.raises(InputError, match="Got 1"):
        e.image(example=1)
    with pytest.raises(InputError, match="pass them as inputs="):
        e.image(kind="overlay")
    with pytest.raises(UnknownNameError, match="heat_map"):
        e.image(kind="heatmap")
