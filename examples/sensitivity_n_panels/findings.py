"""The findings of Ancona et al. (ICLR 2018, section 4), each as one number of a net with a limit.

The limits are constants in `FINDINGS`, the same for every net.
"""

import numpy as np

from reproductions.findings import Finding
from reproductions.nets import ACTIVATIONS
from sensitivity_n_panels.measure import DEEPLIFT, GRADIENT, INTEGRATED, LRP, OCCLUSION, Figures

_SMALL = 0.01  # the fraction of the features that is few, if more than one
_MLPS = tuple(f"mlp_{name}" for name in ACTIVATIONS)
_NONLINEAR = (*_MLPS, "cnn_relu", "clothes", "word_mlp", "lstm", "lstm_short", "photos")
_GRADIENTS = (GRADIENT, INTEGRATED, LRP, DEEPLIFT)
PANELS = (*_NONLINEAR, "linear")  # the kinds of nets, in the order of the figure


def few(figures: Figures) -> np.ndarray:
    """Returns booleans, whether each n is few features: one, or up to 1 %."""
    return figures.n <= max(1, _SMALL * figures.features)


def lead_at_few(figures: Figures) -> float:
    """Returns the least lead of Occlusion-1 over any other method, for n that are few features."""
    others = [mean for method, mean in figures.mean.items() if method != OCCLUSION]
    return float(np.min((figures.mean[OCCLUSION] - np.max(others, axis=0))[few(figures)]))


def largest_rise(figures: Figures) -> float:
    """Returns the largest rise of Occlusion-1's correlation from one n to a larger one."""
    mean = figures.mean[OCCLUSION]
    return float(np.max(mean - np.minimum.accumulate(mean)))


def distance(figures: Figures, one: str, other: str) -> np.ndarray:
    """Returns the difference between the correlations of two methods, for each n."""
    return np.abs(figures.mean[one] - figures.mean[other])


def lag_of_lrp(figures: Figures) -> float:
    """Returns the lag of ε-LRP's correlation, averaged over n, behind the lowest other one; ∞ where it has none."""
    average = {method: float(np.mean(mean)) for method, mean in figures.mean.items()}
    if LRP not in average:
        return float("inf")
    return min(average[method] for method in average if method != LRP) - average[LRP]


def nearer_curve(figures: Figures) -> float:
    """Returns how much nearer gradient × input's curve is to Occlusion-1's than the next curve, averaged over n."""
    apart = {
        method: float(np.mean(distance(figures, method, OCCLUSION))) for method in _GRADIENTS if method in figures.mean
    }
    return min(apart[method] for method in apart if method != GRADIENT) - apart[GRADIENT]


def nearer_attributions(figures: Figures) -> float:
    """Returns how much more gradient × input's attributions correlate with Occlusion-1's than the next method's."""
    similar = figures.similar[OCCLUSION]
    return similar[GRADIENT] - max(similar[method] for method in similar if method not in (GRADIENT, OCCLUSION))


FINDINGS: tuple[Finding[Figures], ...] = (
    Finding(
        "1a",
        "Occlusion-1 is best where few features are removed",
        "the least lead of Occlusion-1's mean correlation over any other method's, for n up to 1 % of the features",
        lead_at_few,
        _NONLINEAR,
        least=0,
    ),
    Finding(
        "1b",
        "Occlusion-1's correlation falls as n grows",
        "the largest rise of Occlusion-1's mean correlation from one n to any larger n",
        largest_rise,
        _NONLINEAR,
        most=0.01,
    ),
    Finding(
        "2a",
        "DeepLIFT and Integrated Gradients do alike",
        "the largest difference of their mean correlations, over n",
        lambda net: float(np.max(distance(net, INTEGRATED, DEEPLIFT))),
        _NONLINEAR,
        most=0.05,
    ),
    Finding(
        "2b",
        "DeepLIFT's attributions are near those of Integrated Gradients",
        "Pearson's correlation of both methods' attributions, averaged over the examples",
        lambda net: net.similar[INTEGRATED][DEEPLIFT],
        _NONLINEAR,
        least=0.9,
    ),
    Finding(
        "3a",
        "ε-LRP is gradient × input where all nonlinearities are ReLU",
        "the largest ‖ε-LRP − gradient × input‖ / ‖gradient × input‖ of an example, ε = 1e-12",
        lambda net: net.identity,
        ("mlp_relu", "cnn_relu", "clothes", "word_mlp"),
        most=1e-5,
    ),
    Finding(
        "3b",
        "ε-LRP fails with sigmoid and softplus",
        "how far ε-LRP's correlation is below the lowest of the others, averaged over n, ε = 1e-4",
        lag_of_lrp,
        ("mlp_sigmoid", "mlp_softplus"),
        least=0.1,
    ),
    Finding(
        "4a",
        "on the tanh MLP gradient × input does most like Occlusion-1",
        "how much nearer its curve is to Occlusion-1's than the next gradient method's (mean over n of the distance)",
        nearer_curve,
        ("mlp_tanh",),
        least=0,
    ),
    Finding(
        "4b",
        "on the tanh MLP gradient × input's attributions are nearest to Occlusion-1's",
        "by how much its attributions' correlation with Occlusion-1's exceeds the next gradient method's",
        nearer_attributions,
        ("mlp_tanh",),
        least=0,
    ),
    Finding(
        "5",
        "all methods are equal, and right, where the model is linear",
        "the least mean correlation of any method, over n",
        lambda net: float(min(np.min(mean) for mean in net.mean.values())),
        ("linear",),
        least=0.999,
    ),
)
