"""What is read before a picture is cut into parts: the picture, and scikit-image, an extra."""

from typing import Any

import numpy as np
import numpy.typing as npt

from deepexplain_tf.arguments.arrays import rectangular
from deepexplain_tf.errors import InputError, imported


def read_picture(image: npt.ArrayLike) -> np.ndarray:
    """Returns a picture as float64 `[height, width, channels]` or `[height, width]`.

    Raises:
      InputError: what is not one picture, or not finite.
    """
    values = rectangular(image, "image")
    if values.ndim not in (2, 3) or values.size == 0:
        raise InputError(
            f"image must be one picture, [height, width, channels] or [height, width]. Got shape {values.shape}."
        )
    if not np.can_cast(values.dtype, np.float64, "same_kind"):
        raise InputError(f"image must be of real numbers. Got dtype {values.dtype}.")
    if not np.isfinite(values).all():
        raise InputError("image must be finite. Got NaN or an infinity.")
    return values.astype(np.float64)


def require_skimage(module: str, whose: str) -> Any:
    """Returns a module of scikit-image.

    Raises:
      DeepExplainError: scikit-image is missing.
    """
    missing = f"{whose} needs scikit-image: pip install 'deepexplain_tf[segments]'"
    return imported(f"skimage.{module}", missing)
