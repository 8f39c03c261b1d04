"""Which methods show what a network has learned? All of them, while its layers lose their trained weights.

    python examples/sanity.py --out=examples/sanity.md --picture=examples/images/sanity.png
    python examples/sanity.py --networks=digits --methods=deeplift,guided_backprop

This script explains pictures by every method of `dx.list_methods()` that fits them, and by `lrp` with every named
composite. Then the last layer, the upper half and at last all layers of the network get random weights, by the metric
`randomisation` (Adebayo et al. 2018, https://arxiv.org/abs/1810.03292), and the methods explain again. It prints a row
for each method: how the ranks of its attributions correlate with those of before. The exit code is 1 where a method
draws the same map and the library does not say so (`Method.insensitive`).

Needs scikit-learn, and for photos the packages of the demo: pip install scikit-learn 'deepexplain_tf[demo]'
"""

from collections.abc import Mapping, Sequence
import time

from absl import app, flags
import numpy as np
from PIL import Image

from choices import require_known
import deepexplain_tf as dx
from deepexplain_tf.metrics import Score
from randomised import SAME, STAGES, Network, cases, demo, digits, labelled
from results import listed_versions, markdown_table, write

_NETWORKS = {"demo": demo, "digits": digits}
_CHOSEN = flags.DEFINE_list("networks", list(_NETWORKS), "The networks: EfficientNet-Lite0 on photos, a CNN on digits.")
_METHODS = flags.DEFINE_list("methods", [], "Names of methods; of `lrp` all composites. Default: all.")
_PHOTOS = flags.DEFINE_integer("photos", 4, "The number of photos.", lower_bound=2, upper_bound=6)
_DRAWS = flags.DEFINE_integer("draws", 3, "How often the weights of the CNN are drawn.", lower_bound=1)
_OUT = flags.DEFINE_string("out", None, "A Markdown file for the tables.")
_PICTURE = flags.DEFINE_string("picture", None, "A PNG file for some methods on one photo.")

_DRAWN = (
    "guided_backprop",
    "lrp, epsilon_plus_flat",
    "lrp, epsilon_gamma_box",
    "deeplift",
    "integrated_gradients",
    "grad_cam",
)
_COLOURS = 192  # of the picture, so that its file is small
_HEADER = ("method", "the map", *(f"{stage}{signs}" for stage in STAGES for signs in ("", ", no signs")))
_LABEL = "†"


def main(argv: Sequence[str]) -> int:
    """Measures all methods on the networks; returns the exit code."""
    del argv
    require_known(_CHOSEN, _NETWORKS)
    require_known(_METHODS, dx.list_methods())
    text, unlabelled = [_about()], []
    for name in _CHOSEN.value:
        network, draws = (demo(_PHOTOS.value), 1) if name == "demo" else (digits(), _DRAWS.value)
        found, refused = _measured(network, draws)
        unlabelled += [label for label, scores in found.items() if is_same(scores) and not labelled(cases()[label])]
        text += [_section(name, network, draws, found, refused)]
    if _OUT.value:
        write(_OUT.value, "\n".join(text))
    if _PICTURE.value:
        _draw(_PICTURE.value)
    if unlabelled:
        print(f"without a label: {', '.join(unlabelled)}")
    return int(bool(unlabelled))


def is_same(scores: Mapping[str, Score]) -> bool:
    """Returns whether a map stays the same after the last layer, or the upper half, has lost its weights."""
    return bool(scores["with signs"].mean[:2].max() >= SAME)


def _measured(network: Network, draws: int) -> tuple[dict[str, dict[str, Score]], dict[str, str]]:
    """Returns the scores of each method, and why others do not fit the network."""
    found: dict[str, dict[str, Score]] = {}
    refused: dict[str, str] = {}
    for label, case in cases().items():
        if _METHODS.value and case[0] not in _METHODS.value:
            continue
        start = time.perf_counter()
        try:
            found[label] = network.measure(case, draws)
        except dx.DeepExplainError as error:
            refused[label] = str(error)
            continue
        print("  ".join(_row(label, found[label])), f" {time.perf_counter() - start:.0f} s", flush=True)
    return found, refused


