"""ROAR: which method finds the pixels without which a network cannot learn the classes?

    python examples/roar.py --flagfile=configs/roar.cfg
    python examples/roar.py --flagfile=configs/roar_quick.cfg

Hooker, Erhan, Kindermans and Kim (NeurIPS 2019, https://arxiv.org/abs/1806.10758) remove the share of the pixels that a
method finds most relevant from every picture for training and for tests, and train the network again: the lower its
accuracy is then, the better the method. Needs npm (see reproductions/packages.py) and
pip install 'deepexplain_tf[plots]'
"""

from collections.abc import Mapping, Sequence
import dataclasses

import numpy as np

from reproductions import data, nets, script
from reproductions.findings import Finding
from reproductions.page import table
from reproductions.script import Experiment, Found, Setting
from roar_parts import figure
from roar_parts.removal import METHODS, SAMPLES, most_relevant, ranked, relevances
from roar_parts.retraining import Retrained

_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
_FULL = nets.Sizes(filters=2, training=4_000, epochs=4)
_QUICK = nets.Sizes(filters=2, training=500, epochs=2)
_TESTS, _QUICK_TESTS = 1_200, 300
_MARGIN = 0.01  # of the mean accuracy: what is nearer counts as equal
_SHOWN = ("random", "Integrated Gradients", "SmoothGrad, squared")
_SHOWN_CLASS = data.GARMENTS.index("ankle boot")


@dataclasses.dataclass(frozen=True)
class Curves:
    """What becomes of a network's accuracy.

    Attributes:
      whole: the accuracy on whole pictures.
      retrained: method → accuracy for each share of removed pixels, after training again, `[shares]`.
      kept: the same of the network that was trained on whole pictures.
      gaps: method → accuracy of a network that sees only which pixels are removed, at the largest share.
    """

    whole: float
    retrained: Mapping[str, np.ndarray]
    kept: Mapping[str, np.ndarray]
    gaps: Mapping[str, float]

    def lead(self, method: str, other: str) -> float:
        """Returns how much lower the accuracy is without what the method finds, in the mean over the shares."""
        return float((self.retrained[other] - self.retrained[method]).mean())


def measure(setting: Setting) -> Found[Curves]:
    """Trains all networks."""
    sizes = setting.pick(_FULL, _QUICK)
    shares = setting.pick(_SHARES, (0.5, 0.9))
    known, mean = _centred(data.clothes(setting.folder), sizes.training, setting.pick(_TESTS, _QUICK_TESTS))
    network, found = Retrained(sizes), []
    pictures: dict[str, np.ndarray] = {}
    for seed in range(setting.nets):
        curves, shown = _one(network, known, shares, seed)
        found.append(curves)
        pictures = pictures or {name: (shown[name] + mean)[..., 0] for name in _SHOWN}
    draw = lambda: figure.draw(found, shares, pictures)  # noqa: E731
    sections = [_accuracies(found, shares, sizes.training, len(known.test_x)), _gaps(found, shares[-1])]
    return Found({"clothes": found}, draw, sections)


def _centred(known: data.Data, training: int, tests: int) -> tuple[data.Data, np.ndarray]:
    """Returns the first pictures minus their mean, and that mean: zero is then the value that takes a pixel's place."""
    mean = known.x[:training].mean(0)
    x, test_x = known.x[:training] - mean, known.test_x[:tests] - mean
    return data.Data(x, known.y[:training], test_x, known.test_y[:tests], known.whole[:tests]), mean


def _one(
    network: Retrained, known: data.Data, shares: Sequence[float], seed: int
) -> tuple[Curves, dict[str, np.ndarray]]:
    """Returns the curves of a network, and a test picture without each share, `[shares, 28, 28, 1]`."""
    network.train(known.x, known.y, seed)
    whole, count = network.accuracy(known.test_x, known.test_y), len(known.x)
    pictures = np.concatenate([known.x, known.test_x])
    ranks = {name: ranked(found) for name, found in relevances(network.model, pictures, seed)}
    without = lambda name, share: np.where(most_relevant(ranks[name], share), 0, pictures)  # noqa: E731
    kept = {
        name: np.array([network.accuracy(without(name, share)[count:], known.test_y) for share in shares])
        for name in METHODS
    }

    def again(x: np.ndarray, place: int) -> float:
        network.train(x[:count], known.y, 1000 * (seed + 1) + place)
        return network.accuracy(x[count:], known.test_y)

    retrained, gaps = {}, {}
    for name in METHODS:
        retrained[name] = np.array([again(without(name, share), place) for place, share in enumerate(shares)])
        gaps[name] = again(most_relevant(ranks[name], shares[-1]).astype(np.float32), len(shares))
        print(f"net {seed} ({whole:.3f}), {name}: {np.round(retrained[name], 3)}, gaps {gaps[name]:.3f}", flush=True)
    place = count + int(np.flatnonzero(known.test_y == _SHOWN_CLASS)[0])
    shown = {name: np.stack([without(name, share)[place] for share in shares]) for name in _SHOWN}
    return Curves(whole, retrained, kept, gaps), shown


