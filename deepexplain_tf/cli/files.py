"""The user's files as what a model takes: pictures, `.npy` and `.npz`."""

from collections.abc import Sequence
import contextlib
import os
import pathlib
from typing import Any
import zipfile

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from deepexplain_tf.errors import InputError, OptionError

Array = npt.NDArray[Any]

_PICTURES = (".png", ".jpg", ".jpeg")
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_SCALES = {"none": (0.0, 1.0), "unit": (0.0, 255.0), "symmetric": (127.5, 127.5)}


def require_files(*paths: str) -> None:
    """Raises FileNotFoundError where a file or folder is missing, before anything slow."""
    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError(f"there is no file {path}")


def read_array(path: str | os.PathLike[str]) -> Array:
    """Reads an `.npy` file.

    Raises:
        FileNotFoundError: There is no such file.
        InputError: The file is none, or holds Python objects.
    """
    value = _load(path)
    if not isinstance(value, np.ndarray):
        raise InputError(f"one array, an .npy file, is needed here. Got {path}.")
    return value


def read_arrays(path: str | os.PathLike[str]) -> Array | list[Array] | dict[str, Array]:
    """Reads an `.npy` or `.npz` file; an `.npz` of one array is that array, one of arrays without names a list.

    Raises:
        FileNotFoundError: There is no such file.
        InputError: The file is none, or holds Python objects or nothing.
    """
    value = _load(path)
    if isinstance(value, np.ndarray):
        return value
    if not value:
        raise InputError(f"{path} must hold an array. Got an empty archive.")
    numbered = [f"arr_{index}" for index in range(len(value))]  # how `np.savez` calls arrays without names
    if len(value) > 1:
        return [value[name] for name in numbered] if set(value) == set(numbered) else value
    return next(iter(value.values()))


def _load(path: str | os.PathLike[str]) -> Array | dict[str, Array]:
    try:
        # Opened here, since NumPy leaves a damaged archive open.
        with open(path, "rb") as file:
            value = np.load(file, allow_pickle=False)
            return value if isinstance(value, np.ndarray) else dict(value)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} must be an .npy or .npz file of numbers. {error}") from error


def preprocessing(text: str) -> tuple[float, float]:
    """Returns (mean, scale) of (pixel − mean) / scale, with pixels 0..255, from a name or `MEAN,SCALE`."""
    if text in _SCALES:
        return _SCALES[text]
    with contextlib.suppress(ValueError):
        mean, scale = map(float, text.split(","))
        if np.isfinite(mean) and np.isfinite(scale) and scale != 0:
            return mean, scale
    raise OptionError(f"--preprocess must be {', '.join(_SCALES)} or MEAN,SCALE, the second not 0. Got {text!r}.")


def is_picture(path: str) -> bool:
    """Returns whether a path is a folder or named like a picture."""
    return os.path.isdir(path) or path.lower().endswith(_PICTURES)


def _picture_files(path: str) -> list[pathlib.Path]:
    if not os.path.isdir(path):
        return [pathlib.Path(path)]
    found = sorted(file for file in pathlib.Path(path).iterdir() if file.name.lower().endswith(_PICTURES))
    if not found:
        raise InputError(f"the folder must hold {', '.join(_PICTURES)} files. {path} holds none.")
    return found


def read_pictures(path: str, shape: Sequence[int | None]) -> tuple[list[str], Array]:
    """Reads one picture, or all of a folder in the order of their names.

    Args:
        path: A `.png` or `.jpg` file or a folder of them.
        shape: The model's `(height, width, channels)`; pictures are stretched to it. None takes the
            picture's own.

    Returns:
        The names of the files, without the suffix where that tells them apart, and pixels 0..255, uint8
        `[batch, height, width, channels]`.

    Raises:
        FileNotFoundError: There is no such file or folder.
        InputError: The folder holds no picture, the sizes differ, or the model takes no pictures.
    """
    if len(shape) != 3 or (shape[2] or 3) not in _MODES:
        raise InputError(
            f"pictures go to a model that takes [height, width, channels] with 1, 3 or 4 channels. "
            f"This one takes {tuple(shape)}: give an .npy file."
        )
    files = _picture_files(path)
    pixels = [_read_picture(file, *shape) for file in files]
    sizes = {array.shape for array in pixels}
    if len(sizes) > 1:
        raise InputError(f"this model takes pictures of any size, but one size at a time. Got {sorted(sizes)[:4]}.")
    return _names(files), np.stack(pixels)


def _names(files: Sequence[pathlib.Path]) -> list[str]:
    stems = [file.stem for file in files]
    return [file.stem if stems.count(file.stem) == 1 else file.name for file in files]


def _read_picture(path: pathlib.Path, height: int | None, width: int | None, channels: int | None) -> Array:
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert(_MODES[channels or 3])
    size = (width or upright.width, height or upright.height)
    pixels = np.asarray(upright.resize(size, Image.Resampling.BICUBIC))
    return pixels.reshape(*pixels.shape[:2], -1)