def _row(label: str, scores: Mapping[str, Score]) -> list[str]:
    cells = [
        f"{scores[signs].mean[stage]:.2f} ± {np.diff(scores[signs].interval, axis=0)[0, stage] / 2:.2f}"
        for stage in range(len(STAGES))
        for signs in ("with signs", "without")
    ]
    mark = f" {_LABEL}" if labelled(cases()[label]) else ""
    return [label + mark, "stays" if is_same(scores) else "changes", *cells]


def _section(
    name: str, network: Network, draws: int, found: Mapping[str, Mapping[str, Score]], refused: Mapping[str, str]
) -> str:
    ordered = sorted(found, key=lambda label: -found[label]["with signs"].mean[:2].max())
    table = markdown_table(_HEADER, [_row(label, found[label]) for label in ordered], left=2)
    depth = sum(map(len, network.blocks))
    about = f"{len(network.pictures)} pictures, {depth} layers with weights, number of draws: {draws}"
    reasons = "".join(f"\n`{label}` does not fit: {reason}\n" for label, reason in refused.items())
    return f"## {_TITLES[name]}\n\n{about}.\n\n{table}{reasons}"


_TITLES = {"demo": "EfficientNet-Lite0 on photos", "digits": "A small network on digits"}


def _draw(path: str) -> None:
    """Draws some methods on a photo of the demo: rows are methods, columns what the network has left."""
    network = demo(2)
    pixels = network.pictures[1:] * 127 + 128
    coffee = Network(network.model, network.pictures[1:], network.background)
    rows = []
    for label in _DRAWN:
        kind = "overlay" if label == "grad_cam" else "heat_map"
        found, _ = coffee.explanations(cases()[label], seed=0)
        rows.append([np.asarray(e.image(pixels.astype(np.uint8), kind=kind)) for e in found])
    captions = [[label.removeprefix("lrp, "), *[""] * len(STAGES)] for label in _DRAWN]
    titles = ["trained", *(f"{stage} random" for stage in STAGES)]
    grid = dx.visualize.grid(rows, captions, titles, size=130, text_size=12)
    dx.visualize.save_png(grid.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE), path)


def _about() -> str:
    return f"""# Which methods show what a network has learned

`python examples/sanity.py --out=…` made these tables, with {listed_versions()}.

A number is the mean |rank correlation| of attributions with those of the trained network, for the class that this one
predicts, after the last layer, the upper half and all layers have lost their trained weights (the metric
`randomisation`), and half of its 95 % interval over pictures and draws, as if these were independent. *No signs*
compares absolute attributions. A map that only changed its sign has not changed; one that became all zeros has, and
counts as 0. Methods that draw random numbers draw the same each time, in few samples, and explain squares where they
take groups.

A map *stays* where the number, with signs, reaches {SAME} after the last layer or the upper half; {_LABEL} marks those
of which the library says so (`Method.insensitive`), which is where it stays on one of the networks.

- As published, `guided_backprop` (Adebayo et al. 2018), and z⁺ everywhere, `deep_taylor` and `excitation_backprop`
  (Sixt et al. 2020), stay on both networks, z⁺ up to the sign. `deconvnet` stays on photos, and changes on digits.
- The other composites, with z⁺, αβ or γ at convolutions, stay on digits. On photos it depends on the photo, hence the
  wide intervals: behind the last layer, a dense one with ε, relevance has both signs, and what they cancel changes. The
  sizes alone agree more than those of gradients. `attn_lrp` and `cp_lrp` are meant for transformers; here they are γ.
- `grad_cam_plus_plus` and `layer_cam` keep only positive gradients: they forget the last layer, not the upper half.
- `guided_grad_cam` is said to fail (Adebayo et al. 2018). By this number it does not: it has 0.60 and 0.70, since its
  other factor, the map of `grad_cam`, changes. Its details are still those of `guided_backprop`.
- Attributions with a factor x − x₀ share it with themselves: on digits, `expected_gradients` agrees by 0.8 without
  signs and by 0.4 with them. There most methods agree by about 0.5, since small pictures have few degrees of freedom.
- The limit and the network on digits were chosen after looking: of about ten networks that were tried, those with ten
  convolutions tell methods apart most clearly. In shallower ones the composites with ε at dense layers change more,
  most of all behind a hidden dense layer; `guided_backprop`, `deep_taylor` and `excitation_backprop` stay in all.
"""


if __name__ == "__main__":
    app.run(main)
