"""Pictures as a model takes them: files of any depth and mode, read, stretched and preprocessed."""

from collections.abc import Iterable, Sequence
import os
import pathlib
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor

from deepexplain_tf.arguments.decoding import Range, Samples, decode
from deepexplain_tf.arguments.options import is_int, is_real, require
from deepexplain_tf.errors import InputError, OptionError, shortened

Array = npt.NDArray[Any]
File: TypeAlias = str | os.PathLike[str]
Preprocess: TypeAlias = str | tuple[float, float]
Colour: TypeAlias = str | float | tuple[float, ...]
Shape: TypeAlias = Sequence[int | None]

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_SCALES = {"none": (0.0, 1.0), "unit": (0.0, 255.0), "symmetric": (127.5, 127.5)}
_LUMA = (299, 587, 114)  # Pillow's, of ITU-R 601-2, in thousandths


def in_colours(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Returns the shape in which a model takes pictures; one that leaves its channels open takes colours."""
    return (*shape[:2], 3) if shape[2:] == (None,) else shape


def read_pictures(
    path: File | Iterable[File],
    shape: Shape = (None, None, None),
    *,
    preprocess: Preprocess = "none",
    behind: Colour = "white",
    value_range: Range | None = None,
) -> Array:
    """Reads pictures as a model takes them, as `deepexplain explain --input` does.

    Every mode that Pillow reads becomes pixels of 0..255, or is refused by name. Whole numbers are brought there by
    their depth: 16 bits keep all their steps, as v · 255 / 65535. Signed and 32-bit numbers (mode I) and floats (mode
    F) have no black and white of their own and need `value_range`. EXIF orientation is obeyed; palettes, CMYK and YCbCr
    are converted as Pillow does; LAB and files of several frames are refused, but for the photo with its previews of a
    telephone (MPO). Colour profiles are not applied.

    Args:
      path: a file, a folder, whose pictures are read in the order of their names, or several files. Pictures are .png,
        .jpg, .jpeg, .tif, .tiff, .bmp, .gif and .webp files.
      shape: `(height, width, channels)`; pictures are stretched to it (bicubic). 1 channel is Pillow's luma, 3 are red,
        green and blue, 4 have alpha too. None takes the picture's own; its own channels are 1 or 3.
      preprocess: `"none"` (0..255), `"unit"` (0..1), `"symmetric"` (−1..1), or `(mean, scale)` for
        (pixel − mean) / scale.
      behind: the colour behind transparent pixels, unless there are 4 channels: a name or `"#rrggbb"` as Pillow knows
        it, or one or three numbers in 0..255.
      value_range: `(low, high)`, the values that are black and white in pictures of more than 8 bits, whatever their
        depth: `(0, 4095)` for 12 bits in a 16-bit file. In a TIFF whose zero is white, they are white and black.

    Returns:
      float32 `[batch, height, width, channels]`.

    Raises:
      FileNotFoundError: there is no such file or folder.
      InputError: no picture, a damaged one, a mode without a conversion, several frames, values outside of their range,
        NaN, different sizes, or a shape that is none of a picture.
      OptionError: a `preprocess`, `behind` or `value_range` that is not one of those above.
    """
    check_options(preprocess, behind, value_range)
    _require_shape(shape)
    pixels = [_read(file, shape, _colour(behind), value_range) for file in files_of(path)]
    sizes = {array.shape for array in pixels}
    if len(sizes) > 1:
        raise InputError(f"pictures are read one size at a time, or stretched to a shape. Got {sorted(sizes)[:4]}.")
    return preprocessed(np.stack(pixels), preprocess)


def check_options(preprocess: Preprocess, behind: Colour, value_range: Range | None) -> None:
    """Raises OptionError unless `preprocess`, `behind` and `value_range` are those of `read_pictures`."""
    _mean_and_scale(preprocess)
    _colour(behind)
    if value_range is not None:
        pair = np.array(_numbers(value_range), np.float64)
        with np.errstate(over="ignore"):  # an overflow is found below
            ends = pair.astype(np.float32)
        increasing = ends.shape == (2,) and bool(np.isfinite(ends).all() and ends[0] < ends[1])
        require(increasing, "value_range", "two numbers (low, high), the second larger in float32", value_range)


def preprocessed(pixels: Array, preprocess: Preprocess) -> Array:
    """Returns (pixels − mean) / scale as float32."""
    mean, scale = _mean_and_scale(preprocess)
    return (pixels.astype(np.float32) - np.float32(mean)) / np.float32(scale)


def _mean_and_scale(preprocess: Preprocess) -> tuple[float, float]:
    pair = _SCALES.get(preprocess, ()) if isinstance(preprocess, str) else _numbers(preprocess)
    if len(pair) == 2:
        mean, scale = pair
        with np.errstate(all="ignore"):
            ends = (np.array([0, 255], np.float32) - np.float32(mean)) / np.float32(scale)
        if np.isfinite(ends).all():
            return mean, scale
    raise OptionError(
        f"preprocess must be {', '.join(_SCALES)} or two numbers (mean, scale), the second not 0, that keep pixels "
        f"finite. Got {shortened(preprocess)}."
    )


def _colour(behind: Colour) -> Array:
    """Returns red, green and blue in 0..255."""
    try:
        numbers = ImageColor.getrgb(behind) if isinstance(behind, str) else _numbers(behind)
    except ValueError:
        numbers = ()
    numbers = numbers * 3 if len(numbers) == 1 else numbers
    if len(numbers) == 3 and all(0 <= number <= 255 for number in numbers):
        return np.array(numbers, np.float64)
    raise OptionError(
        f"behind must be a colour's name, '#rrggbb', or one or three numbers in 0..255. Got {shortened(behind)}."
    )


def _numbers(given: Any) -> tuple[float, ...]:
    """Returns a number or a sequence of them as a tuple; any other value as an empty one."""
    found = tuple(given) if isinstance(given, list | tuple | np.ndarray) else (given,)
    return tuple(float(number) for number in found) if all(is_real(number) for number in found) else ()


def _require_shape(shape: Shape) -> None:
    sides = tuple(shape) if isinstance(shape, Sequence) else ()
    fits = len(sides) == 3 and all(side is None or (is_int(side) and side > 0) for side in sides)
    if not fits or sides[2] not in (None, *_MODES):
        raise InputError(
            "pictures become [height, width, channels] with 1, 3 or 4 channels. Got the shape "
            f"{shortened(shape)}; for other inputs make an array, or give an .npy file."
        )


def is_picture(path: str) -> bool:
    """Returns whether a path is a folder or named like a picture."""
    return os.path.isdir(path) or path.lower().endswith(SUFFIXES)


def files_of(path: File | Iterable[File]) -> list[pathlib.Path]:
    """Returns the files of pictures that a path, or several, name.

    Raises:
      FileNotFoundError: there is no such file or folder.
      InputError: none, or a file that is not named like a picture.
    """
    if isinstance(path, str | os.PathLike) and os.path.isdir(path):
        found = sorted(file for file in pathlib.Path(path).iterdir() if file.name.lower().endswith(SUFFIXES))
        if not found:
            raise InputError(f"the folder must hold {', '.join(SUFFIXES)} files. {path} holds none.")
        return found
    several = list(path) if isinstance(path, Iterable) and not isinstance(path, str) else [path]
    files = [pathlib.Path(file) for file in several if isinstance(file, str | os.PathLike)]
    if not files or len(files) < len(several):
        raise InputError(f"pictures must be a file, a folder or several files. Got {shortened(path)}.")
    for file in files:
        if not file.exists():
            raise FileNotFoundError(f"there is no file {file}")
        if file.is_dir() or file.suffix.lower() not in SUFFIXES:
            raise InputError(f"a picture must be a {', '.join(SUFFIXES)} file. Got {file}.")
    return files


def _read(path: pathlib.Path, shape: Shape, behind: Array, value_range: Range | None) -> Array:
    """Returns pixels `[height, width, channels]`: uint8 of a picture of 8 bits, float32 of one of more."""
    height, width, channels = shape
    found = decode(path, value_range)
    pixels = _floats(found, channels, behind) if isinstance(found, Samples) else _bytes(found, channels, behind)
    size = (width or pixels.shape[1], height or pixels.shape[0])
    if size == pixels.shape[1::-1]:
        return pixels
    if pixels.dtype == np.uint8:
        resized = _image(pixels).resize(size, Image.Resampling.BICUBIC)
        return np.asarray(resized).reshape(size[1], size[0], -1)
    return _stretched(pixels, size)


def _bytes(image: Image.Image, channels: int | None, behind: Array) -> Array:
    mode = _MODES[channels or (1 if image.mode in ("1", "L", "LA") else 3)]
    if mode != "RGBA" and image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        image = _image(np.rint(_over(rgba[..., :3], rgba[..., 3:], behind)).astype(np.uint8))
    pixels = np.asarray(image.convert(mode))
    return pixels.reshape(*pixels.shape[:2], -1)


def _image(pixels: Array) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _floats(samples: Samples, channels: int | None, behind: Array) -> Array:
    colour, alpha = samples.colour, samples.alpha
    channels = channels or colour.shape[-1]
    if alpha is not None and channels != 4:
        colour = _over(colour, alpha, behind)
    if channels == 1 and colour.shape[-1] == 3:
        colour = (colour.astype(np.float64) @ np.array(_LUMA) / 1000)[..., None]
    if channels > 1 and colour.shape[-1] == 1:
        colour = np.repeat(colour, 3, axis=-1)
    if channels == 4:
        colour = np.concatenate([colour, np.full_like(colour[..., :1], 255) if alpha is None else alpha], axis=-1)
    return colour.astype(np.float32)


def _over(colour: Array, alpha: Array, behind: Array) -> Array:
    """Returns red, green and blue of a picture laid over a colour, float64."""
    opacity = alpha.astype(np.float64) / 255
    return colour * opacity + behind * (1 - opacity)


def _stretched(pixels: Array, size: tuple[int, int]) -> Array:
    """Returns float pixels stretched to (width, height), without what bicubic overshoots."""
    if pixels.shape[-1] == 4:
        # As Pillow does with bytes: what is transparent lends no colour to its neighbours.
        alpha = _stretched(pixels[..., 3:], size)
        colour = _stretched(pixels[..., :3] * (pixels[..., 3:] / 255), size)
        shown = np.divide(colour * 255, alpha, out=np.zeros_like(colour), where=alpha > 0)
        return np.concatenate([np.minimum(shown, 255), alpha], axis=-1)
    bands = [Image.fromarray(band).resize(size, Image.Resampling.BICUBIC) for band in np.moveaxis(pixels, -1, 0)]
    return np.clip(np.stack([np.asarray(band) for band in bands], axis=-1), 0, 255)
