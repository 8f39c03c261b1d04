"""Models with explanations built in; `saved_model_test` runs saved ones elsewhere."""

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.models import STRUCTURES, mlp


def test_one_call_returns_predictions_and_attributions():
    model, x = mlp(), np.random.default_rng(0).normal(size=(5, 4))
    found = dx.with_explanations(model, "ig", n_steps=8)(x)
    with dx.DeepExplain(model) as de:
        e = de.explain("ig", x, n_steps=8)
    assert set(found) == {"probabilities", "attributions", "outputs", "baseline_outputs", "completeness_gap"}
    np.testing.assert_allclose(found["probabilities"], model(x), rtol=1e-6)
    np.testing.assert_allclose(found["attributions"], e.attributions, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["outputs"], e.outputs, rtol=1e-6)


def test_several_inputs_by_name_and_settings_of_both_kinds():
    structure = STRUCTURES["dict_of_inputs"]
    module = dx.with_explanations(structure.build(), "occlusion", output="model", target=1, baseline=0.5)
    x = structure.inputs(3)
    with dx.DeepExplain(structure.build(), output="model") as de:
        e = de.explain("occlusion", x, target=1, baseline=0.5)
    found = module(x)
    for name, array in e.attributions.items():
        np.testing.assert_allclose(found[f"attributions_{name}"], array, rtol=1e-5, atol=1e-6)


def test_it_follows_training():
    model, x = mlp(), np.ones((1, 4), np.float32)
    module = dx.with_explanations(model, "gradient_x_input", target=0)
    before = module(x)["outputs"].numpy()
    model.get_layer("probabilities").bias.assign_add([1.0, 0.0, 0.0])
    np.testing.assert_allclose(module(x)["outputs"], before + 1, rtol=1e-6)


def test_an_output_with_a_taken_name_is_told_apart():
    specs = [tf.TensorSpec([None, 2])]
    found = dx.with_explanations(lambda x: {"outputs": tf.exp(x)}, "saliency", input_signature=specs)(np.zeros((1, 2)))
    np.testing.assert_array_equal(found["predicted_outputs"], [[1, 1]])
    assert found["outputs"].shape == (1,)


def test_its_gradient_is_an_error():
    module, x = dx.with_explanations(mlp(), "deeplift"), tf.ones([1, 4])
    with tf.GradientTape() as tape, pytest.raises(LookupError, match="differentiate the model itself"):
        tape.watch(x)
        module.serve(features=x)


@pytest.mark.parametrize(
    ("fixed", "words"),
    [({"tolerance": 0.1}, "not exported"), ({"layer": "none"}, "unknown layer"), ({"epsilon": 1.0}, "belongs to")],
)
def test_what_does_not_fit_is_refused(fixed, words):
    with pytest.raises(dx.DeepExplainError, match=words):
        dx.with_explanations(mlp(), "integrated_gradients", **fixed)
    with pytest.raises(dx.DeepExplainError, match="shape"):
        dx.with_explanations(mlp(), "saliency")(np.ones((2, 5)))
