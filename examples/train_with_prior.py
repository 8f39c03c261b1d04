"""Can a classifier be trained not to use a feature?

    python examples/train_with_prior.py
    python examples/train_with_prior.py --method=deeplift --modes=eager

The last of ten features gives the class away, in training and test data alike; so do the first two together. This
script trains one classifier on the classes alone, and others with a loss on the attributions of the last feature too
(an attribution prior: Erion et al., 2021). It prints their accuracy, and the last feature's share of Σ |attribution|,
on test data. The classifiers are Keras models with a training step of their own, run by `fit`.
"""

from typing import Any

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
import deepexplain_tf.writing.table as table

_METHOD = flags.DEFINE_enum("method", "integrated_gradients", dx.list_methods(), "The method of the attributions.")
_MODES = flags.DEFINE_multi_enum(
    "modes", ["eager", "graph", "xla"], ["eager", "graph", "xla"], "How `fit` runs the training step."
)
_WEIGHT = flags.DEFINE_float("weight", 3.0, "The weight of the loss on attributions.", lower_bound=0)
_EPOCHS = flags.DEFINE_integer("epochs", 12, "The number of epochs.", lower_bound=1)
_PLANTED = 9
_OPTIONS: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"n_steps": 8},
    "kernel_shap": {"n_samples": 40, "seed": 0},
    "lime": {"n_samples": 40, "seed": 0},
    "rise": {"n_samples": 40, "seed": 0},
    "shapley_sampling": {"n_samples": 8, "seed": 0},
}


class Classifier(keras.Model):
    """A classifier that pays for the attributions of one feature."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight
        hidden = [keras.layers.Dense(32, activation="softplus") for _ in range(2)]
        self.network = keras.Sequential([keras.Input((10,)), *hidden, keras.layers.Dense(2)])
        with dx.DeepExplain(self.network) as de:
            self.explain = de.explainer(_METHOD.value, tensors=True, **_OPTIONS.get(_METHOD.value, {}))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns the logits `[batch, 2]`."""
        return self.network(inputs)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Takes one step against the cross-entropy and the squares of the planted feature's attributions."""
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
            if self.weight:
                attributions = self.explain(x, target=y).attributions
                loss += self.weight * tf.reduce_mean(attributions[:, _PLANTED] ** 2)
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return {"loss": loss}

    def share(self, x: np.ndarray, y: np.ndarray) -> float:
        """Returns the planted feature's share of Σ |attribution|."""
        sizes = np.abs(self.explain(x, target=y, tensors=False).attributions).mean(0)
        return float(sizes[_PLANTED] / sizes.sum())


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns examples `[count, 10]` and their classes `[count]`."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, 10)).astype("float32")
    y = (x[:, 0] + x[:, 1] > 0).astype("int32")
    x[:, _PLANTED] = 2 * y - 1 + 0.1 * x[:, _PLANTED]
    return x, y


def trained(mode: str, weight: float) -> Classifier:
    """Returns a trained classifier."""
    keras.utils.set_random_seed(0)
    model = Classifier(weight)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss, run_eagerly=mode == "eager", jit_compile=mode == "xla")
    model.fit(*rows(4000, seed=0), epochs=_EPOCHS.value, batch_size=64, verbose=0)
    return model


def main(_: list[str]) -> None:
    """Prints a row for each classifier."""
    x, y = rows(2000, seed=1)
    results = []
    for mode, weight in [("graph", 0.0), *((mode, _WEIGHT.value) for mode in _MODES.value)]:
        model = trained(mode, weight)
        accuracy = float((model.network(x).numpy().argmax(1) == y).mean())
        loss = "classes and attributions" if weight else "classes"
        results.append([loss, mode, f"{accuracy:.1%}", f"{model.share(x, y):.1%}"])
    print(table.render(["loss", "mode", "accuracy", "planted feature's share"], results, left=2))


if __name__ == "__main__":
    app.run(main)
