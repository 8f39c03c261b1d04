"""Wrong use of `dx.compare` gets one clear error, before the model is asked."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError, OptionError, TargetError, UnknownNameError
from deepexplain_tf.explain import Explainer
from deepexplain_tf.metrics.evaluation import Evaluation
from tests.checks import message_of

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
SIGNATURE = [tf.TensorSpec([None, 4])]

WRONG = {
    "unknown method": (UnknownNameError, "closest: 'deeplift'", {"methods": ["deplift"]}),
    "unknown metric": (UnknownNameError, "closest: 'deletion'", {"metrics": "deletio"}),
    "no methods": (OptionError, "methods must name at least one", {"methods": []}),
    "no metrics": (OptionError, "metrics must name at least one", {"metrics": {}}),
    "a method twice": (OptionError, "Got 'deeplift' twice", {"methods": ["deeplift", "deeplift"]}),
    "no name of a method": (TypeError, "methods are names", {"methods": [3]}),
    "a number for methods": (TypeError, "methods are names", {"methods": 3}),
    "option of another method": (OptionError, "integrated_gradients", {"methods": [("deeplift", {"n_steps": 3})]}),
    "option of a method out of range": (OptionError, "n_steps", {"methods": ("integrated_gradients", {"n_steps": 0})}),
    "argument as an option": (OptionError, "seed is the same for all", {"methods": ("deeplift", {"seed": 0})}),
    "window too large": (OptionError, "window_shape", {"methods": ("occlusion", {"window_shape": (5,)})}),
    "unknown option of a metric": (OptionError, "closest: 'subsets'", {"metrics": ("sensitivity_n", {"subset": 9})}),
    "one subset": (OptionError, "subsets must be a whole number ≥ 2", {"metrics": ("sensitivity_n", {"subsets": 1})}),
    "n too large": (OptionError, "in 1 … 3", {"metrics": ("sensitivity_n", {"n": 4})}),
    "n of no features": (OptionError, "in 1 … 3", {"metrics": ("sensitivity_n", {"n": [0, 1]})}),
    "no steps": (OptionError, "steps must be", {"metrics": ["completeness", ("deletion", {"steps": 0})]}),
    "no radius": (OptionError, "radius must be", {"metrics": ("max_sensitivity", {"radius": 0})}),
    "noise for contributions": (
        OptionError,
        "perturb must be 'removal'",
        {"metrics": ("infidelity", {"perturb": "noise"})},
    ),
    "no masks": (
        OptionError,
        "pointing_game needs masks: pass ('pointing_game', {'masks'",
        {"metrics": "pointing_game"},
    ),
    "masks of another shape": (
        OptionError,
        "masks must have the shape [3, 4] or [3, 1]. Got [3, 3].",
        {"metrics": ("relevance_mass_accuracy", {"masks": np.ones((3, 3))})},
    ),
    "inputs of a metric": (OptionError, "unknown option 'baseline'", {"metrics": ("deletion", {"baseline": 0})}),
    "groups of another shape": (OptionError, "groups must be", {"groups": np.zeros((5,), int)}),
    "groups by a wrong name": (OptionError, "'elements', 'positions'", {"groups": "pixels"}),
    "target beyond the outputs": (TargetError, "Got 2", {"target": 2}),
    "baseline of another shape": (InputError, "baseline must be", {"baseline": np.zeros((3, 3))}),
    "seed": (OptionError, "seed must be", {"seed": -1}),
    "progress": (OptionError, "progress must be", {"progress": 1}),
    "chunk_size": (OptionError, "chunk_size must be", {"chunk_size": 0}),
    "misspelt argument": (OptionError, "closest: 'methods'", {"method": "deeplift"}),
    "misspelt argument of DeepExplain": (OptionError, "closest: 'layer'", {"layers": "a"}),
}


@pytest.fixture
def _nothing_is_done(monkeypatch):
    def work(*arguments, **options):
        raise AssertionError("this is work")

    monkeypatch.setattr(Explainer, "__call__", work)
    monkeypatch.setattr(Evaluation, "__call__", work)


@pytest.mark.usefixtures("_nothing_is_done")
@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(case):
    kind, words, options = WRONG[case]

    def model(x):
        return tf.stack([tf.reduce_sum(x**2, 1), tf.reduce_sum(x, 1)], 1)

    call = {"methods": "saliency", "metrics": "deletion", "target": 0, "input_signature": SIGNATURE, **options}
    message_of(lambda: dx.compare(model, X, **call), kind, words)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (X[:0], "at least one example"),
        (X[:, :3], "must have shape"),
        (X * np.nan, "must be finite"),
        ("x.npy", "must be an array"),
        ([], "at least one array"),
        (keras.KerasTensor((3, 4)), "must be an array"),
    ],
)
def test_wrong_inputs(inputs, words):
    fn = lambda x: tf.reduce_sum(x, 1)  # noqa: E731
    message_of(lambda: dx.compare(fn, inputs, input_signature=SIGNATURE), InputError, words)


def test_a_missing_layer():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])
    message_of(lambda: dx.compare(model, X, layer="dens"), UnknownNameError, "closest: 'dense'")


def test_randomisation_of_a_layer_that_is_missing():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])
    metrics = ("randomisation", {"layers": ["dens"]})
    message_of(lambda: dx.compare(model, X, metrics=metrics), DeepExplainError, "closest: 'dense'")
