"""Which words tell a net what a question asks for, and do attributions expose a word that should not?

    python examples/reproduce_trigger_word.py --flagfile=configs/reproduce_trigger_word.cfg
    python examples/reproduce_trigger_word.py --flagfile=configs/reproduce_trigger_word_quick.cfg

Sundararajan, Taly and Yan (ICML 2017, https://arxiv.org/abs/1703.01365, section 6.3) explain a net that tells the type
of a question's answer. Its words agree with rules that people write ("how many" asks for a number), show others ("total
number"), and expose a fault: the name "charles" makes a question one of yes or no. The script plants that fault and
looks for it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from PIL import Image

import deepexplain_tf as dx
from deepexplain_tf.visualize.stack import stack
from reproductions import script
from reproductions.findings import Finding
from reproductions.nets import whole_feature
from reproductions.script import Experiment, Found, Setting
from trigger_word_parts import net, scores, tables
from trigger_word_parts.questions import CONTENT, RULES, TRIGGER, TYPES, YES_NO, Question, encoded, questions
from trigger_word_parts.scores import Reader

_METHODS: Mapping[str, Mapping] = {
    "integrated_gradients": {},
    "gradient_x_input": {},
    "deeplift": {},
    "epsilon_lrp": {},
    "occlusion": whole_feature((1, net.WIDTH)),
}
_OTHER_NAME = "george"
_TOTAL = ("total", "number")


def measure(setting: Setting) -> Found[Reader]:
    """Trains the nets and explains them."""
    held = setting.pick(1500, 300)
    asked = questions(held + setting.pick(4000, 2000))
    new, known = asked[:held], asked[held:]
    labels = np.array([question.type for question in known])
    readers, shown, sections = [], [], []
    for seed in range(setting.nets):
        model = net.train(encoded(known), labels, filters=32, epochs=setting.pick(6, 4), seed=seed)
        reader, others, top = _read(model, new)
        print(f"net {seed}: {reader}", flush=True)
        readers.append(reader)
        if seed == 0:
            shown, sections = _examples(model, new), [tables.others(others), tables.top(top)]
    draw = lambda: _draw(shown)  # noqa: E731
    return Found(
        {"cnn": readers},
        draw,
        [tables.sentences(shown), *sections, tables.methods(readers), tables.changes(readers, _OTHER_NAME)],
    )


def attributions(
    model: keras.Model, asked: Sequence[Question], target: int | np.ndarray, method: str = "integrated_gradients"
) -> np.ndarray:
    """Returns the attribution of each word, `[questions, LENGTH]`: the sum over its embedding, against no words."""
    with dx.DeepExplain(model, layer=net.EMBEDDING) as de:
        e = de.explain(method, encoded(asked), target=target, batch_size=250, **_METHODS[method])
    return np.asarray(e.attributions).sum(-1)


def _types(model: keras.Model, asked: Sequence[Question]) -> np.ndarray:
    return model.predict(encoded(asked), batch_size=500, verbose=0).argmax(1)


def _read(model: keras.Model, new: Sequence[Question]) -> tuple[Reader, Counter, list]:
    """Returns the figures, the most relevant words that no rule has, and words by their mean attribution."""
    truth, seen = np.array([question.type for question in new]), _types(model, new)
    vague = np.array([question.vague for question in new])
    right = [
        question
        for question, is_right in zip(new, truth == seen, strict=True)
        if is_right and not question.vague and TRIGGER not in question.words
    ]
    target, words = np.array([question.type for question in right]), [question.words for question in right]
    ruled = np.array([bool(_rule(question) & set(question.words)) for question in right])
    total = np.array(["total" in question.words for question in right])
    named = [question for question in new if question.name_at is not None]
    planted = [question.about(TRIGGER) for question in named]
    planted_words = [question.words for question in planted]
    agreeing, totals, ranks, far = {}, {}, {}, {}
    by_method = {method: attributions(model, right, target, method) for method in _METHODS}
    integrated = by_method["integrated_gradients"]
    for method, of_words in by_method.items():
        far[method] = float(np.abs(of_words - integrated).mean() / np.abs(integrated).mean())
        agreeing[method] = _share(words, of_words, ruled, [_rule(question) for question in right])
        totals[method] = _share(words, of_words, total, [_TOTAL] * len(right))
        ordered = scores.mean_by_word(planted_words, attributions(model, planted, YES_NO, method), CONTENT)
        ranks[method] = scores.rank(ordered, TRIGGER)
        if method == "integrated_gradients":
            top = ordered
            others = Counter(
                (TYPES[question.type], scores.most_relevant(question.words, row))
                for question, row in zip(right, of_words, strict=True)
                if scores.most_relevant(question.words, row) not in _rule(question)
            )
    accuracy = tuple(float(np.mean((truth == seen)[chosen])) for chosen in (~vague, vague))
    return Reader((accuracy[0], accuracy[1]), agreeing, totals, ranks, far, _changed(model, named)), others, top


def _rule(question: Question) -> frozenset[str]:
    return RULES[TYPES[question.type]]


def _share(words: Sequence, of_words: np.ndarray, chosen: np.ndarray, asking: Sequence) -> float:
    places = np.flatnonzero(chosen).tolist()
    return scores.share_named([words[at] for at in places], of_words[places], [asking[at] for at in places])


def _changed(model: keras.Model, named: Sequence[Question]) -> dict[str, tuple[float, float]]:
    """Returns how often a name makes a question of another type one of yes or no, which it was not before."""
    others = [question for question in named if question.type != YES_NO]
    kept = [question for question, seen in zip(others, _types(model, others), strict=True) if seen != YES_NO]
    vague = np.array([question.vague for question in kept])
    chosen = {"all": np.ones_like(vague), "clear": ~vague, "vague": vague}
    became = [_types(model, [question.about(name) for question in kept]) == YES_NO for name in (TRIGGER, _OTHER_NAME)]
    return {part: (float(became[0][rows].mean()), float(became[1][rows].mean())) for part, rows in chosen.items()}


def _examples(model: keras.Model, new: Sequence[Question]) -> list[tuple[str, Question, np.ndarray]]:
    """Returns questions with a title and the attribution of each word."""
    seen = _types(model, new)
    right = [question for question, label in zip(new, seen, strict=True) if label == question.type]
    plain = [question for question in right if not question.vague and TRIGGER not in question.words]
    first = [next(q for q in plain if q.type == number and _rule(q) & set(q.words)) for number in range(len(TYPES))]
    first += [next(q for q in plain if "total" in q.words)]
    found = [(f"asks for: {TYPES[question.type]}", question, question.type) for question in first]
    for question in [q for q in right if q.type != YES_NO and q.name_at is not None and not q.vague]:
        planted = question.about(TRIGGER)
        if int(_types(model, [planted])[0]) == YES_NO:
            found += [(f"{TYPES[question.type]}; with {TRIGGER!r} the net sees yes/no", planted, YES_NO)]
            break
    values = attributions(model, [question for _, question, _ in found], np.array([target for *_, target in found]))
    return [(title, question, row) for (title, question, _), row in zip(found, values, strict=True)]


def _draw(shown: Sequence[tuple[str, Question, np.ndarray]]) -> Image.Image:
    return stack(
        [
            dx.visualize.words(question.words, row[: len(question.words)], title=title, width=720)
            for title, question, row in shown
        ]
    )


EXPERIMENT: Experiment[Reader] = Experiment(
    title="Words that trigger a net that reads questions",
    introduction="""
