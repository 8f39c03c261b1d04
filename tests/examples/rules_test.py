"""Tests of `examples/rules.py`."""

import pathlib

import deepexplain_tf as dx
import rules as script

_TABLE = pathlib.Path(script.__file__).with_suffix(".md")


def test_the_table_is_that_of_the_registry():
    text = _TABLE.read_text("utf-8")
    assert script.table() in text, "python examples/rules.py > examples/rules.md writes it anew"
    for name in dx.list_rules():
        assert f"| `{name}` | " in text


def test_each_rule_says_what_it_does_and_where_it_is_used():
    rows = [line.split(" | ") for line in script.table().splitlines()[2:]]
    assert len(rows) == len(dx.list_rules())
    assert all(len(what) > 10 for _, what, *_ in rows)
    unused = [name for name, _, where, *_ in rows if where == "—"]
    assert unused == ["| `absolute`"]  # for composites of a user's own
