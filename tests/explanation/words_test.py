"""Tests of `explanation/words.py`."""

import pytest

from deepexplain_tf.explanation.words import join_pieces


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ("the film was", ["the", "film", "was"]),
        ("[CLS] un ##believ ##able ! [SEP] [PAD]", ["[CLS]", "unbelievable", "!", "[SEP]", "[PAD]"]),
        ("▁un believ able ▁film </s>", ["unbelievable", "film", "</s>"]),
        ("un believ able Ġfilm .", ["unbelievable", "film."]),
        ("un believ able</w> film</w> !</w>", ["unbelievable", "film", "!"]),
        ("un@@ believ@@ able film", ["unbelievable", "film"]),
        ("<s> ▁a b <mask> c ▁ d", ["<s>", "ab", "<mask>", "c", "▁d"]),
        ("##ing ##s", ["ings"]),
        ("a", ["a"]),
        ("", []),
    ],
)
def test_pieces_become_words(tokens, words):
    rows = tokens.split(" ") if tokens else []
    found = join_pieces(rows)
    assert [word for word, _ in found] == words
    assert [place for _, places in found for place in places] == list(range(len(rows)))


def test_padding_belongs_to_no_word():
    assert join_pieces(["a", "", "b", "##c", "", "##d", ""]) == [("a", [0]), ("bc", [2, 3]), ("d", [5])]


def test_the_parts_of_a_word_are_all_its_letters():
    whole = "".join(word for word, _ in join_pieces(["Ġthis", "Ġis", "Ġun", "believ", "able"]))
    assert whole == "thisisunbelievable"
