"""One picture file, decoded: every mode that Pillow reads, with all its bits, or refused by name."""

from collections.abc import Sequence
import contextlib
import dataclasses
import os
import sys
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, TiffImagePlugin, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from deepexplain_tf.errors import InputError, brief

Array = npt.NDArray[Any]
Range = tuple[float, float]

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
_BYTES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV")
_STEPS = {"1": 255, "L;2": 85, "L;4": 17}  # between the grey levels of fewer bits, brought to 0..255
_KINDS = {1: "whole", 2: "signed whole", 3: "float"}  # of a TIFF's samples
_COLOURS = {"LA": 1, "CMYK": 4}
_DEPTH_16 = (0, 65535)
_NATIVE = "L" if sys.byteorder == "little" else "B"
# Tags of a TIFF.
_BITS, _FORMAT = TiffImagePlugin.BITSPERSAMPLE, TiffImagePlugin.SAMPLEFORMAT
_PHOTOMETRIC, _PLANES = TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, TiffImagePlugin.PLANAR_CONFIGURATION
_SUBSAMPLING, _PALETTE = TiffImagePlugin.YCBCRSUBSAMPLING, TiffImagePlugin.COLORMAP


@dataclasses.dataclass(frozen=True)
class Samples:
    """A picture of more than 8 bits.

    Attributes:
      colour: `[height, width, 1 or 3]`, float32 0..255 with fractions.
      alpha: `[height, width, 1]`, float32 0..255; None where every pixel is opaque.
    """

    colour: Array
    alpha: Array | None


def decode(path: str | os.PathLike[str], value_range: Range | None) -> Image.Image | Samples:
    """Returns a picture, upright by its EXIF orientation: as an image of 8 bits, or as samples where it has more.

    Whole numbers are brought to 0..255 by their depth, and any by `value_range`, the values that are black and white;
    in a TIFF whose zero is white, white and black. Colour profiles are not applied.

    Raises:
      FileNotFoundError: there is no such file.
      InputError: the file is no whole picture, has several frames, is of a mode without a conversion, needs a
        `value_range` or cannot have one, or has values outside of it.
    """
    with open(path, "rb") as file:
        try:
            return _Decoder(file, path, value_range).picture()
        except (InputError, MemoryError):
            raise
        except Exception as error:  # Pillow raises many classes, whatever damaged bytes lead to
            why = _layout(file) if isinstance(error, UnidentifiedImageError) else brief(error)
            raise InputError(f"a picture must be a whole file of {', '.join(_FORMATS)}. Got {path}: {why}.") from None


def _layout(file: IO[bytes]) -> str:
    """Returns what a file holds that Pillow does not identify, as far as a TIFF tells."""
    with contextlib.suppress(Exception):  # whatever the bytes are
        file.seek(0)
        header = file.read(8)
        tags = TiffImagePlugin.ImageFileDirectory_v2(header + (file.read(8) if 43 in header[2:4] else b""))
        file.seek(tags.next)
        tags.load(file)
        bits, kinds = tags[_BITS], tags.get(_FORMAT, (1,))
        return f"Pillow does not read a TIFF of {len(bits)} {_KINDS.get(kinds[0], 'other')} sample(s) of {bits[0]} bits"
    return "Pillow finds no picture in it"


