import numpy as np
import pytest

from deepexplain_tf.demo import efficientnet_lite0, packages, photos

_missing = packages.missing()
needs_weights = pytest.mark.skipif(bool(_missing), reason=f"the demo's packages are not installed: {_missing}")


@pytest.fixture(scope="module")
def trained():
    return efficientnet_lite0.load()


def test_architecture():
    model = efficientnet_lite0.build()
    # Those of the published network, batch normalisation's moving averages included.
    assert model.count_params() == 4_694_024
    assert model.input_shape == (None, 224, 224, 3)
    assert model.output_shape == (None, 1000)
    assert [layer.name for layer in model.layers[-2:]] == ["logits", "probabilities"]


def test_preprocess():
    np.testing.assert_array_equal(efficientnet_lite0.preprocess([127, 255]), [0, 1])


# The probabilities of the published network in PyTorch's own conventions, to two digits.
@needs_weights
@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        ("chelsea", {"tiger cat": 0.39, "Egyptian cat": 0.36, "tabby": 0.17}),
        ("coffee", {"espresso": 0.95}),
    ],
)
def test_names_the_cats_and_the_espresso(trained, photo, expected):
    pixels = photos.load(photo, efficientnet_lite0.IMAGE_SIZE)
    probabilities = trained(efficientnet_lite0.preprocess(pixels)[None]).numpy()[0]
    names = photos.class_names()
    best = probabilities.argsort()[::-1][: len(expected)]
    assert {names[index]: round(float(probabilities[index]), 2) for index in best} == pytest.approx(expected, abs=0.011)
