"""Files as cameras, scanners and microscopes write them, against NumPy on the samples that were written."""

import io

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.arguments.decoding import Samples, decode
from deepexplain_tf.errors import InputError
from tests.picture_files import grey_png, png, tiff, upright

_ORDERS = [(order, deflated) for order in "<>" for deflated in (False, True)]


def _samples(dtype, bands=1, shape=(5, 7)):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return np.random.default_rng(0).normal(size=(*shape, bands)).astype(dtype)
    info = np.iinfo(dtype)
    found = np.random.default_rng(0).integers(info.min, info.max, (*shape, bands), dtype, endpoint=True)
    found[0, 0], found[0, 1] = info.min, info.max
    return found


def _scaled(values, low=0, high=65535):
    return ((values.astype(np.float64) - low) * 255 / (high - low)).astype(np.float32)


def _decode(tmp_path, content, value_range=None, suffix=".tif"):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    return decode(path, value_range)


def _image_of(tmp_path, *arguments, **named):
    found = _decode(tmp_path, *arguments, **named)
    assert isinstance(found, Image.Image)
    return found


def _samples_of(tmp_path, *arguments, **named):
    found = _decode(tmp_path, *arguments, **named)
    assert isinstance(found, Samples)
    assert found.colour.dtype == np.float32
    return found


@pytest.mark.parametrize(("order", "deflated"), _ORDERS)
def test_16_bits_of_grey_keep_all_steps(tmp_path, order, deflated):
    grey = _samples("u2")
    found = _samples_of(tmp_path, tiff(grey, order=order, deflated=deflated))
    np.testing.assert_array_equal(found.colour, _scaled(grey))
    assert found.alpha is None
    np.testing.assert_array_equal(_samples_of(tmp_path, png(grey), suffix=".png").colour, _scaled(grey))


@pytest.mark.parametrize("deflated", [False, True])
def test_zero_may_be_white(tmp_path, deflated):
    for dtype in ("u2", "u1"):
        grey = _samples(dtype)
        found = _decode(tmp_path, tiff(grey, 0, deflated=deflated))
        if dtype == "u1":
            np.testing.assert_array_equal(np.asarray(found)[..., None], 255 - grey)
        else:
            np.testing.assert_array_equal(found.colour, 255 - _scaled(grey))
    floats = _samples("f4")
    found = _samples_of(tmp_path, tiff(floats, 0, deflated=deflated), (-9, 9))
    np.testing.assert_array_equal(found.colour, 255 - _scaled(floats, -9, 9))


@pytest.mark.parametrize(("order", "deflated"), _ORDERS)
@pytest.mark.parametrize("dtype", ["i2", "i4", "f4"])
def test_numbers_without_a_range_of_their_own(tmp_path, dtype, order, deflated):
    values = _samples(dtype)
    content = tiff(values, order=order, deflated=deflated)
    with pytest.raises(
        InputError, match=r"must have a value_range=\(low, high\).* mode [IF]\. Got .*a\.tif with values"
    ):
        _decode(tmp_path, content)
    low, high = (-9, 9) if dtype == "f4" else (-(2**31), 2**31)
    np.testing.assert_array_equal(_samples_of(tmp_path, content, (low, high)).colour, _scaled(values, low, high))


@pytest.mark.parametrize("deflated", [False, True])
def test_32_bits_without_a_sign(tmp_path, deflated):
    values = _samples("u4")
    found = _samples_of(tmp_path, tiff(values, deflated=deflated), (0, 2**32 - 1))
    np.testing.assert_array_equal(found.colour, _scaled(values, 0, 2**32 - 1))


def test_a_range_goes_before_the_depth(tmp_path):
    grey = _samples("u2") % 4096
    assert grey.max() > 4000
    for content, suffix in ((tiff(grey), ".tif"), (png(grey), ".png"), (png(grey.repeat(3, -1)), ".png")):
        found = _samples_of(tmp_path, content, (0, 4095), suffix=suffix).colour
        np.testing.assert_array_equal(found, _scaled(grey, 0, 4095).repeat(found.shape[-1], -1))


def test_a_range_in_float32(tmp_path):
    values = np.full((2, 2, 1), 0.1, np.float32)  # more than the float64 0.1
    values[0] = -0.1
    found = _samples_of(tmp_path, tiff(values), (-0.1, 0.1)).colour
    np.testing.assert_array_equal(found[:, 0, 0], [0, 255])


@pytest.mark.parametrize("value_range", [(0, 4095), (1, 65535)])
def test_values_outside_of_the_range(tmp_path, value_range):
    with pytest.raises(
        InputError, match=r"must have values in \d … \d+\. Got .*a\.tif with values 0 … 65535; value_range"
    ):
        _decode(tmp_path, tiff(_samples("u2")), value_range)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("value_range", [None, (0, 1)])
def test_values_that_are_not_finite(tmp_path, value, value_range):
    values = np.zeros((2, 2, 1), np.float32)
    values[1, 1] = value
    with pytest.raises(InputError, match=r"must be finite. Got .*a\.tif with NaN or Inf"):
        _decode(tmp_path, tiff(values), value_range)


