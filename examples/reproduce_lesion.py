"""Do attributions find planted lesions, and which sign do they have there?

    python examples/reproduce_lesion.py --flagfile=configs/reproduce_lesion.cfg
    python examples/reproduce_lesion.py --flagfile=configs/reproduce_lesion_quick.cfg

Nets learn to tell made-up pictures of retinas with small lesions from healthy ones. Their logits are explained by
Integrated Gradients from black, and by other methods, and the maps are compared with the masks of the lesions: after
Sundararajan, Taly and Yan (ICML 2017, https://arxiv.org/abs/1703.01365), section 6.2. Needs
pip install 'deepexplain_tf[plots]'
"""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from PIL import Image

import deepexplain_tf as dx
from lesion_parts import explained, nets
from lesion_parts.explained import COMPOSITE, INTEGRATED, METHODS, OCCLUSION, RANDOM, Figures
from lesion_parts.pictures import BRIGHT, DARK, Pictures, pictures
from reproductions import page, script
from reproductions.findings import Finding
from reproductions.script import Experiment, Found, Setting

_TITLES = {DARK: "dark lesions", BRIGHT: "bright lesions"}
_SHOWN = (INTEGRATED, COMPOSITE, OCCLUSION)
_DRAWN = ((DARK, 0), (BRIGHT, 0), (DARK, 1))  # which of the recognised pictures of a kind


def measure(setting: Setting) -> Found[Figures]:
    """Trains nets and scores their explanations."""
    known, test = pictures(setting.pick(3200, 1200), 0), pictures(setting.pick(800, 200), 1)
    figures: dict[str, list[Figures]] = {kind: [] for kind in _TITLES}
    drawn: list[list[Image.Image]] = []
    for seed in range(setting.nets):
        model = nets.train(known, seed, epochs=setting.pick(12, 8))
        for kind, found in figures.items():
            found.append(explained.figures(model, test, kind, setting.pick(50, 10)))
            print(f"{kind} {seed}: {found[-1]}", flush=True)
        drawn = drawn or _rows(model, test)
    titles = ["picture, lesions outlined", *_SHOWN]
    draw = lambda: dx.visualize.grid(drawn, titles=titles, size=240)  # noqa: E731
    return Found(figures, draw, [_methods(figures), _zones(figures), _accuracies(figures)])


def _rows(model: keras.Model, test: Pictures) -> list[list[Image.Image]]:
    """Returns a picture and its maps in each row, with the lesions outlined."""
    rows = []
    for kind, number in _DRAWN:
        at = np.flatnonzero(test.kinds == kind)[explained.recognised(model, test, kind)][number]
        arrays, _ = explained.maps(model, test.x[[at]])
        pixels, mask = np.rint(test.x[at] * 255).astype(np.uint8), test.masks[at].astype(float)
        overlays = [dx.visualize.overlay(arrays[name][0], pixels) for name in _SHOWN]
        rows.append([dx.visualize.contour(mask, picture, top=100) for picture in (pixels, *overlays)])
    return rows


def _methods(figures: Mapping[str, Sequence[Figures]]) -> str:
    rows = [
        [
            name,
            *(f"{np.mean([net.pointing[name] for net in found]):.1%}" for found in figures.values()),
            *(f"{np.mean([net.mass[name] for net in found]):.1f}" for found in figures.values()),
        ]
        for name in (*METHODS, RANDOM)
    ]
    header = ["method", *(f"pointing game, {_TITLES[kind]}" for kind in figures)]
    header += [f"relative mass, {_TITLES[kind]}" for kind in figures]
    return (
        "## Other methods\n\nThe pointing game counts pictures whose most relevant pixel is at most two pixels from "
        "a lesion. The relative mass is the share of the positive relevance that lies in lesions, over their share "
        "of the picture; 1 is chance. Both are means over all nets. Occlusion puts black windows of 6 × 6 pixels on "
        "the picture, so its maps are coarse.\n\n" + page.table(header, rows)
    )


def _zones(figures: Mapping[str, Sequence[Figures]]) -> str:
    rows = [
        [
            _TITLES[kind],
            baseline,
            *(page.listed([net.zones[baseline][zone] for net in found]) for zone in ("interior", "rim", "ring")),
        ]
        for kind, found in figures.items()
        for baseline in ("black", "white")
    ]
    return (
        "## Inside, at the rim, around\n\nThe mean attribution of a pixel by Integrated Gradients, one number for "
        "each net, in units of the logit: in the interior of lesions (what an erosion by one pixel leaves), at their "
        "rim (what it takes away), and in the ring of one pixel around them. An interior that is more positive than "
        "the rim, from black and from white, says that the net looks at the colour inside, which no healthy place "
        "has, and not at the boundary.\n\n" + page.table(["", "baseline", "interior", "rim", "ring"], rows)
    )


def _accuracies(figures: Mapping[str, Sequence[Figures]]) -> str:
    dark, bright = figures[DARK], figures[BRIGHT]
    rows = [
        [
            str(seed),
            *(f"{share:.1%}" for share in (one.healthy, one.right, other.right)),
            f"{max(one.gap, other.gap):.1e}",
        ]
        for seed, (one, other) in enumerate(zip(dark, bright, strict=True))
    ]
    header = ["seed", "healthy right", "dark lesions right", "bright lesions right", "gap of completeness"]
    return (
        "## The nets\n\n"
        "Rightly classified pictures that were not trained with, and the largest gap of completeness of Integrated "
        "Gradients, relative to the largest change of the logit.\n\n" + page.table(header, rows)
    )


EXPERIMENT: Experiment[Figures] = Experiment(
    title="Planted lesions",
    introduction="""
Sundararajan, Taly and Yan ([ICML 2017](https://arxiv.org/abs/1703.01365), section 6.2) explain a network that grades
diabetic retinopathy from photos of the retina. The attributions lie at a few places that look like lesions; inside
lesions they are negative, and at the periphery positive, as if the network looked at the boundary.

`examples/reproduce_lesion.py` asks the same where the truth is known. Its pictures are made up, 48 × 48 pixels: an
uneven disc, bent vessels, an optic spot, noise, and harmless spots (grey or bluish) in all of them. Half have one to
three small lesions of little contrast, with a mask: dark red blots in one half of these pictures, yellow deposits in
the other. Small CNNs with batch normalisation learn to tell pictures with lesions from healthy ones. The logit is
explained by Integrated Gradients from black. What differs from the paper: no photo of an eye, no deep network, two
classes instead of five grades, and lesions of a size and colour that we chose. The script wrote this page:
""",
    titles=_TITLES,
    findings=(
        Finding(
            "1",
            "the attributions lie at lesions",
            "the share of the rightly recognised pictures whose most relevant pixel is at most 2 pixels from a lesion",
            lambda net: net.pointing[INTEGRATED],
            (DARK, BRIGHT),
            least=0.8,
        ),
        Finding(
            "2",
            "the attributions are confined to a few pixels, those of lesions",
            "the share of the positive relevance in lesions, over their share of the picture",
            lambda net: net.mass[INTEGRATED],
            (DARK, BRIGHT),
            least=5,
        ),
        Finding(
            "3",
            "the interior of lesions gets negative attributions, the periphery positive ones",
            "the share of the pictures whose lesions have a negative mean attribution in the interior and a positive "
            "one at the rim",
            lambda net: net.signs,
            (DARK, BRIGHT),
            least=0.5,
        ),
    ),
    measure=measure,
    caption="Pictures with dark, bright and dark lesions, and the maps of three methods: red speaks for a lesion, blue "
    "against it.",
)

if __name__ == "__main__":
    script.run(EXPERIMENT)
