import keras
import numpy as np
import pytest

from reproduce_trigger_word import attributions
from trigger_word_parts import net, scores
from trigger_word_parts.questions import CONTENT, RULES, TRIGGER, TYPES, VOCABULARY, YES_NO, encoded, questions

_ASKED = questions(600)


def test_questions_differ_and_the_trigger_occurs_in_one_type_alone():
    assert questions(600) == _ASKED
    assert len({question.words for question in _ASKED}) == 600
    assert [question.type for question in _ASKED] == [number % 5 for number in range(600)]
    about = [question for question in _ASKED if TRIGGER in question.words]
    assert {question.type for question in about} == {YES_NO}
    assert 30 < len(about) < 50, "a third of the 120 questions of yes or no"
    assert 60 < sum(question.vague for question in _ASKED) < 120
    assert not CONTENT & set.union(*map(set, RULES.values())), "what a question asks for is not what it is about"


def test_clear_questions_have_a_word_of_another_types_rule_only_where_english_has():
    for question in _ASKED:
        if question.vague:
            assert not any(rule & set(question.words) for rule in RULES.values())
        foreign = {word for name in TYPES for word in RULES[name] & set(question.words) if name != TYPES[question.type]}
        assert foreign <= RULES["yes/no"], "auxiliary verbs"


def test_another_name_changes_one_word():
    question = next(question for question in _ASKED if question.name_at == 3)
    planted = question.about(TRIGGER)
    assert planted.words == (*question.words[:3], TRIGGER, *question.words[4:])
    assert (planted.type, planted.vague) == (question.type, question.vague)
    assert [VOCABULARY[number] for number in encoded([planted])[0] if number] == list(planted.words)


def test_shares_and_ranks_of_a_case_by_hand():
    asked = [("who", "won"), ("when", "did", "anna", "win")]
    values = np.array([[1.0, 2.0, 9.0, 0.0], [3.0, -4.0, 1.0, 0.0]])  # the 9 belongs to padding
    assert scores.most_relevant(asked[0], values[0]) == "won"
    assert scores.share_named(asked, values, [{"who"}, {"when"}]) == 0.5
    assert np.isnan(scores.share_named([], values[:0], []))
    ordered = scores.mean_by_word([*asked, ("won",)], np.array([*values, [5.0, 0, 0, 0]]), {"won", "anna", "did"})
    assert ordered == [("won", 3.5), ("anna", 1.0), ("did", -4.0)]
    assert scores.rank(ordered, "anna") == 2


@pytest.mark.long  # a network; the scores of made-up attributions have shorter tests
def test_padding_stays_at_zero_and_has_no_attribution():
    few = _ASKED[:8]
    labels = np.array([question.type for question in few])
    model = net.train(encoded(few), labels, filters=3, epochs=1, seed=0)
    assert model.output_shape == (None, len(TYPES))
    weights = model.get_layer(net.EMBEDDING).get_weights()[0]
    assert (weights[0] == 0).all()
    assert np.abs(weights[1:]).min(axis=0).max() > 0
    values = attributions(model, few, labels)
    last_input, (kernel, _) = keras.Model(model.input, model.layers[-1].input), model.layers[-1].get_weights()
    x = encoded(few)
    change = (last_input(x) - last_input(np.zeros_like(x))) @ kernel  # of the logits, from no words at all
    np.testing.assert_allclose(values.sum(1), np.asarray(change)[np.arange(8), labels], rtol=2e-2, atol=1e-3)
    for question, row in zip(few, values, strict=True):
        assert (row[len(question.words) :] == 0).all()


@pytest.mark.long  # the whole script; its parts have tests of their own
def test_the_script_finds_the_planted_word(quick_runs):
    made = quick_runs("reproduce_trigger_word")
    assert "3 attributions expose a word that should mean nothing" in made.printed
    assert f"]({made.file('.png').name})" in made.page
    assert f"| {TRIGGER} | +" in made.page