def test_8_bits_have_no_other_range(tmp_path):
    with pytest.raises(InputError, match=r"more than 8 bits for a value_range\. Got .*a\.tif with mode L, of 8 bits"):
        _decode(tmp_path, tiff(_samples("u1")), (0, 100))


@pytest.mark.parametrize(("order", "deflated"), _ORDERS)
def test_16_bits_of_colours_keep_all_steps(tmp_path, order, deflated):
    rgb, rgba = _samples("u2", 3), _samples("u2", 4)
    form = {"order": order, "deflated": deflated}
    assert _samples_of(tmp_path, tiff(rgb, 2, **form)).alpha is None
    np.testing.assert_array_equal(_samples_of(tmp_path, tiff(rgb, 2, **form)).colour, _scaled(rgb))
    np.testing.assert_array_equal(
        _samples_of(tmp_path, tiff(rgba, 2, extra=[0], **form)).colour, _scaled(rgba[..., :3])
    )
    found = _samples_of(tmp_path, tiff(rgba, 2, extra=[2], **form))
    np.testing.assert_array_equal(found.colour, _scaled(rgba[..., :3]))
    np.testing.assert_array_equal(found.alpha, _scaled(rgba[..., 3:]))


@pytest.mark.parametrize("bands", [2, 3, 4])
def test_16_bits_of_a_png_keep_all_steps(tmp_path, bands):
    samples = _samples("u2", bands)
    found = _samples_of(tmp_path, png(samples), suffix=".png")
    colours = bands - (bands in (2, 4))
    np.testing.assert_array_equal(found.colour, _scaled(samples[..., :colours]))
    if bands == 3:
        assert found.alpha is None
    else:
        np.testing.assert_array_equal(found.alpha, _scaled(samples[..., colours:]))


@pytest.mark.parametrize(("order", "deflated"), _ORDERS)
def test_16_bits_that_alpha_was_multiplied_into(tmp_path, order, deflated):
    straight, alpha = _samples("u2", 3).astype(np.float64), _samples("u2", 1)
    stored = np.concatenate([np.rint(straight * alpha / 65535), alpha], -1).astype(np.uint16)
    found = _samples_of(tmp_path, tiff(stored, 2, extra=[1], order=order, deflated=deflated))
    np.testing.assert_array_equal(found.alpha, _scaled(alpha))
    over_black = found.colour.astype(np.float64) * found.alpha / 255
    np.testing.assert_allclose(over_black, _scaled(stored[..., :3]), rtol=2e-7)


