"""A table of tiny models, one for each structure that a model may have; their biases are never zero.

A new structure is one function under `@structure`; every method is then tested with it.
"""

from collections.abc import Callable, Iterator
import contextlib
import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

Draw = Callable[..., np.ndarray]


@dataclasses.dataclass(frozen=True)
class Structure:
    """A model, what it takes and how it is explained.

    Attributes:
      build: makes the model, with the same weights each time.
      draw: `(real, whole)` → the inputs; each of the two makes one array `[batch, ...]` of a shape.
      target: what is explained.
      settings: arguments of `DeepExplain`.
      batch: the only batch size that the model takes, None for any.
    """

    build: Callable[[], Any]
    draw: Callable[[Draw, Draw], Any]
    target: Any
    settings: dict[str, Any]
    batch: int | None

    def inputs(self, batch: int, seed: int = 0) -> Any:
        """Returns `batch` examples; the first ones are the same for every batch size."""
        rows = [np.random.default_rng([seed, row]) for row in range(batch)]

        def real(*shape: int) -> np.ndarray:
            return np.stack([row.normal(size=shape) for row in rows]).astype(np.float32)

        def whole(*shape: int) -> np.ndarray:
            return np.stack([row.integers(1, _VOCABULARY, shape) for row in rows]).astype(np.int32)

        return self.draw(real, whole)


STRUCTURES: dict[str, Structure] = {}
_VOCABULARY = 6


