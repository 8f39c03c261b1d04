"""Are the derivatives of attributions right, as a loss on attributions needs them?

    python examples/derivatives.py
    python examples/derivatives.py --networks=lstm --methods=deeplift

For random weights and inputs in float64, this script differentiates the sum of c·attributions + outputs² inside a
`tf.function`, with and without XLA, and compares the derivative along a random direction of weights and inputs with
central differences of fourth order. It prints the relative differences, and – where a method cannot explain a network,
as class activation maps need a convolution. The networks have no kinks.
"""

from collections.abc import Callable, Sequence
from typing import Any

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
import deepexplain_tf.writing.table as table

_NETWORKS = flags.DEFINE_list("networks", ["mlp", "cnn", "lstm", "attention"], "The networks.")
_METHODS = flags.DEFINE_list("methods", dx.list_methods(), "The methods.")
_XLA = flags.DEFINE_list("xla", ["no", "yes"], "Whether XLA compiles the derivative: no, yes or both.")

_STEP = 1e-4
_STEP_OF = {"epsilon_lrp": 1e-5, "lrp": 1e-5}  # f(z) / (z + ε·sign z) bends sharply near 0
_OPTIONS: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"n_steps": 5},
    "expected_gradients": {"n_samples": 6, "seed": 1},
    "kernel_shap": {"n_samples": 144, "seed": 1},
    "lime": {"n_samples": 6, "seed": 1},
    "rise": {"n_samples": 40, "seed": 1},
    "shapley_sampling": {"n_samples": 4, "seed": 1},
}


def mlp() -> keras.Model:
    """Returns a network of dense layers."""
    layers = keras.layers
    hidden = [layers.Dense(7, activation="tanh"), layers.Dense(6, activation="softplus")]
    return keras.Sequential([keras.Input((5,)), *hidden, layers.Dense(3)])


def cnn() -> keras.Model:
    """Returns a convolutional network with batch normalisation."""
    layers = keras.layers
    first = [layers.Conv2D(3, 3, activation="gelu"), layers.AveragePooling2D(2), layers.BatchNormalization()]
    second = [layers.Conv2D(4, 2, activation="sigmoid"), layers.Flatten()]
    return keras.Sequential([keras.Input((6, 6, 2)), *first, *second, layers.Dense(3)])


def lstm() -> keras.Model:
    """Returns a recurrent network."""
    return keras.Sequential([keras.Input((4, 3)), keras.layers.LSTM(4), keras.layers.Dense(3)])


def attention() -> keras.Model:
    """Returns a block of attention, with layer normalisation."""
    layers = keras.layers
    x = keras.Input((4, 6))
    y = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x)]))
    y = layers.GlobalAveragePooling1D()(layers.Dense(5, activation="swish")(y))
    return keras.Model(x, layers.Dense(3)(y))


_MODELS = {"mlp": mlp, "cnn": cnn, "lstm": lstm, "attention": attention}


def randomised(name: str) -> keras.Model:
    """Returns a network in float64 whose weights, biases and statistics are random."""
    keras.config.set_floatx("float64")
    keras.utils.set_random_seed(0)
    model, generator = _MODELS[name](), np.random.default_rng(0)
    for variable in model.variables:
        noisy = variable.numpy() + 0.2 * generator.normal(size=variable.shape)
        variable.assign(np.abs(noisy) if "variance" in variable.name else noisy)
    return model


def cell(name: str, method: str, xla: bool) -> str:
    """Returns the relative difference, or a dash."""
    try:
        return f"{difference(name, method, xla):.1e}"
    except dx.DeepExplainError:
        return "–"


def difference(name: str, method: str, xla: bool) -> float:
    """Returns the relative difference of the derivative to central differences."""
    model, generator = randomised(name), np.random.default_rng(0)
    shape = model.input_shape[1:]
    x, weights = generator.normal(size=(3, *shape)), generator.normal(size=(3, *shape))
    options = dict(_OPTIONS.get(method, {}))
    if method == "expected_gradients":
        options["background"] = generator.normal(size=(4, *shape))
    with dx.DeepExplain(model, output="model") as de:
        explainer = de.explainer(method, target=1, **options)
    variables = model.trainable_variables

    @tf.function(autograph=False, jit_compile=xla)
    def gradients(inputs: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            e = explainer(inputs)
            loss = tf.reduce_sum(e.attributions * weights) + tf.reduce_sum(e.outputs**2)
        return tape.gradient(loss, [inputs, *variables], unconnected_gradients="zero")

    def loss_at(inputs: np.ndarray) -> float:
        e = explainer(inputs)
        return float((e.attributions * weights).sum() + (e.outputs**2).sum())

    exact = [gradient.numpy() for gradient in gradients(tf.constant(x))]
    directions = [generator.normal(size=gradient.shape) for gradient in exact]
    step = _STEP_OF.get(method, _STEP)
    numeric = central(loss_at, x, variables, directions, step)
    along = sum(float((gradient * direction).sum()) for gradient, direction in zip(exact, directions, strict=True))
    return abs(along - numeric) / abs(numeric)


def central(
    function: Callable[[np.ndarray], float],
    x: np.ndarray,
    variables: Sequence[keras.Variable],
    directions: Sequence[np.ndarray],
    step: float,
) -> float:
    """Returns the derivative of a function of inputs and variables, by central differences of fourth order."""
    start = [variable.numpy() for variable in variables]
    values = {}
    for number in (-2, -1, 1, 2):
        for variable, value, direction in zip(variables, start, directions[1:], strict=True):
            variable.assign(value + number * step * direction)
        values[number] = function(x + number * step * directions[0])
    for variable, value in zip(variables, start, strict=True):
        variable.assign(value)
    return (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * step)


def main(_: list[str]) -> None:
    """Prints the table."""
    tf.get_logger().setLevel("ERROR")  # many functions of one name look like one that is traced again and again
    header = ["method", *(f"{name}{', XLA' * (xla == 'yes')}" for name in _NETWORKS.value for xla in _XLA.value)]
    rows = []
    for method in _METHODS.value:
        rows.append([method, *(cell(name, method, xla == "yes") for name in _NETWORKS.value for xla in _XLA.value)])
    print(table.render(header, rows, left=1))


if __name__ == "__main__":
    app.run(main)
