"""The examples in docstrings are run."""

import doctest
import importlib
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf

_ROOT = pathlib.Path(deepexplain_tf.__file__).parent
_MODULES = [
    ".".join((_ROOT.name, *path.relative_to(_ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(_ROOT.rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]


def test_modules_with_examples_are_found():
    assert {"deepexplain_tf.explain.deep_explain", "deepexplain_tf.metrics"} < set(_MODULES)


@pytest.mark.pages
@pytest.mark.parametrize("module", _MODULES)
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(importlib.import_module(module), extraglobs={"np": np, "tf": tf})
    assert result.attempted > 0
    assert result.failed == 0
