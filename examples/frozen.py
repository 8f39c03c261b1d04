"""What does `freeze=True` gain, and what does it cost?

    python examples/frozen.py --calls=15

For each model and method this script prints the median milliseconds of calls of an explainer and of one whose weights
are constants, in turn, the median ratio of the two, and the seconds of the first call of each. The first call of the
frozen one takes longer: TensorFlow computes there what follows from the weights alone.
"""

from collections.abc import Callable
import functools
from typing import Any

from absl import app, flags
import keras
from keras import layers
import numpy as np

from choices import require_known
import deepexplain_tf as dx
from deepexplain_tf.writing.table import render
from interleaved import Pairs, seconds
from keras_state import forget

_CALLS = flags.DEFINE_integer("calls", 15, "The number of timed pairs of calls.", lower_bound=1)
_MODELS = flags.DEFINE_list("models", ["mlp", "resnet50", "mobilenet", "lstm"], "The models.")
_METHODS = flags.DEFINE_list("methods", ["gradient_x_input", "epsilon_lrp", "deeplift"], "The methods.")
_SIZE = flags.DEFINE_integer("size", 96, "The pictures' height and width.", lower_bound=32)


def _dense() -> tuple[keras.Model, tuple[int, ...]]:
    hidden = [layers.Dense(32, "relu"), layers.Dense(32, "relu")]
    return keras.Sequential([keras.Input((20,)), *hidden, layers.Dense(10)]), (1, 20)


def _recurrent() -> tuple[keras.Model, tuple[int, ...]]:
    return keras.Sequential([keras.Input((200, 32)), layers.LSTM(64), layers.Dense(10)]), (16, 200, 32)


def _application(make: Callable[..., keras.Model]) -> tuple[keras.Model, tuple[int, ...]]:
    shape = (_SIZE.value, _SIZE.value, 3)
    return make(weights=None, input_shape=shape, classes=10, classifier_activation=None), (2, *shape)


_MAKERS: dict[str, Callable[[], tuple[keras.Model, tuple[int, ...]]]] = {
    "mlp": _dense,
    "resnet50": lambda: _application(keras.applications.ResNet50),
    "mobilenet": lambda: _application(keras.applications.MobileNetV2),
    "lstm": _recurrent,
}


def _row(model: keras.Model, x: np.ndarray, method: str) -> list[str]:
    with dx.DeepExplain(model) as de:
        frozen, free = (functools.partial(de.explainer(method, target=1, freeze=freeze), x) for freeze in (True, False))
    first = [f"{seconds(call):.1f}" for call in (frozen, free)]
    Pairs(frozen, free, 1)
    pairs = Pairs(frozen, free, _CALLS.value)
    return [*(f"{median:.2f}" for median in pairs.milliseconds), f"{pairs.ratio:.2f}", *first]


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    require_known(_MODELS, list(_MAKERS))
    rows: list[list[Any]] = []
    for name in _MODELS.value:
        keras.utils.set_random_seed(0)
        model, shape = _MAKERS[name]()
        x = np.random.default_rng(0).normal(size=shape).astype("float32")
        rows += [[name, method, *_row(model, x, method)] for method in _METHODS.value]
        forget()
    header = ["model", "method", "frozen ms", "not frozen ms", "ratio", "first s, frozen", "first s"]
    print(render(header, rows, left=2))


if __name__ == "__main__":
    app.run(main)
