"""Which method obeys which axiom? Tries all of them on functions, and shows a counter-example where one does not hold.

    python examples/reproduce_axioms.py --flagfile=configs/reproduce_axioms.cfg
    python examples/reproduce_axioms.py --flagfile=configs/reproduce_axioms_quick.cfg
    python examples/reproduce_axioms.py --methods=deeplift,integrated_gradients

The axioms are those of Sundararajan, Taly and Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017. Each method
explains small functions of four features in float64, and each axiom is a check of its attributions. Where a check
fails, the table has a cross, and the page the function, the point and the attributions that show it. A tick is no
proof: no counter-example was among the functions that were tried.
"""

from collections.abc import Iterator
import warnings

from absl import app, flags
import numpy as np

from axioms.axioms import axioms
from axioms.claims import CLAIMS
from axioms.verdicts import DRAWN, Verdict, judge
from choices import require_known
import deepexplain_tf as dx
from deepexplain_tf.writing.table import render
from results import listed_versions, markdown_table, write

_NAMES = flags.DEFINE_list("methods", dx.list_methods(), "The methods.")
_QUICK = flags.DEFINE_bool("quick", False, "Whether only the first two cases of each axiom are tried.")
_PAGE = flags.DEFINE_string("page", None, "A Markdown file for the table and the counter-examples.")

_INTRODUCTION = """# Axioms, and counter-examples

Each method explains functions of four features (`examples/axioms/`), and each axiom of Sundararajan et al. is a check
of its attributions. A tick means that no counter-example was found among the functions that were tried, up to 0.1 % of
the largest attribution, and 5 % for methods that draw ({drawn}). Methods without a baseline are judged as if it were
zero. Of class activation maps, each value of the map counts as the attribution of its feature; of interactions, the
sum of a row. `blur_ig` adds up to the change from a blurred input, not from zeros.

```bash
python examples/reproduce_axioms.py --flagfile=configs/reproduce_axioms.cfg
```

Made with {versions}.

"""


def _counter_examples(verdicts: dict[str, Verdict]) -> Iterator[str]:
    """Yields lines about the methods for which the axiom does not hold."""
    for method, verdict in verdicts.items():
        if verdict.holds:
            continue
        several = zip(verdict.case.functions, verdict.attributions, strict=True)
        given = "; ".join(f"F = {function.text}: {_numbers(array)}" for function, array in several)
        yield f"- `{method}`, at x = {_numbers(verdict.case.x)}, x₀ = {_numbers(verdict.case.x0)}: {given}.\n"


def _numbers(array: np.ndarray) -> str:
    return f"({', '.join(f'{number:.3g}' for number in array + 0.0)})"


def _page(found: dict[str, dict[str, Verdict]]) -> str:
    """Returns the page: the table, what the paper says, and the counter-examples."""
    rows = [[f"`{name}`", *("✓" if found[axiom][name].holds else "✗" for axiom in found)] for name in _NAMES.value]
    parts = [
        _INTRODUCTION.format(versions=listed_versions(), drawn=", ".join(f"`{name}`" for name in DRAWN)),
        markdown_table(["method", *found], rows),
        "\n## What the paper says\n\n",
        markdown_table(["the paper", "found"], list(_claims(found)), left=2),
        "\n## Counter-examples\n",
    ]
    for axiom in axioms():
        parts += [f"\n### {axiom.name}\n\n{axiom.asks}\n\n", *_counter_examples(found[axiom.name])]
    return "".join(parts)


def _claims(found: dict[str, dict[str, Verdict]]) -> Iterator[tuple[str, str]]:
    """Yields the paper's statements about the methods that were tried, and whether they were found again."""
    for method, axiom, holds in CLAIMS:
        if method in found[axiom]:
            words = "holds" if holds else "does not hold"
            same = found[axiom][method].holds == holds
            yield f"{axiom} {words} for `{method}`", "the same" if same else "the contrary"


def main(argv: list[str]) -> None:
    """Prints the table, and writes the page."""
    del argv
    require_known(_NAMES, dx.list_methods())
    found = {}
    for axiom in axioms():
        with warnings.catch_warnings(action="ignore"):
            found[axiom.name] = {method: judge(method, axiom, _QUICK.value) for method in _NAMES.value}
    print(render(["method", *found], [[name, *(str(found[axiom][name]) for axiom in found)] for name in _NAMES.value]))
    for claim, words in _claims(found):
        print(f"{claim}: {words}")
    if _PAGE.value:
        write(_PAGE.value, _page(found))


if __name__ == "__main__":
    app.run(main)
