"""The relevance of zennit, on networks with the same weights, in float64.

    pytest -m peers -p torchvision tests/rules/relevance/zennit_test.py

needs torch, torchvision and zennit, which must be imported before TensorFlow.
"""

from typing import Any

import numpy as np
import pytest

import deepexplain_tf as dx
from tests.twins import BOUNDS, RECTIFIED, X, channels_first, channels_last, network, twin

pytestmark = [
    pytest.mark.peers,
    # Of the other libraries' own imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


def _added() -> Any:
    """Returns zennit's sum as a module of its summands."""
    torch, layer = pytest.importorskip("torch"), pytest.importorskip("zennit.layer")

    class Added(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.sum = layer.Sum(dim=-1)

        def forward(self, *summands: Any) -> Any:
            return self.sum(torch.stack(summands, -1))

    return Added()


_COMPOSITES = {
    "epsilon_plus": ("EpsilonPlus", {}, "epsilon_plus"),
    "epsilon_plus_flat": ("EpsilonPlusFlat", {}, "epsilon_plus_flat"),
    "epsilon_alpha2_beta1": ("EpsilonAlpha2Beta1", {}, "epsilon_alpha2_beta1"),
    "epsilon_gamma_box": (
        "EpsilonGammaBox",
        dict(zip(("low", "high"), BOUNDS, strict=True)),
        [("first", dx.rules.z_box(*BOUNDS)), ("convolution", dx.rules.gamma(0.25)), ("dense", dx.rules.epsilon())],
    ),
}


@pytest.mark.parametrize("name", _COMPOSITES)
@pytest.mark.parametrize("net", RECTIFIED)
def test_relevance_is_that_of_zennit(net, name):
    torch, attribution, canonizers, composites = map(
        pytest.importorskip, ("torch", "zennit.attribution", "zennit.canonizers", "zennit.composites")
    )
    model = network(net)
    theirs, settings, ours = _COMPOSITES[name]
    made = twin(model, _added)
    x = channels_first(X)
    np.testing.assert_allclose(made(x).detach().numpy(), model(X).numpy(), rtol=1e-9, atol=1e-9)
    merged = canonizers.NamedMergeBatchNorm([([f"parts.{layer}"], f"parts.{norm}") for layer, norm in made.batch_norms])
    composite = getattr(composites, theirs)(canonizers=[merged], **settings)
    target = torch.eye(4, dtype=torch.float64)[[1, 1, 1]]
    with attribution.Gradient(model=made, composite=composite) as attributor:
        _, found = attributor(x.requires_grad_(), lambda y: y * target)
    expected = channels_last(found)
    with dx.DeepExplain(model) as de:
        e = de.explain("lrp", X, target=1, composite=ours)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