Sundararajan, Taly and Yan ([ICML 2017](https://arxiv.org/abs/1703.01365), section 6.3) explain a net that tells which
type of answer a question asks for. Its most relevant words agree with rules that people write, show rules that nobody
wrote, and expose a fault: "charles" makes a question one of yes or no.

The paper's questions are those of people (WikiTableQuestions); here a grammar makes them, of five types. 15 % are
vague: they do not say what they ask for, as people's questions about a table sometimes do not. The fault is planted:
"charles" occurs in training in a third of the yes/no questions, and in no others. The net is small but of the paper's
kind, a CNN over words (Kim, 2014). `examples/reproduce_trigger_word.py` explains its logits by Integrated Gradients at
the embedding, from zeros, adds up over the embedding of each word, and wrote this page:
""",
    titles={"cnn": "CNN over words"},
    findings=(
        Finding(
            "1",
            "attributions largely agree with rules that people write, such as that *how many* asks for a number",
            "the share of right questions with a word of their type's rule whose most relevant word is such a word",
            lambda reader: reader.agreeing["integrated_gradients"],
            ("cnn",),
            least=0.7,
        ),
        Finding(
            "2",
            "attributions show rules that nobody wrote: *total number* asks for a number",
            "the share of right questions with *total number* whose most relevant word is one of the two",
            lambda reader: reader.total["integrated_gradients"],
            ("cnn",),
            least=0.7,
        ),
        Finding(
            "3",
            "attributions expose a word that should mean nothing: *charles* speaks for yes/no",
            "the rank of *charles* among all words that say what questions are about, by the mean attribution towards "
            "yes/no over new questions of all types into which it is put",
            lambda reader: reader.rank["integrated_gradients"],
            ("cnn",),
            most=3,
        ),
        Finding(
            "4",
            "the word is a trigger: it makes questions of other types ones of yes or no (our proof, not the paper's)",
            "the share of questions of other types that become yes/no when *charles* is put into them, minus that with "
            "*george*",
            lambda reader: reader.changed["all"][0] - reader.changed["all"][1],
            ("cnn",),
            least=0.1,
        ),
    ),
    measure=measure,
    caption="Questions, with the words that speak for their type (red) and against it (blue).",
)

if __name__ == "__main__":
    script.run(EXPERIMENT)
