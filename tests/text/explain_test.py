"""Tests of `text/`: from strings to words."""

import keras
import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.text.tokens import encode, reader
from tests.checks import in_turn, message_of
from tests.models import filled

VOCABULARY = ["good", "bad", "very", "film"]
TEXTS = ["A very GOOD film!", "bad, bad plot"]


def _vectorise(**settings):
    return keras.layers.TextVectorization(vocabulary=VOCABULARY, output_sequence_length=5, **settings)


def _layers(count=6, dims=3):
    return [keras.layers.Embedding(count, dims, name="words"), keras.layers.LSTM(4), keras.layers.Dense(2)]


@pytest.fixture(scope="module")
def of_strings():
    return filled(keras.Sequential([keras.Input((), dtype="string"), _vectorise(), *_layers()]))


@pytest.fixture(scope="module")
def of_numbers(of_strings):
    model = keras.Sequential([keras.Input((5,), dtype="int32"), *_layers()])
    model.set_weights(of_strings.get_weights())
    return model


WORDS = (("a", "very", "good", "film"), ("bad", "bad", "plot", ""))


@pytest.mark.parametrize("method", in_turn(["gradient_x_input", "integrated_gradients", "deeplift"], 3))
def test_words_and_scores_of_a_model_that_reads_texts(of_strings, method):
    e = dx.text.explain(of_strings, TEXTS, method=method, target=1)
    assert [tuple(word for word in row if word not in ("", "[padding]")) for row in e.tokens] == [
        tuple(filter(None, row)) for row in WORDS
    ]
    padding = np.broadcast_to(of_strings.get_layer("words").embeddings.numpy()[0], (5, 3))
    with dx.DeepExplain(of_strings, layer="words") as de:
        baseline = None if method == "gradient_x_input" else padding
        whole = de.explain(method, TEXTS, target=1, baseline=baseline)
    scores = whole.attributions.sum(-1)
    np.testing.assert_allclose(e.attributions[0, :4], scores[0, :4], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(e.attributions[1, :3], scores[1, :3], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(e.attributions.sum(1), scores.sum(1), rtol=1e-5, atol=1e-6)


def test_scores_of_words_add_up(of_strings):
    e = dx.text.explain(of_strings, TEXTS, method="deeplift", target=0)
    # Padding at the end has the baseline's values, and so attributions of 0 that are left out.
    np.testing.assert_allclose(e.attributions.sum(1), e.outputs - e.baseline_outputs, rtol=1e-4, atol=1e-5)


BESIDE = {
    "a layer": lambda: {"texts": TEXTS, "tokeniser": _vectorise()},
    "numbers and a layer": lambda: {"texts": np.asarray(_vectorise()(TEXTS)), "tokeniser": _vectorise()},
    "numbers and a list": lambda: {"texts": np.asarray(_vectorise()(TEXTS)), "tokeniser": ["", "[UNK]", *VOCABULARY]},
    "numbers and a dict": lambda: {
        "texts": np.asarray(_vectorise()(TEXTS)),
        "tokeniser": {word: n for n, word in enumerate(["", "[UNK]", *VOCABULARY])},
    },
    "numbers and a function": lambda: {
        "texts": np.asarray(_vectorise()(TEXTS)),
        "tokeniser": lambda n: ["", "[UNK]", *VOCABULARY][n],
    },
    "numbers and tokens": lambda: {"texts": np.asarray(_vectorise()(TEXTS)), "tokens": WORDS},
}


@pytest.mark.parametrize("case", in_turn(BESIDE, 8))
def test_a_tokeniser_beside_the_model(of_numbers, of_strings, case):
    e = dx.text.explain(of_numbers, **BESIDE[case](), method="deeplift", target=1)
    expected = dx.text.explain(of_strings, TEXTS, method="deeplift", target=1)
    np.testing.assert_allclose(e.attributions, expected.attributions, rtol=1e-5, atol=1e-6)
    unknown = tuple(tuple(w if w in ("", *VOCABULARY) else "[UNK]" for w in row) for row in WORDS)
    assert e.tokens == (WORDS if case in ("a layer", "numbers and tokens") else unknown)


class HuggingFaces:
    """A stand-in with the interface of Hugging Face's tokenisers."""

    pieces = ("[PAD]", "[CLS]", "un", "##do", "it")

    def __call__(self, texts):
        rows = [[1, 2, 3, 4], [1, 4, 0, 0]]
        return {"input_ids": rows[: len(texts)], "attention_mask": [[1, 1, 1, 1], [1, 1, 0, 0]][: len(texts)]}

    def convert_ids_to_tokens(self, number):
        return self.pieces[number]


def test_a_tokeniser_of_pieces():
    ids = keras.Input((None,), dtype="int32", name="input_ids")
    mask = keras.Input((None,), dtype="float32", name="attention_mask")
    hidden = keras.layers.Embedding(5, 3, name="words")(ids) * keras.ops.expand_dims(mask, -1)
    model = filled(
        keras.Model({"input_ids": ids, "attention_mask": mask}, keras.layers.Dense(1)(keras.ops.sum(hidden, 1)))
    )
    e = dx.text.explain(model, ["undo it", "it"], tokeniser=HuggingFaces(), method="deeplift")
    assert e.tokens == (("[CLS]", "undo", "it", ""), ("[CLS]", "it", "[PAD]", "[PAD]"))
    np.testing.assert_allclose(e.attributions.sum(1), e.outputs - e.baseline_outputs, rtol=1e-4, atol=1e-5)


def test_a_model_that_reads_words():
    lookup = keras.layers.StringLookup(vocabulary=VOCABULARY, mask_token="")
    model = filled(keras.Sequential([keras.Input((3,), dtype="string"), lookup, *_layers()]))
    e = dx.text.explain(model, [["very", "good", "film"], ["bad", "", ""]], target=0, method="deeplift")
    assert e.tokens == (("very", "good", "film"), ("bad", "", ""))


@pytest.mark.parametrize(
    "settings",
    [
        {"standardize": None},
        {"standardize": "lower"},
        {"split": "character"},
        {"ngrams": 2},
        {"standardize": None, "split": lambda texts: __import__("tensorflow").strings.split(texts, ",")},
    ],
    ids=["plain", "lower", "letters", "pairs", "a function"],
)
def test_words_are_split_as_the_layer_does(settings):
    vectorise = _vectorise(**settings)
    found = encode(None, TEXTS, vectorise, None)
    known = vectorise.get_vocabulary()
    for row, numbers in zip(found.tokens, np.asarray(found.inputs), strict=True):
        for word, number in zip(row, numbers, strict=False):
            assert known[number] in (word, "[UNK]")
            assert (known[number] == "[UNK]") == (word not in known)


def test_a_baseline_and_options_reach_the_method(of_strings):
    zeros = dx.text.explain(of_strings, TEXTS, baseline=None, target=1, n_steps=3)
    assert zeros.n_steps == 3
    np.testing.assert_array_equal(zeros.baseline_outputs[:1], zeros.baseline_outputs[1:])
    other = dx.text.explain(of_strings, TEXTS, target=1, output="model", n_steps=3)
    assert not np.allclose(other.baseline_outputs, zeros.baseline_outputs)


def test_a_picture_in_one_call(of_strings):
    assert dx.text.explain(of_strings, TEXTS, target=1).plot().width == 640


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"texts": np.zeros((2, 5))}, InputError, "texts must be strings, or whole numbers"),
        ({"texts": np.zeros((2, 5, 1), int)}, InputError, "texts must be [batch]"),
        ({"texts": []}, InputError, "texts must be [batch]"),
        ({"texts": np.zeros((2, 5), int)}, InputError, "need tokens=, or tokeniser="),
        ({"texts": np.zeros((2, 5), int), "tokeniser": 7}, OptionError, "a tokeniser must be"),
        ({"texts": np.zeros((2, 5), int), "tokeniser": lambda n: n}, OptionError, "must tell the text of a token"),
        ({"texts": ["a"], "tokeniser": VOCABULARY}, InputError, "texts need a tokeniser= that can be called"),
        ({"layer": "word"}, ValueError, "closest: 'words'"),
        ({"method": "saliency", "baseline": 0.0}, OptionError, "baseline belongs to methods"),
    ],
)
def test_what_is_refused(of_strings, changes, error, words):
    given = {"texts": TEXTS, "target": 1, **changes}
    message_of(lambda: dx.text.explain(of_strings, given.pop("texts"), **given), error, words)


def test_models_that_do_not_tell_enough(of_numbers):
    message_of(lambda: dx.text.explain(of_numbers, TEXTS), InputError, "a model with 0 such layers")
    embedded = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    message_of(
        lambda: dx.text.explain(embedded, np.zeros((1, 4), int), tokens=[list("abcd")]), OptionError, "layer= names"
    )
    counted = _vectorise(output_mode="int")
    counts = keras.layers.TextVectorization(vocabulary=VOCABULARY, output_mode="count")
    message_of(lambda: encode(None, TEXTS, counts, None), InputError, "output_mode='int'")
    assert reader(counted)(2) == "good"
