"""The networks of the works in JAX, equal to those in Keras: `(weights by name, inputs) → logits`."""

from collections.abc import Callable, Mapping

import jax
from jax import lax, nn
import jax.numpy as jnp

Weights = Mapping[str, jax.Array]
Network = Callable[[Weights, jax.Array], jax.Array]


def _dense(weights: Weights, name: str, x: jax.Array) -> jax.Array:
    return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]


def wide_mlp(weights: Weights, x: jax.Array) -> jax.Array:
    """Returns the logits of three dense layers."""
    for number in range(2):
        x = nn.relu(_dense(weights, f"dense_{number}", x))
    return _dense(weights, "dense_2", x)


def _recurrent(weights: Weights, inputs: jax.Array, project: Callable[[jax.Array], jax.Array]) -> jax.Array:
    kernel = weights["lstm_cell/recurrent_kernel"]

    def step(state: tuple[jax.Array, jax.Array], x: jax.Array) -> tuple[tuple[jax.Array, jax.Array], None]:
        hidden, cell = state
        i, f, candidate, o = jnp.split(project(x) + hidden @ kernel, 4, axis=1)
        cell = nn.sigmoid(f) * cell + nn.sigmoid(i) * jnp.tanh(candidate)
        return (nn.sigmoid(o) * jnp.tanh(cell), cell), None

    zeros = jnp.zeros((inputs.shape[1], kernel.shape[0]), inputs.dtype)
    (hidden, _), _ = lax.scan(step, (zeros, zeros), inputs)
    return _dense(weights, "dense", hidden)


def lstm(weights: Weights, x: jax.Array) -> jax.Array:
    """Returns the logits of an LSTM whose loop multiplies each step's input by the kernel."""
    return _recurrent(weights, x.swapaxes(0, 1), lambda row: _dense(weights, "lstm_cell", row))


def lstm_projected(weights: Weights, x: jax.Array) -> jax.Array:
    """Returns the logits of the same LSTM, which multiplies all inputs by the kernel before its loop."""
    return _recurrent(weights, _dense(weights, "lstm_cell", x.swapaxes(0, 1)), lambda row: row)


def _convolution(weights: Weights, name: str, x: jax.Array, stride: int = 1, padding: str = "VALID") -> jax.Array:
    kernel = weights[f"{name}_conv/kernel"]
    found = lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    gain, shift, mean, variance = (
        weights[f"{name}_bn/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    gain = gain * lax.rsqrt(variance + 1.001e-5)
    return (found + weights[f"{name}_conv/bias"] - mean) * gain + shift


def _block(weights: Weights, name: str, x: jax.Array, stride: int) -> jax.Array:
    shortcut = x if f"{name}_0_conv/kernel" not in weights else _convolution(weights, f"{name}_0", x, stride)
    x = nn.relu(_convolution(weights, f"{name}_1", x, stride))
    x = nn.relu(_convolution(weights, f"{name}_2", x, padding="SAME"))
    return nn.relu(_convolution(weights, f"{name}_3", x) + shortcut)


def resnet50(weights: Weights, x: jax.Array) -> jax.Array:
    """Returns the logits of ResNet50, as in keras.applications."""
    x = jnp.pad(x, ((0, 0), (3, 3), (3, 3), (0, 0)))
    x = nn.relu(_convolution(weights, "conv1", x, 2))
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "VALID")
    for stage, blocks in zip((2, 3, 4, 5), (3, 4, 6, 3), strict=True):
        for block in range(1, blocks + 1):
            x = _block(weights, f"conv{stage}_block{block}", x, 2 if block == 1 and stage > 2 else 1)
    return _dense(weights, "predictions", x.mean((1, 2)))


NETWORKS: dict[str, tuple[Network, ...]] = {
    "wide_mlp": (wide_mlp,),
    "resnet50": (resnet50,),
    "lstm": (lstm, lstm_projected),
}
