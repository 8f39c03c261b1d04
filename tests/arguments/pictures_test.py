"""Pictures as a model takes them, against NumPy on the pixels that were written."""

import pathlib

import numpy as np
from PIL import Image, ImageOps
import pytest

import deepexplain_tf as dx
from deepexplain_tf.arguments import pictures
from deepexplain_tf.errors import InputError, OptionError
from tests.picture_files import png, tiff

_RANDOM = np.random.default_rng(0)
_GREY_16 = _RANDOM.integers(0, 65536, (6, 9, 1), np.uint16)
_RGB_16 = _RANDOM.integers(0, 65536, (6, 9, 3), np.uint16)
_RGB = _RANDOM.integers(0, 256, (6, 9, 3), np.uint8)


def _saved(path, pixels, **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


def _written(path, content):
    path.write_bytes(content)
    return path


def _pixels(samples):
    return (samples.astype(np.float64) * 255 / 65535).astype(np.float32)


def _luma(rgb):
    return (rgb.astype(np.float64) @ [0.299, 0.587, 0.114])[..., None]


def _over(rgb, alpha, behind, most=255):
    """Returns straight alpha laid over a colour."""
    opacity = alpha.astype(np.float64) / most
    return rgb * opacity + np.asarray(behind, np.float64) * (1 - opacity)


def _bicubic(given, wanted):
    """Returns the matrix `[wanted, given]` of bicubic stretching along a side, with a = −0.5."""
    ratio = given / wanted
    reach = max(ratio, 1)
    distance = np.abs((np.arange(given) + 0.5) - (np.arange(wanted)[:, None] + 0.5) * ratio) / reach
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


def _stretched(pixels, height, width):
    rows, columns = _bicubic(pixels.shape[0], height), _bicubic(pixels.shape[1], width)
    return np.clip(np.einsum("hi,wj,ijc->hwc", rows, columns, pixels.astype(np.float64)), 0, 255)


def _as_before(path, height, width, mode):
    """Returns the pixels of 8 bits by Pillow alone."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert(mode)
    size = (width or upright.width, height or upright.height)
    pixels = np.asarray(upright.resize(size, Image.Resampling.BICUBIC))
    return pixels.reshape(*pixels.shape[:2], -1)


@pytest.mark.parametrize("shape", [(None, None), (4, 12), (13, 5), (6, 9)])
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
@pytest.mark.parametrize("given", ["1", "L", "P", "RGB", "CMYK"])
def test_opaque_pictures_of_8_bits_are_those_of_pillow(tmp_path, shape, channels, mode, given):
    path = _saved(tmp_path / "a.tif", Image.fromarray(_RGB).convert(given))
    found = dx.read_pictures(path, (*shape, channels))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[0], _as_before(path, *shape, mode))


@pytest.mark.parametrize("given", ["L", "RGB", "CMYK"])
def test_jpeg_and_its_orientation(tmp_path, given):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = _saved(tmp_path / "a.jpg", Image.fromarray(_RGB).convert(given), exif=exif, quality=95)
    found = dx.read_pictures(path)
    assert found.shape == (1, 9, 6, 1 if given == "L" else 3)
    np.testing.assert_array_equal(found[0], _as_before(path, None, None, "L" if given == "L" else "RGB"))


def test_cmyk(tmp_path):
    cmyk = _RANDOM.integers(0, 256, (6, 9, 4), np.uint8)
    found = dx.read_pictures(_written(tmp_path / "a.tif", tiff(cmyk, 5)))
    light = 255.0 - cmyk[..., 3:]
    np.testing.assert_array_equal(found[0], light - np.rint(cmyk[..., :3] * light / 255))
    one = Image.new("CMYK", (16, 16), (255, 100, 0, 50))
    found = dx.read_pictures(_saved(tmp_path / "a.jpg", one, quality=95))
    np.testing.assert_allclose(found[0, 8, 8], [0, 205 * (1 - 100 / 255), 205], atol=2)  # JPEG loses


@pytest.mark.parametrize("suffix", pictures.SUFFIXES)
def test_all_suffixes(tmp_path, suffix):
    path = _saved(tmp_path / f"A{suffix.upper()}", np.full((4, 6, 3), [200, 200, 200], np.uint8))
    np.testing.assert_allclose(dx.read_pictures(path), np.full((1, 4, 6, 3), 200), atol=1)  # some of them lose
    assert pictures.is_picture(str(path))


def test_black_and_white_and_fewer_bits(tmp_path):
    bits = _RANDOM.integers(0, 2, (6, 9, 1)).astype(bool)
    path = _saved(tmp_path / "a.png", bits[..., 0])
    np.testing.assert_array_equal(dx.read_pictures(path)[0], bits * np.float32(255))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_ramp_of_16_bits_keeps_its_steps(tmp_path, suffix):
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    path = _written(tmp_path / f"a{suffix}", (png if suffix == ".png" else tiff)(ramp))
    found = dx.read_pictures(path, preprocess="unit")
    assert len(np.unique(found)) == 65536
    np.testing.assert_allclose(found[0], ramp / 65535, rtol=2e-7)
    as_8_bits = dx.read_pictures(_saved(tmp_path / "b.png", (ramp[..., 0] >> 8).astype(np.uint8)))
    assert np.abs(dx.read_pictures(path) - as_8_bits).max() < 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bits_to_the_channels_of_the_model(tmp_path, order):
    grey = _written(tmp_path / "grey.tif", tiff(_GREY_16, order=order))
    rgb = _written(tmp_path / "rgb.tif", tiff(_RGB_16, 2, order=order))

    def read(path, channels):
        return dx.read_pictures(path, (None, None, channels))[0]

    np.testing.assert_array_equal(read(grey, None), _pixels(_GREY_16))
    np.testing.assert_array_equal(read(grey, 1), _pixels(_GREY_16))
    np.testing.assert_array_equal(read(grey, 3), _pixels(_GREY_16).repeat(3, -1))
    np.testing.assert_array_equal(read(grey, 4)[..., :3], _pixels(_GREY_16).repeat(3, -1))
    np.testing.assert_array_equal(read(rgb, None), _pixels(_RGB_16))
    np.testing.assert_allclose(read(rgb, 1), _luma(_RGB_16 / 257), rtol=2e-7)
    np.testing.assert_array_equal(read(rgb, 4)[..., :3], _pixels(_RGB_16))
    np.testing.assert_array_equal(read(rgb, 4)[..., 3], np.full((6, 9), 255))


@pytest.mark.parametrize(("height", "width"), [(4, 12), (13, 5), (6, 20)])
def test_16_bits_are_stretched(tmp_path, height, width):
    for name, samples in (("grey.png", _GREY_16), ("rgb.png", _RGB_16)):
        path = _written(tmp_path / name, png(samples))
        found = dx.read_pictures(path, (height, width, None))[0]
        np.testing.assert_allclose(found, _stretched(samples / 257, height, width), atol=1e-4)
    edge = np.zeros((6, 9, 1), np.uint16)
    edge[:, 4:] = 65535
    found = dx.read_pictures(_written(tmp_path / "edge.png", png(edge)), (60, 90, 1))
    assert (found.min(), found.max()) == (0, 255)


def test_transparency_of_16_bits_is_stretched_with_its_colours(tmp_path):
    rgba = np.concatenate([_RGB_16, _GREY_16], -1)
    rgba[:3, :, 3] = 0
    found = dx.read_pictures(_written(tmp_path / "a.png", png(rgba)), (12, 18, 4))[0]
    alpha = _stretched(rgba[..., 3:] / 257, 12, 18)
    np.testing.assert_allclose(found[..., 3:], alpha, atol=1e-4)
    seen = _stretched(rgba[..., :3] / 257 * (rgba[..., 3:] / 65535), 12, 18)
    clear = alpha[..., 0] > 1
    np.testing.assert_allclose(
        (found[..., :3] * found[..., 3:] / 255)[clear], np.minimum(seen, alpha)[clear], atol=1e-3
    )
    np.testing.assert_array_equal(found[alpha[..., 0] == 0], 0)


def test_floats_need_a_range(tmp_path):
    values = _RANDOM.normal(size=(6, 9, 1)).astype(np.float32)
    path = _written(tmp_path / "a.tif", tiff(values))
    found = dx.read_pictures(path, preprocess="unit", value_range=(-8, 8))
    np.testing.assert_allclose(found[0], (values + 8) / 16, rtol=2e-7)
    with pytest.raises(InputError, match="value_range"):
        dx.read_pictures(path)
    with pytest.raises(InputError, match="values in 0 … 8"):
        dx.read_pictures(path, value_range=(0, 8))


_BEHIND = [
    ("white", 255),
    ("#ff8000", (255, 128, 0)),
    (7, 7),
    ((10, 20.5, 30), (10, 20.5, 30)),
    ("hsl(120,100%,50%)", (0, 255, 0)),
]


@pytest.mark.parametrize(("behind", "colour"), _BEHIND)
def test_what_is_transparent_shows_what_is_behind(tmp_path, behind, colour):
    rgba = _RANDOM.integers(0, 256, (6, 9, 4), np.uint8)
    path = _saved(tmp_path / "a.png", rgba)
    expected = np.rint(_over(rgba[..., :3], rgba[..., 3:], colour))
    np.testing.assert_array_equal(dx.read_pictures(path, behind=behind)[0], expected)
    grey = dx.read_pictures(path, (None, None, 1), behind=behind)[0]
    np.testing.assert_array_equal(grey[..., 0], np.asarray(Image.fromarray(expected.astype(np.uint8)).convert("L")))
    np.testing.assert_array_equal(dx.read_pictures(path, (None, None, 4), behind=behind)[0], rgba)


@pytest.mark.parametrize(("behind", "colour"), _BEHIND)
def test_what_is_transparent_in_16_bits(tmp_path, behind, colour):
    rgba = np.concatenate([_RGB_16, _GREY_16], -1)
    path = _written(tmp_path / "a.png", png(rgba))
    expected = _over(_RGB_16 / 257, _GREY_16, colour, 65535)
    np.testing.assert_allclose(dx.read_pictures(path, behind=behind)[0], expected, rtol=1e-6)
    np.testing.assert_allclose(dx.read_pictures(path, (None, None, 1), behind=behind)[0], _luma(expected), rtol=1e-6)
    np.testing.assert_array_equal(dx.read_pictures(path, (None, None, 4), behind=behind)[0], _pixels(rgba))


@pytest.mark.parametrize("most", [255, 65535])
def test_grey_with_alpha(tmp_path, most):
    samples = _RANDOM.integers(0, most + 1, (6, 9, 2)).astype(np.uint8 if most == 255 else np.uint16)
    path = _written(tmp_path / "a.png", png(samples))
    grey, alpha = samples[..., :1] / (most / 255), samples[..., 1:]
    for channels, behind, colour in ((1, "white", 255), (3, "white", (255, 255, 255)), (3, "red", (255, 0, 0))):
        expected = _over(grey, alpha, colour, most)
        found = dx.read_pictures(path, (None, None, channels), behind=behind)[0]
        np.testing.assert_allclose(found, np.rint(expected) if most == 255 else expected, rtol=1e-6)
    assert dx.read_pictures(path).shape == (1, 6, 9, 1)


@pytest.mark.parametrize("alphas", [[0, 255, 255, 255], [255, 100, 0, 30]])
@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_a_palette_with_transparency(tmp_path, suffix, alphas):
    if suffix == ".gif" and alphas[0]:
        alphas = [255, 255, 0, 255]  # a GIF has one colour that is transparent
    colours = np.array([[255, 0, 0], [0, 255, 0], [10, 20, 30], [200, 100, 50]], np.uint8)
    indices = _RANDOM.integers(0, 4, (6, 9), np.uint8)
    image = Image.fromarray(indices)
    image.putpalette(colours.tobytes())
    transparency = alphas.index(0) if suffix == ".gif" else bytes(alphas)
    path = _saved(tmp_path / f"a{suffix}", image, transparency=transparency)
    alpha = np.array(alphas)[indices][..., None]
    np.testing.assert_array_equal(dx.read_pictures(path)[0], np.rint(_over(colours[indices], alpha, 255)))
    np.testing.assert_array_equal(
        dx.read_pictures(path, behind="blue")[0], np.rint(_over(colours[indices], alpha, (0, 0, 255)))
    )
    np.testing.assert_array_equal(dx.read_pictures(path, (None, None, 4))[0][..., 3:], alpha)


def test_a_palette_with_alpha_beside_it(tmp_path):
    colours = np.array([[1, 2, 3], [200, 100, 50]], np.uint8)
    indices, alpha = _RANDOM.integers(0, 2, (6, 9, 1), np.uint8), _RANDOM.integers(0, 256, (6, 9, 1), np.uint8)
    in_file = np.zeros((3, 256), np.uint16)
    in_file[:, :2] = colours.T * np.uint16(257)
    content = tiff(np.concatenate([indices, alpha], -1), 3, extra=[2], t320=in_file)
    found = dx.read_pictures(_written(tmp_path / "a.tif", content), behind="red")
    np.testing.assert_array_equal(found[0], np.rint(_over(colours[indices[..., 0]], alpha, (255, 0, 0))))


def test_what_is_transparent_is_laid_over_before_it_is_stretched(tmp_path):
    rgba = np.zeros((6, 9, 4), np.uint8)
    rgba[:, 4:] = [255, 0, 0, 255]
    path = _saved(tmp_path / "a.png", rgba)
    flat = _saved(tmp_path / "b.png", np.where(rgba[..., 3:] == 255, rgba[..., :3], np.uint8(255)))
    np.testing.assert_array_equal(dx.read_pictures(path, (12, 5, 3)), dx.read_pictures(flat, (12, 5, 3)))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_opaque_picture_with_alpha_is_the_one_without(tmp_path, suffix):
    opaque = np.concatenate([_RGB, np.full((6, 9, 1), 255, np.uint8)], -1)
    with_alpha, without = _saved(tmp_path / f"a{suffix}", opaque), _saved(tmp_path / f"b{suffix}", _RGB)
    for channels in (1, 3, 4):
        found = [dx.read_pictures(path, (11, 4, channels)) for path in (with_alpha, without)]
        np.testing.assert_array_equal(*found)


def test_preprocessing(tmp_path):
    path = _written(tmp_path / "a.png", png(_RGB_16))
    pixels = _pixels(_RGB_16)[None]
    for preprocess, mean, scale in (
        ("none", 0, 1),
        ("unit", 0, 255),
        ("symmetric", 127.5, 127.5),
        ((120, 60.5), 120, 60.5),
    ):
        found = dx.read_pictures(path, preprocess=preprocess)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, (pixels - np.float32(mean)) / np.float32(scale))


def test_a_folder_of_mixed_depths(tmp_path):
    _saved(tmp_path / "b.png", _RGB)
    _written(tmp_path / "a.tif", tiff(_RGB_16, 2))
    _written(tmp_path / "c.TIFF", tiff(_GREY_16))
    (tmp_path / "notes.txt").write_text("x")
    found = dx.read_pictures(tmp_path, (6, 9, 3))
    np.testing.assert_array_equal(found[0], _pixels(_RGB_16))
    np.testing.assert_array_equal(found[1], _RGB)
    np.testing.assert_array_equal(found[2], _pixels(_GREY_16).repeat(3, -1))
    with pytest.raises(InputError, match="one size at a time"):
        dx.read_pictures(tmp_path)


def test_files_are_read_in_the_order_given(tmp_path):
    files = [str(_saved(tmp_path / f"{name}.png", np.full((2, 2), ord(name), np.uint8))) for name in "bac"]
    for given in (files, tuple(files), map(pathlib.Path, files), np.array(files)):
        np.testing.assert_array_equal(dx.read_pictures(given)[:, 0, 0, 0], [ord(name) for name in "bac"])
    np.testing.assert_array_equal(dx.read_pictures(str(tmp_path))[:, 0, 0, 0], [ord(name) for name in "abc"])


def test_a_missing_file_is_told_before_any_is_read(tmp_path):
    damaged = _written(tmp_path / "a.png", b"text")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.png"):
        dx.read_pictures([damaged, tmp_path / "none.png"])
    with pytest.raises(FileNotFoundError, match="there is no file"):
        dx.read_pictures(tmp_path / "none")


@pytest.mark.parametrize("given", [[], None, 3, b"a.png", [3], [None, "a.png"]])
def test_what_names_no_files(given):
    with pytest.raises(InputError, match="pictures must be a file, a folder or several files"):
        dx.read_pictures(given)


def test_a_file_of_another_name(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "folder.png").mkdir()
    for given in (tmp_path / "a.txt", [tmp_path / "folder.png"]):
        with pytest.raises(InputError, match=r"a picture must be a \.png, .*\.webp file"):
            dx.read_pictures(given)
    with pytest.raises(InputError, match="holds none"):
        dx.read_pictures(tmp_path / "folder.png")


@pytest.mark.parametrize(
    "shape", [(10,), (4, 4, 2), (3, 4, 4, 3), (0, 4, 3), (-1, 4, 3), (4.0, 4, 3), (True, 4, 3), "443", None]
)
def test_a_shape_that_is_none_of_a_picture(tmp_path, shape):
    path = _saved(tmp_path / "a.png", _RGB)
    with pytest.raises(InputError, match=r"with 1, 3 or 4 channels\. Got the shape .*give an \.npy file"):
        dx.read_pictures(path, shape)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[
            ("preprocess", value)
            for value in ("zero", "", 1, (1,), (1, 2, 3), (1, 0), (np.nan, 1), (0, 1e-45), (1e39, 1), None)
        ],
        *[
            ("behind", value)
            for value in ("whit", "#12345", "#ffffff80", 256, -1, (1, 2), (1, 2, 3, 4), np.nan, True, None)
        ],
        *[
            ("value_range", value)
            for value in (3, (1,), (1, 1), (2, 1), (0, np.inf), (0, 1e39), ("0", "1"), (1, 1 + 1e-9), "01")
        ],
    ],
)
def test_other_options(tmp_path, name, value):
    with pytest.raises(OptionError, match=rf"^{name} must be .*Got "):
        dx.read_pictures(tmp_path / "none.png", **{name: value})