def _accuracies(found: Sequence[Curves], shares: Sequence[float], training: int, tests: int) -> str:
    parts = [
        "## Accuracy\n",
        f"{training:,} pictures for training, {tests:,} for tests; on whole pictures "
        f"{', '.join(f'{one.whole:.1%}' for one in found)} are right. Means over the networks, with the standard "
        "deviation over them behind ±; all are percent.\n",
    ]
    for title, attribute in (("Trained again without these pixels", "retrained"), ("Not trained again", "kept")):
        rows = []
        for name in METHODS:
            accuracies = 100 * np.array([getattr(one, attribute)[name] for one in found])  # [nets, shares]
            cells = [f"{mean:.1f} ± {std:.1f}" for mean, std in zip(accuracies.mean(0), accuracies.std(0), strict=True)]
            rows.append([name, *cells, f"{accuracies.mean():.1f}"])
        parts.append(table([title, *(f"{share:.0%}" for share in shares), "mean"], rows))
    parts.append(
        "Without training again, a low accuracy can mean that the right pixels are gone, or that the network has never "
        "seen such pictures. Training again rules the second out.\n"
    )
    return "\n".join(parts)


def _gaps(found: Sequence[Curves], share: float) -> str:
    rows = [[name, *(f"{one.gaps[name]:.1%}" for one in found)] for name in METHODS]
    return (
        "## What the gaps tell\n\n"
        "Training again brings a doubt of its own: the network can learn from *which* pixels are gone (Rong et al., "
        "[ICML 2022](https://arxiv.org/abs/2202.00449)). So here are networks that see nothing else: 1 where one of "
        f"the {share:.0%} is removed, 0 elsewhere. Where they are right, the gaps draw what is in the picture, or "
        "carry the answer of the network that was explained. Such a method looks worse than it is. So a low accuracy "
        "above shows that much was removed; a high one does not show that little was. Random gaps tell nothing, so "
        "that findings 1, 2, 4 and 5 compare the methods with a choice that has no such help.\n\n"
        + table(["accuracy from the gaps alone", *(f"net {seed}" for seed in range(len(found)))], rows)
    )


def _finding(name: str, statement: str, method: str, other: str, *, better: bool) -> Finding[Curves]:
    """Returns a finding that a method is better than another one, or is not."""
    quantity = f"how much lower the accuracy is without the pixels of {method} than without those of {other}"
    lead = lambda curves: curves.lead(method, other)  # noqa: E731
    limits = {"least": _MARGIN} if better else {"most": _MARGIN}
    return Finding(name, statement, f"{quantity}, in the mean over the shares", lead, ("clothes",), **limits)


EXPERIMENT: Experiment[Curves] = Experiment(
    title="ROAR: remove and retrain",
    introduction=f"""
Remove the pixels that a method finds most relevant from every picture, for training and for tests, and train the
network again, from new weights. The less it can still learn, the more the method had found: so Hooker, Erhan,
Kindermans and Kim judge methods ([A Benchmark for Interpretability Methods in Deep Neural
Networks](https://arxiv.org/abs/1806.10758), NeurIPS 2019). They use ResNet-50 on photos (ImageNet, Birdsnap, Food
101). Here it is a small CNN on Fashion-MNIST: grey pictures of 28 × 28 pixels, a part of them for training, and few
epochs. So the numbers are other ones, and what holds for large photos may not hold here.

From each pixel its mean over the training pictures is subtracted, and a removed pixel becomes zero, which is that mean.
It is the baseline of Integrated Gradients and DeepLIFT too. Each network explains the logit of the class that it sees.
Attributions with signs remove first what speaks for that class. Ensembles are of the signed gradient, as in the paper:
{SAMPLES} samples with noise of 15 % of the range of a picture. The absolute gradient orders pixels as the paper's
squared gradient does. `examples/roar.py` wrote this page:
""",
    titles={"clothes": "Fashion-MNIST, CNN"},
    findings=(
        _finding("1", "gradients are no better than a random choice of pixels", "gradient", "random", better=False),
        _finding(
            "2",
            "Integrated Gradients are no better than a random choice",
            "Integrated Gradients",
            "random",
            better=False,
        ),
        _finding("3", "SmoothGrad is no better than a single gradient", "SmoothGrad", "gradient", better=False),
        _finding(
            "4", "squared SmoothGrad is better than a random choice", "SmoothGrad, squared", "random", better=True
        ),
        _finding("5", "VarGrad is better than a random choice", "VarGrad", "random", better=True),
        _finding(
            "6", "squared SmoothGrad is better than a single gradient", "SmoothGrad, squared", "gradient", better=True
        ),
        Finding(
            "7",
            "with most pixels removed at random, a network that is trained again still sees much; without that, little",
            "accuracy with the largest share removed at random, trained again minus not trained again",
            lambda curves: float(curves.retrained["random"][-1] - curves.kept["random"][-1]),
            ("clothes",),
            least=0.1,
        ),
    ),
    measure=measure,
    caption="Test accuracy without the pixels that a method finds most relevant, and a picture without them.",
)

if __name__ == "__main__":
    script.run(EXPERIMENT)