@pytest.mark.parametrize("deflated", [False, True])
def test_16_bits_of_cmyk(tmp_path, deflated):
    cmyk = _samples("u2", 4)
    found = _samples_of(tmp_path, tiff(cmyk, 5, deflated=deflated)).colour
    ink, black = cmyk[..., :3] / 65535, cmyk[..., 3:] / 65535
    np.testing.assert_allclose(found, 255 * (1 - ink) * (1 - black), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("bands", [1, 3])
def test_a_transparent_colour_of_16_bits(tmp_path, bands):
    samples = _samples("u2", bands)
    samples[2, 3] = samples[4, 4]
    found = _samples_of(tmp_path, png(samples, transparent=samples[4, 4]), suffix=".png")
    expected = np.full((5, 7, 1), 255)
    expected[2, 3] = expected[4, 4] = 0
    np.testing.assert_array_equal(found.alpha, expected)
    np.testing.assert_array_equal(found.colour, _scaled(samples))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_transparent_level_of_fewer_bits(tmp_path, bits):
    levels = np.arange(35).reshape(5, 7) % 2**bits
    found = _image_of(tmp_path, grey_png(levels, bits, transparent=[1]), suffix=".png")
    rgba = np.asarray(found.convert("RGBA"))
    np.testing.assert_array_equal(rgba[..., 0], levels * 255 // (2**bits - 1))
    np.testing.assert_array_equal(rgba[..., 3], np.where(levels == 1, 0, 255))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_upright(tmp_path, orientation):
    cases = [("u1", 1, 1), ("u2", 1, 1), ("u2", 3, 2), ("f4", 1, 1)]
    for deflated in (False, True):
        for dtype, bands, photometric in cases:
            stored = _samples(dtype, bands)
            found = _decode(
                tmp_path, tiff(stored, photometric, deflated=deflated, t274=orientation), {"f4": (-9, 9)}.get(dtype)
            )
            shown = upright(stored, orientation)
            if dtype == "u1":
                np.testing.assert_array_equal(np.asarray(found), shown[..., 0])
            else:
                np.testing.assert_array_equal(found.colour, _scaled(shown, *((-9, 9) if dtype == "f4" else ())))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_picture_is_upright(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    cases = [_samples("u1", 3)] if suffix == ".webp" else [_samples("u1", 3), _samples("u2")]
    for stored in cases:
        file = io.BytesIO()
        options = {"lossless": True} if suffix == ".webp" else {}
        Image.fromarray(stored.squeeze()).save(file, suffix[1:], exif=exif, **options)
        found = _decode(tmp_path, file.getvalue(), suffix=suffix)
        shown = upright(stored, orientation)
        if stored.dtype == np.uint8:
            np.testing.assert_array_equal(np.asarray(found), shown)
        else:
            np.testing.assert_array_equal(found.colour, _scaled(shown))


@pytest.mark.parametrize("bands", [2, 4])
def test_8_bits_that_alpha_was_multiplied_into(tmp_path, bands):
    stored = np.full((2, 2, bands), 50, np.uint8)
    stored[..., -1] = 100
    found = _image_of(tmp_path, tiff(stored, 1 if bands == 2 else 2, extra=[1]))
    assert found.mode == ("LA" if bands == 2 else "RGBA")
    np.testing.assert_array_equal(np.asarray(found)[0, 0], [*[127] * (bands - 1), 100])


def test_planes_of_8_bits(tmp_path):
    rgb = _samples("u1", 3)
    for deflated in (False, True):
        np.testing.assert_array_equal(
            np.asarray(_image_of(tmp_path, tiff(rgb, 2, planar=True, deflated=deflated))), rgb
        )


@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize(
    ("samples", "photometric", "planar", "words"),
    [
        (_samples("i1"), 1, False, "signed samples of 8 bits"),
        (_samples("u2", 3), 2, True, "16 bits in planes"),
        (_samples("u2", 4), 5, True, "16 bits in planes"),
        (_samples("u1", 3), 8, False, "mode LAB"),
        (_samples("f8"), 1, False, r"a TIFF of 1 float sample\(s\) of 64 bits"),
        (_samples("f2"), 1, False, r"a TIFF of 1 float sample\(s\) of 16 bits"),
        (_samples("u2", 3), 8, False, r"a TIFF of 3 whole sample\(s\) of 16 bits"),
        (_samples("i2", 3), 2, False, r"a TIFF of 3 signed whole sample\(s\) of 16 bits"),
    ],
)
def test_what_pillow_does_not_read_rightly_is_refused(tmp_path, samples, photometric, planar, words, deflated):
    content = tiff(samples, photometric, planar=planar, deflated=deflated)
    with pytest.raises(InputError, match=rf"a picture must .*a\.tif.*{words}"):
        _decode(tmp_path, content)


def test_subsampled_ycbcr_without_compression(tmp_path):
    with pytest.raises(InputError, match="subsampled YCbCr"):
        _decode(tmp_path, tiff(_samples("u1", 3), 6))


@pytest.mark.parametrize("step", [1, 257])
def test_a_palette_in_8_bits(tmp_path, step):
    content = tiff(np.arange(36, dtype=np.uint8).reshape(6, 6, 1), 3, t320=np.tile(np.arange(256) * step, 3))
    if step == 1:
        with pytest.raises(InputError, match="a palette of 8 bits"):
            _decode(tmp_path, content)
    else:
        rgb = np.asarray(_image_of(tmp_path, content).convert("RGB"))
        np.testing.assert_array_equal(rgb, np.arange(36).reshape(6, 6, 1).repeat(3, -1))


def test_ycbcr(tmp_path):
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), [200, 100, 50], np.uint8)).convert("YCbCr").save(file, "TIFF")
    found = _image_of(tmp_path, file.getvalue())
    assert found.mode == "YCbCr"
    np.testing.assert_allclose(np.asarray(found.convert("RGB"))[0, 0], [200, 100, 50], atol=1)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_several_frames(tmp_path, suffix):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match=rf"must be one frame\. Got .*a\{suffix} with 3 frames"):
        decode(tmp_path / f"a{suffix}", None)


def test_a_photo_with_a_preview_is_the_photo(tmp_path):
    photo, preview = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    photo.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[preview])
    np.testing.assert_allclose(np.asarray(decode(tmp_path / "a.jpg", None))[0, 0], [255, 0, 0], atol=2)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"II*\0\x08\0\0\0", b"GIF89a", b"\xff\xd8\xff"]
)
def test_a_file_that_is_no_picture(tmp_path, content):
    with pytest.raises(InputError, match=r"must be a whole file of PNG, JPEG, TIFF, BMP, GIF, WEBP\. Got .*a\.png: "):
        _decode(tmp_path, content, suffix=".png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".gif", ".webp", ".tif"])
def test_a_picture_that_is_cut_off(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(_samples("u1", 3, (20, 20))).save(path)
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) * 0.95, 12).astype(int):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=rf"a\{suffix}"):
            decode(path, None)


@pytest.mark.parametrize("content", [png(_samples("u2", 3)), tiff(_samples("u2", 3), 2), tiff(_samples("f4"))])
def test_many_bits_that_are_cut_off(tmp_path, content):
    for length in np.linspace(0, len(content) * 0.95, 12).astype(int):
        with pytest.raises(InputError, match=r"a\.tif"):
            _decode(tmp_path, content[:length], (-9, 9))


def test_a_picture_too_large_to_be_meant(tmp_path, monkeypatch):
    Image.new("L", (30, 30)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"a\.png: DecompressionBombError.* exceeds limit of 200 pixels"):
        decode(tmp_path / "a.png", None)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        decode(tmp_path / "a.png", None)
