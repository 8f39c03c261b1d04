"""What Python prints for an error, checked for its form: the user's line, the cause, and nothing of TensorFlow's."""

from collections.abc import Callable
import linecache
import re
import traceback
from typing import Any

import pytest

from deepexplain_tf.errors import DeepExplainError

_MOST_LINES = 48
_NOISE = ("Stack trace for op definition", "TF_DUMP_GRAPH_PREFIX", "{{node", "tf2xla", "_XlaMustCompile", "\x1b[")


def printed(action: Callable[[], Any], kind: type[DeepExplainError]) -> str:
    """Returns what Python prints for the error of an action, after checks of its form."""
    with pytest.raises(DeepExplainError) as caught:
        action()
    error, message = caught.value, str(caught.value)
    text = "".join(traceback.format_exception(error))
    assert type(error) is kind, text
    assert text.startswith("Traceback (most recent call last)")
    assert text.count("Traceback (most recent call last)") == 1
    assert re.search(r'File ".*_test\.py"', text)  # where the user called the library
    assert text.endswith(f"{kind.__module__}.{kind.__name__}: {message}\n")
    assert not re.search(r"(site-packages/|/)(tensorflow/python|keras/src)/", text), text
    assert not any(noise in text for noise in _NOISE), text
    assert len(text.splitlines()) <= _MOST_LINES, text
    assert len(message) <= 500
    assert "\n" not in message
    return message


def place_in(message: str) -> str:
    """Returns the line of code that a message names."""
    found = re.search(r'\(File "(.+)", line (\d+)\)', message)
    assert found, message
    return linecache.getline(found[1], int(found[2])).strip()
