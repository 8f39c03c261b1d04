from deepexplain_tf.methods.docstring import read_class, read_docstring, read_list


class _Base:
    """What all do.

    Attributes:
      groups: which belong together,
        one number for each; default: none.
      n_steps, rule: of the path, 1 … 9.
    """


class _Method(_Base):
    """A formula.

    The body: it tells more. For the options see `base._Base`.

    A second paragraph; see `_Other`.

    Attributes:
      groups: who is a player, see `base._Base`; excludes `rule`.
      rule: see `_Base`.
      own: of its own, see `_Other`.

    Raises:
      ValueError: never.

    References:
      A, B, 2017,
      https://example.org.
    """


def test_the_parts_of_a_docstring():
    found = read_docstring(_Method.__doc__)
    assert found.summary == "A formula."
    assert [text[:8] for text in found.paragraphs] == ["The body", "A second"]
    assert set(found.entries) == {"groups", "rule", "own"}
    assert found.references == "A, B, 2017, https://example.org."


def test_a_docstring_without_sections_or_none_at_all():
    assert read_docstring("One line.").summary == "One line."
    assert read_docstring(None).summary == read_docstring(None).references == ""


def test_a_base_has_what_an_entry_refers_to():
    entries = read_class(_Method).entries
    inherited = "which belong together, one number for each; default: none."
    assert entries["groups"] == f"who is a player; excludes `rule`. W{inherited[1:]}"
    assert entries["rule"] == entries["n_steps"] == "of the path, 1 … 9."
    assert entries["own"] == "of its own, see `_Other`."  # no base


def test_sentences_that_refer_to_a_base_are_left_out():
    assert read_class(_Method).paragraphs == ("The body: it tells more.", "A second paragraph; see `_Other`.")


def test_items_of_a_list():
    text = """Metrics.

    - `fn`, `inputs`: what they
      are.
    - The result is a number.
    - `seed`: a whole number.
    """
    assert read_list(text) == {"fn": "what they are.", "inputs": "what they are.", "seed": "a whole number."}