class _Decoder:
    """Decodes one file; `path` is its name in messages."""

    def __init__(self, file: IO[bytes], path: str | os.PathLike[str], value_range: Range | None):
        self._file, self._path, self._range = file, path, value_range
        self._image = Image.open(file, formats=_FORMATS)

    def picture(self) -> Image.Image | Samples:
        image = self._image
        frames = getattr(image, "n_frames", 1)
        # The later pictures of an MPO, a photo of a telephone, are previews and maps of the first.
        if frames > 1 and image.format != "MPO":
            raise self._refusal("be one frame", f"{frames} frames; save one as a file of its own")
        if isinstance(image, TiffImageFile):
            self._check_tiff(image)
        rawmode = _rawmode(image)
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            return self._one_band(rawmode)
        if ";16" in rawmode:
            return self._several_bands(*rawmode.split(";16"))
        if image.mode not in _BYTES:
            raise self._refusal(f"have a mode of {', '.join(_BYTES)}, I or F", f"mode {image.mode}")
        if self._range is not None:
            raise self._refusal("have more than 8 bits for a value_range", f"mode {image.mode}, of 8 bits")
        return _of_bytes(image, rawmode)

    def _refusal(self, requirement: str, got: str) -> InputError:
        return InputError(f"a picture must {requirement}. Got {self._path} with {got}.")

    def _check_tiff(self, image: TiffImageFile) -> None:
        """Raises InputError where Pillow would return other numbers than the file holds."""
        tags, several = image.tag_v2, len(image.getbands()) > 1
        plain_ycbcr = several and image.tile[0][0] == "raw" and tags.get(_PHOTOMETRIC, 0) == 6
        # In older versions of Pillow the mode is RGB, and each colour four bytes.
        readable = image.mode == "YCbCr" and tags.get(_SUBSAMPLING) == (1, 1)
        found = {
            "signed samples of 8 bits": image.mode == "L" and tags.get(_FORMAT, (1,))[0] == 2,
            "16 bits in planes, one for each colour": several and tags[_BITS][0] > 8 and tags.get(_PLANES, 1) == 2,
            "subsampled YCbCr without compression": plain_ycbcr and not readable,
            "a palette of 8 bits in place of 16": image.mode in ("P", "PA") and 0 < max(tags[_PALETTE]) < 256,
        }
        for what, is_so in found.items():
            if is_so:
                raise self._refusal("hold its samples as Pillow reads them", what)

    def _one_band(self, rawmode: str) -> Samples:
        image = self._image
        if image.tile[0][0] == "libtiff":
            # libtiff returns numbers in the order of this machine, whatever that of the file.
            _read_as(image, rawmode.replace("16B", "16N").replace("32B", "32N"))
        zero_is_white = isinstance(image, TiffImageFile) and not image.tag_v2.get(_PHOTOMETRIC, 0)
        values = np.asarray(ImageOps.exif_transpose(image))[..., None]
        values = values.view(np.uint32) if rawmode == "I;32N" else values
        grey = self._scaled(values, self._range or _range_of(rawmode))
        return Samples(255 - grey if zero_is_white else grey, _opaque_but(image.info.get("transparency"), values))

    def _several_bands(self, kind: str, order: str) -> Samples:
        """Reads 16 bits of several colours, of which Pillow by itself keeps the upper 8."""
        if kind == "LA":
            both = self._bytes_as("RGBA").astype(np.uint16)
            samples = both[..., ::2] << 8 | both[..., 1::2]
        else:
            # Read in the other order of bytes, the lower 8 bits take the place of the upper 8.
            upper = _NATIVE if order == "N" else order
            stored, lower = kind.upper(), {"L": "B", "B": "L"}[upper]
            samples = self._bytes_as(f"{stored};16{upper}").astype(np.uint16) << 8
            samples |= self._bytes_as(f"{stored};16{lower}")
        colour = samples[..., : _COLOURS.get(kind, 3)]
        if kind not in ("LA", "RGBA", "RGBa"):
            alpha = _opaque_but(self._image.info.get("transparency"), colour)
        else:
            alpha = self._scaled(samples[..., -1:], _DEPTH_16)
        if kind == "RGBa":  # the file holds colour times alpha
            colour = np.minimum(colour / np.maximum(samples[..., -1:], 1) * _DEPTH_16[1], _DEPTH_16[1])
        scaled = self._scaled(colour, self._range or _DEPTH_16)
        if kind == "CMYK":
            scaled = (255 - scaled[..., :3]) * (255 - scaled[..., 3:]) / 255
        return Samples(scaled, alpha)

    def _bytes_as(self, rawmode: str) -> Array:
        image = Image.open(self._file, formats=_FORMATS)
        _read_as(image, rawmode)
        return np.asarray(ImageOps.exif_transpose(image))

    def _scaled(self, values: Array, value_range: Range | None) -> Array:
        """Returns (v − low) · 255 / (high − low) as float32."""
        if not np.isfinite(values).all():
            raise self._refusal("be finite", "NaN or Inf")
        least, most = values.min(), values.max()
        found = f"values {least:g} … {most:g}"
        if value_range is None:
            needed = "have a value_range=(low, high), the values that are black and white, in mode"
            raise self._refusal(f"{needed} {self._image.mode}", f"{found} and none")
        low, high = (float(np.float32(end)) if values.dtype == np.float32 else end for end in value_range)
        if least < low or most > high:
            raise self._refusal(
                f"have values in {low:g} … {high:g}", f"{found}; value_range=(low, high) sets the range"
            )
        return ((values.astype(np.float64) - low) * 255 / (high - low)).astype(np.float32)


def _rawmode(image: ImageFile.ImageFile) -> str:
    """Returns how the file holds its samples, in Pillow's name, where that says more than the mode."""
    if image.format not in ("PNG", "TIFF"):
        return image.mode
    arguments: Any = image.tile[0][3]
    return arguments if isinstance(arguments, str) else arguments[0]


def _read_as(image: Any, rawmode: str) -> None:
    """Has the samples of a picture unpacked in another way, of as many bits."""

    def changed(tile: Sequence[Any]) -> Sequence[Any]:
        *place, arguments = tile
        new = rawmode if isinstance(arguments, str) else (rawmode, *arguments[1:])
        return getattr(type(tile), "_make", tuple)((*place, new))  # a tuple, in later versions one with names

    image.tile = [changed(tile) for tile in image.tile]


def _range_of(rawmode: str) -> Range | None:
    """Returns the black and white of whole numbers of a depth; None where the file does not tell its depth."""
    if rawmode.startswith("I;16") and not rawmode.endswith("S"):
        return _DEPTH_16
    return (0, 4095) if rawmode == "I;12" else None


def _opaque_but(key: Any, values: Array) -> Array | None:
    """Returns the alpha of a picture whose pixels of one value, the `tRNS` of a PNG, are transparent."""
    if key is None:
        return None
    return np.where((values == key).all(-1, keepdims=True), np.float32(0), np.float32(255))


def _of_bytes(image: Image.Image, rawmode: str) -> Image.Image:
    """Returns a picture of at most 8 bits, upright, its alpha not multiplied into its colours."""
    if rawmode in _STEPS and "transparency" in image.info:
        # Pillow brings the pixels alone to 0..255.
        image.info["transparency"] = min(image.info["transparency"] * _STEPS[rawmode], 255)
    upright = ImageOps.exif_transpose(image)
    return upright.convert(upright.mode.upper()) if upright.mode in ("La", "RGBa") else upright
