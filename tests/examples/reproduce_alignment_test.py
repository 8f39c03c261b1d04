import keras
import numpy as np
import pytest

from alignment_parts import languages, scores, translators
from alignment_parts.languages import END, LENGTH, NAMES, SOURCE, TARGET, Pair

_PAIRS = languages.pairs(200)
_HAND = Pair(
    ("<s>", "the", "old", "king", "sees", "anna", "</s>"),
    ("rex", "vetus", "ob", "anna", "videt", "</s>"),
    (3, 2, None, 5, 4, None),
)


def test_translations_have_the_order_of_the_target_and_align():
    assert languages.pairs(200) == _PAIRS
    assert len({pair.source for pair in _PAIRS}) == 200
    known = {**languages.NOUNS, **languages.ADJECTIVES, **languages.VERBS, **languages.PLACES, **languages.TIMES}
    known |= {**NAMES, **languages.FUNCTION}
    for pair in _PAIRS:
        assert 4 <= len(pair.source) - 2 <= languages.LONGEST
        translated = [
            (pair.target[at], pair.source[place]) for at, place in enumerate(pair.aligned) if place is not None
        ]
        assert all(known[source] == target for target, source in translated)
        places = [place for place in pair.aligned if place is not None]
        left = [word for at, word in enumerate(pair.source) if at not in places]
        assert len(set(places)) == len(places)
        assert set(left) <= {"<s>", "the", "</s>"}, "every other word is translated once"
        assert [pair.target[at] for at, place in enumerate(pair.aligned) if place is None] == ["ob", END]
        assert pair.target[-2] in languages.VERBS.values()
        for at, word in enumerate(pair.target):
            if word in languages.ADJECTIVES.values():
                assert pair.aligned[at - 1] == pair.aligned[at] + 1, "after its noun, before which it stands"


def test_numbers_and_what_was_said_before():
    source, target = scores.numbers([_HAND])
    assert [SOURCE[number] for number in source[0]] == [*_HAND.source, *[""] * (LENGTH - 7)]
    said = [TARGET[number] for number in languages.shifted(target)[0]]
    assert said[:7] == ["<s>", "rex", "vetus", "ob", "anna", "videt", "</s>"]


def test_only_words_count_as_the_most_relevant():
    row = np.array([9.0, 0.1, 0.3, 0.2, 0.0, 0.0, 9.0, 9.0, 9.0, 9.0])
    assert scores.most_relevant(_HAND.source, row) == 2
    assert scores.most_relevant(_HAND.source, np.where(row > 1, 0, -row - 1)) in (4, 5)
    said = scores.Said(np.zeros(3, int), np.array([0, 1, 4]))  # rex, vetus, videt
    values = np.stack([row, row, row])
    assert scores.share_aligned([_HAND], said, values, {"rex", "vetus"}) == 0.5
    assert np.isnan(scores.share_aligned([_HAND], said, values, {"et"}))
    assert (said.count([_HAND], {"rex", "videt"}), said.count([_HAND], {"et"})) == (2, 0)
    both = said.among([_HAND], {"videt"}, 1).and_those(said.among([_HAND], {"rex"}, 1))
    assert (both.pair.tolist(), both.position.tolist()) == ([0, 0], [4, 0])
    assert not len(said.among([_HAND], {"rex"}, 0).pair)
    assert scores.matrix(_HAND, said, values, 0).shape == (3, 7)


@pytest.fixture(scope="module")
def translator():
    keras.utils.set_random_seed(0)
    return translators.build(8, attention=True)


def test_padding_of_either_sentence_changes_nothing(translator):
    source, target = scores.numbers([_HAND])
    inputs = [source, languages.shifted(target)]
    before = np.asarray(translator(inputs))
    assert before.shape == (1, LENGTH, len(TARGET))
    for layer in translator.layers:
        if isinstance(layer, keras.layers.Embedding):
            weights = layer.get_weights()[0]
            weights[0] += 10
            layer.set_weights([weights])
    after = np.asarray(translator(inputs))
    np.testing.assert_allclose(after[:, : len(_HAND.target)], before[:, : len(_HAND.target)], atol=1e-6)


@pytest.mark.long  # the matrices of the whole script have marks and padding too
def test_marks_and_padding_have_no_attribution(translator):
    said = scores.Said(np.array([0, 0]), np.array([0, 4]))
    with scores.opened(translator) as de:
        e = scores.explain(de, translator, [_HAND], said, "occlusion")
    values = scores.by_word(e)
    assert values.shape == (2, LENGTH)
    assert (values[:, [0, 6, 7, 8, 9]] == 0).all()
    assert (values[:, 1:6] != 0).all()
    source, target = scores.numbers([_HAND])
    logits = np.asarray(translator([source, languages.shifted(target)]))
    expected = [logits[0, at, TARGET.index(_HAND.target[at])] for at in (0, 4)]
    np.testing.assert_allclose(e.outputs, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.long  # the whole script; its parts have tests of their own
def test_the_script_aligns_most_words(quick_runs):
    made = quick_runs("reproduce_alignment")
    assert "1 the words of a translation are mostly attributed" in made.printed
    assert f"]({made.file('.png').name})" in made.page
    assert "| attention scores | " in made.page
