"""Do attributions align the words of a translation with those that they translate?

    python examples/reproduce_alignment.py --flagfile=configs/reproduce_alignment.cfg
    python examples/reproduce_alignment.py --flagfile=configs/reproduce_alignment_quick.cfg

Sundararajan, Taly and Yan (ICML 2017, https://arxiv.org/abs/1703.01365, section 6.4) attribute each word that a
translator says to the words that it reads, and find that this aligns the sentences. The script does so for small nets
that translate a toy language, whose alignment is known. Needs pip install 'deepexplain_tf[plots]'
"""

from collections.abc import Mapping, Sequence
import dataclasses

import keras
import numpy as np
from PIL import Image

from alignment_parts import languages, scores, translators
from alignment_parts.languages import CONTENT, FUNCTION, Pair
from deepexplain_tf.visualize.figure import new_figure, palette, to_image
from reproductions import script
from reproductions.findings import Finding
from reproductions.page import table
from reproductions.script import Experiment, Found, Setting

_KINDS = {"attention": True, "plain": False}  # whether the decoder has attention
_EPOCHS = {"attention": 5, "plain": 8}
_INTEGRATED, _PROBABILITY, _ATTENTION = "integrated_gradients", "integrated_gradients, probability", "attention scores"
_FEW_STEPS = {"n_steps": 32}  # by the default quadrature
_METHODS: Mapping[str, Mapping] = {_INTEGRATED: _FEW_STEPS, "gradient_x_input": {}, "occlusion": {}}
_STEPS = (10, 20, 50, 100, 200, 500, 1000)
_STEPS_OF_GAUSS = (2, 4, 8, 16, 32, 64, 128)
_TRANSLATED = frozenset(FUNCTION.values())  # words of the target that are function words and translate one


@dataclasses.dataclass(frozen=True)
class Translator:
    """What was measured of a translator.

    Attributes:
      accuracy: the share of right words on new sentences, where the words before are right.
      content: method → the share of content words whose most relevant source word is the one that they translate.
      function: the same of *et*, *cum* and *in*.
      conjunction: the same of *et* alone.
      counted: how many content words, function words and *et* were counted.
      steps: the least number of steps with which the paper's sum (its right ends) is within 5 %.
      steps_of_gauss: the same by Gauss and Legendre's quadrature.
    """

    accuracy: float
    content: Mapping[str, float]
    function: Mapping[str, float]
    conjunction: float
    counted: tuple[int, int, int]
    steps: float
    steps_of_gauss: float


def measure(setting: Setting) -> Found[Translator]:
    """Trains the translators and explains them."""
    held = setting.pick(500, 100)
    made = languages.pairs(held + setting.pick(6000, 2500))
    new, known = made[:held], made[held:]
    chosen = [new[at] for at in _shown(new)]
    found: dict[str, list[Translator]] = {kind: [] for kind in setting.pick(list(_KINDS), ["attention"])}
    drawn: dict[str, list[np.ndarray]] = {}
    source, target = scores.numbers(known)
    for kind, measured in found.items():
        for seed in range(setting.nets):
            model = translators.train(
                source,
                languages.shifted(target),
                target,
                attention=_KINDS[kind],
                units=64,
                epochs=setting.pick(_EPOCHS[kind], 7),
                seed=seed,
            )
            measured.append(_measured(model, new, setting, attention=_KINDS[kind]))
            print(f"{kind} {seed}: {measured[-1]}", flush=True)
            if seed == 0:
                drawn[kind] = _matrices(model, chosen)
    sections = [_sentences(chosen), *(_table(kind, measured) for kind, measured in found.items())]
    return Found(found, lambda: _draw(chosen, drawn), sections)


def _measured(model: keras.Model, new: Sequence[Pair], setting: Setting, *, attention: bool) -> Translator:
    _, accuracy = scores.right_words(model, new)
    some, few = new[: setting.pick(300, 60)], new[: setting.pick(10, 3)]
    said, said_few = scores.right_words(model, some)[0], scores.right_words(model, few)[0]
    said = said.among(some, CONTENT, setting.pick(60, 20)).and_those(said.among(some, _TRANSLATED, len(some)))
    with scores.opened(model) as de:
        explained = {name: scores.explain(de, model, some, said, name, **options) for name, options in _METHODS.items()}
        explained[_PROBABILITY] = scores.explain(de, model, some, said, _INTEGRATED, probability=True, **_FEW_STEPS)
        found = {name: scores.by_word(e) for name, e in explained.items()}
        if attention:
            found[_ATTENTION] = scores.attention(model, some, said)
        steps = scores.steps(de, model, few, said_few, "right", setting.pick(_STEPS, _STEPS[:4]))
        of_gauss = scores.steps(de, model, few, said_few, "gauss_legendre", setting.pick(_STEPS_OF_GAUSS, (8, 32)))
    share = lambda name, counted: scores.share_aligned(some, said, found[name], counted)  # noqa: E731
    return Translator(
        accuracy,
        {name: share(name, CONTENT) for name in found},
        {name: share(name, _TRANSLATED) for name in found},
        share(_INTEGRATED, {"et"}),
        (said.count(some, CONTENT), said.count(some, _TRANSLATED), said.count(some, {"et"})),
        steps,
        of_gauss,
    )


