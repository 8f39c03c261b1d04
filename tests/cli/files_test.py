import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.cli import files
from deepexplain_tf.errors import InputError, OptionError


def _save(path, colour=(255, 0, 0), size=(6, 4), mode="RGB"):
    Image.new(mode, size, colour).save(path)


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
    with pytest.raises(FileNotFoundError):
        files.read_pictures(str(tmp_path / "a.png"), (4, 4, 3))


def test_a_picture_takes_the_size_of_the_model(tmp_path):
    _save(tmp_path / "red.png")
    names, pixels = files.read_pictures(str(tmp_path / "red.png"), (8, 10, 3))
    assert names == ["red"]
    assert pixels.shape == (1, 8, 10, 3)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[0, 3, 3], [255, 0, 0])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_takes_the_channels_of_the_model(tmp_path, channels):
    _save(tmp_path / "red.png")
    assert files.read_pictures(str(tmp_path / "red.png"), (8, 8, channels))[1].shape == (1, 8, 8, channels)


def test_a_folder_is_read_in_the_order_of_names(tmp_path):
    for name in ("b.PNG", "a.jpg", "c.jpeg"):
        _save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    names, pixels = files.read_pictures(str(tmp_path), (None, None, None))
    assert names == ["a", "b", "c"]
    assert pixels.shape == (3, 4, 6, 3)


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(InputError, match="holds none"):
        files.read_pictures(str(tmp_path), (4, 4, 3))


def test_pictures_of_the_same_name_are_told_apart(tmp_path):
    _save(tmp_path / "a.png")
    _save(tmp_path / "a.jpg")
    assert files.read_pictures(str(tmp_path), (4, 4, 3))[0] == ["a.jpg", "a.png"]


def test_sizes_differ_where_the_model_leaves_them_open(tmp_path):
    _save(tmp_path / "a.png")
    _save(tmp_path / "b.png", size=(5, 5))
    with pytest.raises(InputError, match="one size at a time"):
        files.read_pictures(str(tmp_path), (None, None, 3))


@pytest.mark.parametrize("shape", [(10,), (4, 4, 2), (3, 4, 4, 3)])
def test_a_model_that_takes_no_pictures(tmp_path, shape):
    _save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"give an \.npy file"):
        files.read_pictures(str(tmp_path / "a.png"), shape)


def test_a_picture_that_is_none(tmp_path):
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(OSError, match="cannot identify"):
        files.read_pictures(str(tmp_path / "a.png"), (4, 4, 3))


def test_preprocessing():
    assert files.preprocessing("none") == (0, 1)
    assert files.preprocessing("unit") == (0, 255)
    assert files.preprocessing("127,128") == (127, 128)


@pytest.mark.parametrize("text", ["zero", "1", "1,2,3", "1,0", "nan,1", ""])
def test_unknown_preprocessing(text):
    with pytest.raises(OptionError, match="--preprocess"):
        files.preprocessing(text)
