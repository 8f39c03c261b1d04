"""Tests of `examples/options_of_methods.py`."""

import dataclasses
import pathlib
import typing

import pytest

import deepexplain_tf as dx
from deepexplain_tf.methods import options
from deepexplain_tf.methods.base import METHODS
import options_of_methods as script


def test_the_module_is_that_of_the_registry():
    assert pathlib.Path(options.__file__).read_text("utf-8") == script.module(), (
        "python examples/options_of_methods.py writes it anew"
    )


@pytest.mark.parametrize("method", dx.list_methods())
def test_it_has_every_option_of_every_method(method):
    hints = typing.get_type_hints(options.Options)
    for field in dataclasses.fields(METHODS[method]):
        hint = hints[field.name]
        assert hint is typing.Any or set(_parts(field.type)) <= set(_parts(hint))


def _parts(hint):
    return typing.get_args(hint) or [hint]


def test_it_has_no_other_option():
    known = {field.name for method in METHODS for field in dataclasses.fields(METHODS[method])}
    assert set(typing.get_type_hints(options.Options)) == known
    assert not options.Options.__required_keys__
