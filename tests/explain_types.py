"""What type checkers know of options: mypy reads this file, and tells of what it no longer refuses."""

from typing import Any, assert_type

import deepexplain_tf as dx
from deepexplain_tf.rules import Coverage


def known(de: dx.DeepExplain, x: Any, name: str, several: dict[str, Any]) -> None:
    assert_type(de.explain("deeplift", x, rule="reveal_cancel", target=1), dx.Explanation)
    assert_type(de.coverage("deeplift", rule="genomics"), Coverage)
    de.explain("integrated_gradients", x, n_steps=8, tolerance=None, path=lambda alpha, x, baseline: x)
    de.explain(name, x, **several)  # a name that only a run tells
    de.audit("deeplift", x, rule="rescale", target=1)


def refused(de: dx.DeepExplain, x: Any) -> None:
    de.explain("deeplift", x, rul="reveal_cancel")  # type: ignore[call-arg]
    de.explain("deeplift", x, rule=3)  # type: ignore[arg-type]
    de.explain("integrated_gradients", x, n_step=8)  # type: ignore[call-arg]
    de.explain("integrated_gradients", x, n_steps="8")  # type: ignore[arg-type]
    de.coverage("deeplift", hypothetic=True)  # type: ignore[call-arg]
    de.audit("deeplift", x, rules="rescale")  # type: ignore[call-arg]
