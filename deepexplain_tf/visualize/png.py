"""Pictures as files."""

import os

from PIL import Image

from deepexplain_tf.writing.atomic import atomic_file


def save_png(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Writes a PNG file at exactly `path`; an old file there is replaced only by a whole one.

    Raises:
      TypeError: `image` is not a PIL image.
    """
    if not isinstance(image, Image.Image):
        raise TypeError(f"`image` must be a PIL image, as `heat_map` returns. Got {type(image).__name__}.")
    with atomic_file(path) as file:
        image.save(file, format="PNG")
