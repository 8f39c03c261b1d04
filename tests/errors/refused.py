"""What must be refused: by one clear error, of a class that is promised, before any work is done."""

from typing import Any

import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import message_of
from tests.models import Counted

METHODS = dx.list_methods()
GRADIENT, PATH = "gradient_x_input", "integrated_gradients"
X = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)


def ids(value: Any) -> str:
    """Names a case by its type: a value's own text may be long, or an address."""
    return value if isinstance(value, str) and value.isidentifier() else type(value).__name__


SIGNATURE = [tf.TensorSpec([None, 4], name="features")]


def refuses(kind: Any, *words: str, method: str = GRADIENT, inputs: Any = X, target: Any = 1, **options: Any) -> str:
    """Explains a traced model, which must fail before a graph is made; returns the message."""
    model = Counted()
    with dx.DeepExplain(model, input_signature=SIGNATURE) as de:
        explain = de.explainer("saliency")
        message = message_of(lambda: de.explain(method, inputs, target=target, **options), kind, *words)
        assert (model.runs, explain.n_traces) == (1, 0)
    return message


def refuses_untraced(kind: Any, *words: str, method: str = GRADIENT, inputs: Any = X, target: Any = 1, **options: Any):
    """Explains a model that was never called, which must fail before its code runs."""
    model = Counted()
    with dx.DeepExplain(model) as de:
        message_of(lambda: de.explain(method, inputs, target=target, **options), kind, *words)
        assert model.runs == 0