def _shown(new: Sequence[Pair]) -> list[int]:
    """Returns the places of three sentences of one length, each with its own peculiarity."""
    long = [at for at, pair in enumerate(new) if len(pair.source) == languages.LENGTH]
    first = lambda word, taken: next(at for at in long if word in new[at].source and at not in taken)  # noqa: E731
    found: list[int] = []
    for word in ("and", "in", "with"):
        found.append(first(word, found))
    return found


def _matrices(model: keras.Model, chosen: Sequence[Pair]) -> list[np.ndarray]:
    """Returns attributions of the logits of the right words, right or not in the model's eyes, for each sentence."""
    rows = np.array([(number, at) for number, pair in enumerate(chosen) for at in range(len(pair.target))], np.int32)
    said = scores.Said(rows[:, 0], rows[:, 1])
    with scores.opened(model) as de:
        values = scores.by_word(scores.explain(de, model, chosen, said, _INTEGRATED))
    return [scores.matrix(pair, said, values, number) for number, pair in enumerate(chosen)]


def _draw(chosen: Sequence[Pair], drawn: Mapping[str, Sequence[np.ndarray]]) -> Image.Image:
    figure = new_figure(12, 4.2 * len(drawn))
    axes = figure.subplots(len(drawn), len(chosen), squeeze=False)
    for row, (kind, matrices) in zip(axes, drawn.items(), strict=True):
        for axis, pair, values in zip(row, chosen, matrices, strict=True):
            limit = np.abs(values).max()
            axis.imshow(values, cmap=palette(), vmin=-limit, vmax=limit, aspect="auto")
            axis.set_xticks(range(len(pair.source)), pair.source, rotation=60, ha="right", rotation_mode="anchor")
            axis.set_yticks(range(len(pair.target)), pair.target)
            places = [(at, place) for at, place in enumerate(pair.aligned) if place is not None]
            axis.scatter([x for _, x in places], [y for y, _ in places], s=18, facecolors="none", edgecolors="black")
        row[0].set_ylabel(TITLES[kind])
    return to_image(figure, dpi=90)


def _sentences(chosen: Sequence[Pair]) -> str:
    rows = [[" ".join(pair.source[1:-1]), " ".join(pair.target[:-1])] for pair in chosen]
    return "The sentences of the figure:\n\n" + table(["source", "target"], rows)


def _table(kind: str, measured: Sequence[Translator]) -> str:
    listed = lambda values: ", ".join(f"{value:.3f}" for value in values)  # noqa: E731
    rows = [
        [name, listed(net.content[name] for net in measured), listed(net.function[name] for net in measured)]
        for name in measured[0].content
    ]
    accuracy = listed(net.accuracy for net in measured)
    counted = "; ".join(", ".join(map(str, net.counted)) for net in measured)
    gauss = ", ".join(f"{net.steps_of_gauss:g}" for net in measured)
    return (
        f"{TITLES[kind]}: the share of right words whose most relevant source word is the one that they translate. "
        f"Accuracy of words: {accuracy}. Counted content words, function words, *et*: {counted}. "
        f"Gauss-Legendre quadrature needs {gauss} steps for what finding 3 counts.\n\n"
        + table(["method", "content words", "et, cum, in"], rows)
    )


TITLES = {"attention": "GRU with attention", "plain": "GRU without attention"}
EXPERIMENT: Experiment[Translator] = Experiment(
    title="Attributions align a translation",
    introduction="""
Sundararajan, Taly and Yan ([ICML 2017](https://arxiv.org/abs/1703.01365), section 6.4) attribute the probability of
each word that Google's translator says to the words that it reads: the matrix aligns both sentences, *und* with *and*.

Here small nets translate plain English into a toy language, both made by a grammar, so that the alignment is known: the
adjective follows its noun, *in* follows its place, the verb is last, *ob* before the object translates nothing, and
*the* is not translated. `examples/reproduce_alignment.py` trains them with the right words said before, and explains
the *logit* of each word that a net says rightly by Integrated Gradients (32 steps) at the embedded source; the paper
explains the probability, which is in the tables too. As in the paper, the baseline has zeros for all words but the
marks of the ends; these and padding do not count as the most relevant word. The nets are far smaller than the paper's.
The script wrote this page:
""",
    titles=TITLES,
    findings=(
        Finding(
            "1",
            "the words of a translation are mostly attributed to those that they translate",
            "the share of right content words whose most relevant source word is the one that they translate",
            lambda net: net.content[_INTEGRATED],
            tuple(TITLES),
            least=0.7,
        ),
        Finding(
            "2",
            "*und* is mostly attributed to *and* (here: *et*)",
            "the share of *et* whose most relevant source word is the *and* that it translates",
            lambda net: net.conjunction,
            tuple(TITLES),
            least=0.7,
        ),
        Finding(
            "3",
            "a translator is so far from linear that the sum needs 100 to 1000 steps",
            "the least of 10, 20, 50, 100, … steps with which the attributions of nine tenths of the words add up "
            "within 5 % of the change of the logit, by the paper's sum",
            lambda net: net.steps,
            tuple(TITLES),
            least=100,
        ),
    ),
    measure=measure,
    caption="Words of translations (rows), attributed to the words of the source (columns): red raises the logit, blue "
    "lowers it; circles mark the word that is translated.",
)

if __name__ == "__main__":
    script.run(EXPERIMENT)
