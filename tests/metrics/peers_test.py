"""Scores of other libraries, where their definition is ours: `pytest -m peers`, with torch, captum, quantus installed.

The same network stands in TensorFlow and in PyTorch, in float64, and both sides get the same random numbers.
"""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.metrics import deletion, infidelity, max_sensitivity

pytestmark = [
    pytest.mark.peers,
    # Of the other libraries' own imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

GENERATOR = np.random.default_rng(0)
W, V = GENERATOR.normal(size=(5, 4)), GENERATOR.normal(size=4)
X, R = GENERATOR.normal(size=(2, 3, 5))
SAMPLES = 7


def in_tensorflow(x):
    return tf.linalg.matvec(tf.tanh(x @ W), V)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def in_torch(torch):
    return lambda x: torch.tanh(x @ torch.tensor(W)) @ torch.tensor(V)


@pytest.mark.parametrize("normalise", [False, True])
def test_infidelity_of_captum(torch, in_torch, normalise):
    captum = pytest.importorskip("captum.metrics")
    noise = GENERATOR.normal(size=(SAMPLES, 3, 5))

    def perturb_torch(x):
        assert len(x) == 3 * SAMPLES  # each example as often as there are samples, one after the other
        step = torch.tensor(noise.transpose(1, 0, 2).reshape(-1, 5))
        return step, x - step

    steps = iter(noise)

    def perturb(x, generator):
        step = next(steps)
        return step, x - step

    theirs = captum.infidelity(
        in_torch, perturb_torch, torch.tensor(X), torch.tensor(R), n_perturb_samples=SAMPLES, normalize=normalise
    )
    ours = infidelity(in_tensorflow, X, R, perturb=perturb, n_samples=SAMPLES, normalise=normalise)
    np.testing.assert_allclose(ours.per_example, theirs.numpy(), rtol=1e-12)


def test_sensitivity_max_of_captum(torch):
    captum = pytest.importorskip("captum.metrics")
    generator = np.random.default_rng(3)
    noise = np.stack([generator.uniform(-0.1, 0.1, X.shape) for _ in range(SAMPLES)])

    def perturb_torch(x, radius):
        return x + torch.tensor(noise.transpose(1, 0, 2).reshape(-1, 5))

    def explain_torch(x):
        return (torch.sin(x * torch.tensor(R[:1])),)

    theirs = captum.sensitivity_max(
        lambda x: explain_torch(x[0] if isinstance(x, tuple) else x),
        torch.tensor(X),
        perturb_func=perturb_torch,
        n_perturb_samples=SAMPLES,
    )
    ours = max_sensitivity(lambda x: np.sin(x * R[:1]), X, radius=0.1, n_samples=SAMPLES, seed=3)
    np.testing.assert_allclose(ours.per_example, theirs.numpy(), rtol=1e-12)


def test_pixel_flipping_of_quantus(torch):
    """Its curve begins after the first removal; ties and steps are made not to matter."""
    quantus = pytest.importorskip("quantus")

    class Network(torch.nn.Module):
        def forward(self, x):
            flat = x.reshape(len(x), 5).to(torch.float64)
            return (torch.tanh(flat @ torch.tensor(W)) @ torch.tensor(V))[:, None].repeat(1, 2)

    metric = quantus.PixelFlipping(features_in_step=1, perturb_baseline=0.0, normalise=False, disable_warnings=True)
    pictures = X.reshape(3, 1, 1, 5)
    theirs = metric(
        model=Network().eval(),
        x_batch=pictures,
        y_batch=np.zeros(3, int),
        a_batch=R.reshape(3, 1, 1, 5),
        channel_first=True,
        device="cpu",
        softmax=False,
    )
    ours = deletion(in_tensorflow, X, R)
    np.testing.assert_allclose(ours.curve[:, 1:], np.asarray(theirs).reshape(3, 5), rtol=1e-6)