def structure(
    draw: Callable[[Draw, Draw], Any], *, target: Any = 1, batch: int | None = None, **settings: Any
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Returns a decorator that adds a model to the table under its function's name."""

    def add(build: Callable[[], Any]) -> Callable[[], Any]:
        STRUCTURES[build.__name__] = Structure(build, draw, target, settings, batch)
        return build

    return add


def filled(model: keras.Model, seed: int = 0) -> keras.Model:
    """Gives every weight of a built Keras model random numbers; returns it."""
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        if not tf.as_dtype(weight.dtype).is_floating:
            continue
        positive = weight.path.endswith(("gamma", "variance"))
        values = generator.uniform(0.5, 1.5, weight.shape) if positive else generator.normal(0, 0.6, weight.shape)
        weight.assign(values)
    return model


@contextlib.contextmanager
def floats(dtype: str) -> Iterator[None]:
    """Within the block, Keras makes models of this dtype."""
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


def weight(*shape: int, seed: int = 0, dtype: Any = tf.float32) -> tf.Variable:
    """Returns a variable of random numbers."""
    return tf.Variable(np.random.default_rng(seed).normal(0, 0.6, shape), dtype=dtype)


def mlp(dtype: str = "float32", features: int = 4, units: int = 3, name: str | None = None) -> keras.Model:
    """A functional Keras model: a tanh layer called `hidden` and a softmax output called `probabilities`."""
    inputs = keras.Input((features,), dtype=dtype, name="features")
    hidden = keras.layers.Dense(5, activation="tanh", dtype=dtype, name="hidden")(inputs)
    outputs = keras.layers.Dense(units, activation="softmax", dtype=dtype, name="probabilities")(hidden)
    return filled(keras.Model(inputs, outputs, name=name))


def rectified(dtype: str = "float32") -> keras.Model:
    """A functional Keras model `[batch, 4]` → `[batch, 3]`: a rectifier, a tanh layer and a softmax."""
    inputs = keras.Input((4,), dtype=dtype)
    hidden = keras.layers.Dense(6, activation="relu", dtype=dtype)(inputs)
    hidden = keras.layers.Dense(5, activation="tanh", dtype=dtype)(hidden)
    return filled(keras.Model(inputs, keras.layers.Dense(3, activation="softmax", dtype=dtype)(hidden)))


def perceptron(dtype: str = "float32") -> Callable[[tf.Tensor], tf.Tensor]:
    """A plain function `[batch, 4]` → `[batch, 3]` with a tanh layer; its variables are in `variables`."""
    first, first_bias = weight(4, 5, dtype=dtype), weight(5, seed=1, dtype=dtype)
    second, second_bias = weight(5, 3, seed=2, dtype=dtype), weight(3, seed=3, dtype=dtype)

    def function(x: tf.Tensor) -> tf.Tensor:
        return tf.matmul(tf.tanh(tf.matmul(x, first) + first_bias), second) + second_bias

    function.variables = [first, first_bias, second, second_bias]  # type: ignore[attr-defined]
    return function


def matrix_root(x: tf.Tensor) -> tf.Tensor:
    """No rule is given for the root of a matrix."""
    matrix = x[:, :, None] * x[:, None, :] + tf.eye(4)
    return tf.tanh(tf.linalg.sqrtm(matrix, name="rooted")[:, 0, :3])


def without_a_rule(x: tf.Tensor) -> tf.Tensor:
    """x² by an op that has no rule."""
    return tf.raw_ops.ReciprocalGrad(y=x, dy=-tf.ones_like(x))


def strings_inside(x: tf.Tensor) -> tf.Tensor:
    """x² by way of strings, which XLA does not have."""
    return x * tf.strings.to_number(tf.strings.as_string(x))


def python_inside(x: tf.Tensor) -> tf.Tensor:
    """A Python function in the middle, which no program can be read from."""
    called = tf.numpy_function(np.tanh, [x], tf.float32, name="called")
    return tf.reduce_sum(tf.ensure_shape(called, [None, 4]), 1)


class Counted:
    """A model that counts how often its Python code is traced; a `perceptron` where no function is given."""

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        self.runs = 0
        self._function = function or perceptron()

    def __call__(self, *inputs: tf.Tensor) -> Any:
        self.runs += not tf.executing_eagerly()
        return self._function(*inputs)


@structure(lambda real, whole: real(4))
def functional() -> Any:
    return mlp()


@structure(lambda real, whole: real(6, 6, 2))
def sequential() -> Any:
    layers = keras.layers
    return filled(
        keras.Sequential(
            [
                keras.Input((6, 6, 2)),
                layers.Conv2D(3, 3, activation="relu", name="conv"),
                layers.BatchNormalization(),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dropout(0.5),
                layers.Dense(2, activation="softmax"),
            ]
        )
    )


class Subclassed(keras.Model):
    """Activations called as functions, a layer that normalises, and Python attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = keras.layers.Dense(5)
        self.norm = keras.layers.LayerNormalization()
        self.second = keras.layers.Dense(2)
        self.slope = 0.3
        self.history = ["built"]

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        hidden = tf.nn.silu(self.norm(self.first(inputs)))
        hidden = keras.activations.gelu(hidden) + self.slope * tf.nn.relu(hidden)
        return tf.nn.softmax(self.second(hidden))


@structure(lambda real, whole: real(4))
def subclassed() -> Any:
    model = Subclassed()
    model(np.zeros((1, 4), np.float32))
    return filled(model)


@structure(lambda real, whole: real(4), output="model")
def shared_layers() -> Any:
    inputs = keras.Input((4,))
    shared = keras.layers.Dense(4, activation="tanh", name="shared")
    twice = shared(shared(inputs))
    return filled(keras.Model(inputs, keras.layers.Dense(2, activation="sigmoid")(twice)))


@structure(lambda real, whole: real(4))
def nested_models() -> Any:
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, activation="elu")], name="inner")
    middle_input = keras.Input((4,))
    middle = keras.Model(middle_input, keras.layers.Dense(4, activation="softplus")(inner(middle_input)))
    inputs = keras.Input((4,))
    return filled(keras.Model(inputs, keras.layers.Dense(2)(middle(inputs) + middle(2.0 * inputs))))


class _Module(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = weight(4, 3)
        self.bias = weight(3, seed=1)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.sigmoid(tf.matmul(x, self.weight) + self.bias)


@structure(lambda real, whole: real(4))
def tf_module() -> Any:
    return _Module()


@structure(lambda real, whole: real(4))
def tf_function() -> Any:
    inner = tf.function(perceptron())
    return tf.function(lambda x: inner(x) * inner(x / 2.0))


@structure(lambda real, whole: real(4))
def plain_callable() -> Any:
    return perceptron()


def _two_inputs() -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    left, right = keras.Input((3,), name="left"), keras.Input((2, 2), name="right")
    joined = keras.layers.Concatenate()([left, keras.layers.Flatten()(right)])
    hidden = keras.layers.Dense(4, activation="tanh")(joined)
    return left, right, keras.layers.Dense(2, activation="softmax")(hidden)


@structure(lambda real, whole: [real(3), real(2, 2)])
def list_of_inputs() -> Any:
    left, right, outputs = _two_inputs()
    return filled(keras.Model([left, right], outputs))


@structure(lambda real, whole: {"right": real(2, 2), "left": real(3)})
def dict_of_inputs() -> Any:
    left, right, outputs = _two_inputs()
    return filled(keras.Model({"left": left, "right": right}, outputs))


@structure(lambda real, whole: (real(3), real(2)), target=None)
def tuple_of_inputs() -> Any:
    table, bias = weight(3, 2), weight(2, seed=1)
    return lambda left, right: tf.reduce_sum(tf.tanh(tf.matmul(left, table) + bias) * right, axis=1)


@structure(lambda real, whole: {"right": real(2), "left": real(3)}, target=0)
def keyword_inputs() -> Any:
    table, bias = weight(3, 2), weight(2, seed=1)
    return lambda left, right: tf.tanh(tf.matmul(left, table) + bias) + right**3


@structure(lambda real, whole: [real(3), real(2)], target=1)
def unused_input() -> Any:
    table, bias = weight(3, 2), weight(2, seed=1)
    return lambda used, unused: tf.tanh(tf.matmul(used, table) + bias) + tf.zeros_like(unused)


@structure(lambda real, whole: real(4), output="second", target=2)
def list_of_outputs() -> Any:
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(4, activation="selu")(inputs)
    first = keras.layers.Dense(2, name="first")(hidden)
    second = keras.layers.Dense(3, activation="softmax", name="second")(hidden)
    return filled(keras.Model(inputs, [first, second]))


def _both_heads(outputs: dict[str, tf.Tensor]) -> tf.Tensor:
    return outputs["a"][:, 0] * tf.exp(outputs["b"][:, 1])


@structure(lambda real, whole: real(4), target=_both_heads)
def dict_of_outputs() -> Any:
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(4, activation="relu6")(inputs)
    heads = {name: keras.layers.Dense(2, activation="sigmoid")(hidden) for name in ("b", "a")}
    return filled(keras.Model(inputs, heads))


@structure(lambda real, whole: real(4), batch=3)
def fixed_batch_size() -> Any:
    inputs = keras.Input(batch_shape=(3, 4))
    hidden = keras.layers.Dense(4, activation="leaky_relu")(inputs)
    return filled(keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(hidden)))


@structure(lambda real, whole: whole(3), layer="embedding", output="model")
def tokens_with_a_mask() -> Any:
    tokens = keras.Input((3,), dtype="int32")
    embedded = keras.layers.Embedding(_VOCABULARY, 4, mask_zero=True, name="embedding")(tokens)
    attended = keras.layers.MultiHeadAttention(1, 4)(embedded, embedded)
    pooled = keras.layers.GlobalAveragePooling1D()(attended)
    return filled(keras.Model(tokens, keras.layers.Dense(2, activation="softmax")(pooled)))


@structure(lambda real, whole: [whole(3), real(3, 2)], layer="scaled")
def layer_beside_inputs() -> Any:
    tokens, values = keras.Input((3,), dtype="int32"), keras.Input((3, 2))
    embedded = keras.layers.Embedding(_VOCABULARY, 2)(tokens)
    scaled = keras.layers.Dense(2, activation="tanh", name="scaled")(values)
    summed = keras.layers.Flatten()(keras.layers.Multiply()([embedded, scaled]))
    return filled(keras.Model([tokens, values], keras.layers.Dense(2)(summed)))
