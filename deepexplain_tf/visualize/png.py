"""PNG files of pictures."""

import os

from PIL import Image

from deepexplain_tf.writing.atomic import atomic_file


def save_png(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Writes a PNG file at exactly `path`; only a whole file replaces an old one.

    Raises:
      TypeError: `image` is not a PIL image.
      OSError: the file cannot be written.
    """
    if not isinstance(image, Image.Image):
        raise TypeError(f"image must be a PIL image, such as heat_map returns. Got {type(image).__name__}.")
    with atomic_file(path) as file:
        image.save(file, format="PNG")
