"""Composites: which rule each type or kind of op gets."""

from collections.abc import Mapping, Sequence
import dataclasses
import fnmatch
from typing import Any

from deepexplain_tf.errors import OptionError, UnsupportedOpError, shortened
from deepexplain_tf.graph.emit import UNSUPPORTED, Op, SingleRule, TwinRule
from deepexplain_tf.graph.ir import LAYER, NEURON
from deepexplain_tf.graph.kinds import ROUTING, Kind
from deepexplain_tf.rules.base import RULES, of_user
from deepexplain_tf.rules.choice import choice
from deepexplain_tf.rules.cross_max import cross_max
from deepexplain_tf.rules.deconvnet import deconvnet
from deepexplain_tf.rules.guided import guided
from deepexplain_tf.rules.joint import joint
from deepexplain_tf.rules.midpoint import midpoint
from deepexplain_tf.rules.modified_gradient import modified_gradient
from deepexplain_tf.rules.norm import norm
from deepexplain_tf.rules.quotient import quotient
from deepexplain_tf.rules.rectifier import rectifier
from deepexplain_tf.rules.rescale import rescale
from deepexplain_tf.rules.reveal_cancel import reveal_cancel
from deepexplain_tf.rules.secant import secant
from deepexplain_tf.rules.softmax import cross_entropy, log_softmax, softmax
from deepexplain_tf.rules.solve import solve
from deepexplain_tf.rules.squared_difference import squared_difference
from deepexplain_tf.rules.stop_gradient import stop_gradient


@dataclasses.dataclass(frozen=True)
class Composite:
    """A map from op types and kinds to rules, with its assumptions about the program.

    A composite reaches a call as the `composite` of a method, a single rule by `overrides={op type or kind: rule}`.

    Attributes:
      rules: op type or kind → rule; the op type takes precedence.
      overrides: the user's single-valued rules, which take precedence over all others.
      selected: (selector, rule) pairs, which take precedence over `rules`; the first that selects an op counts. See
        `selects`.
      required: whether each selector must select an op.
      twin: whether `rules` are twin-valued.
      canonical: whether custom gradients are ignored and each canonical group counts as one function.
      layered: whether layers (`graph.passes.layers`) and canonical groups count as one op each.
      neurons: the kinds of neurons (`graph.passes.neurons`) that count as one op each, beside canonical groups.
      complete: whether an op that is neither linear nor covered by a rule is refused; else it keeps its
        ordinary gradient.
    """

    rules: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    overrides: Mapping[str, SingleRule] = dataclasses.field(default_factory=dict)
    selected: tuple[tuple[str, Any], ...] = ()
    required: bool = False
    twin: bool = False
    canonical: bool = False
    layered: bool = False
    neurons: tuple[Kind, ...] = ()
    complete: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the composite replaces no gradient."""
        return not (self.rules or self.overrides or self.canonical)

    def verdict(self, op: Op) -> str:
        """Returns the verdict on an active op, one of `VERDICTS`; see `Coverage`."""
        if op.type in UNSUPPORTED:
            return "refused"
        if _find(self.overrides, op) is not None:
            return "exact"
        rule = self.rule(op)
        if rule is not None:
            return "convention" if rule in _CONVENTIONS else "exact"
        if not op.has_gradient:
            return "refused"
        if op.kind is Kind.LINEAR:
            return "linear"
        return "refused" if self.complete else "gradient"

    def check(self, ops: Sequence[Op]) -> None:
        """Checks that the selectors fit the active ops of a program.

        Raises:
          OptionError: a selector that must select an op selects none, or selects one that its rule cannot take.
        """
        for selector, rule in self.selected:
            chosen = [op for op in ops if selects(selector, op)]
            wrong = [op for op in chosen if op.type != LAYER and getattr(rule, "layers_only", False)]
            if wrong:
                came = f"{wrong[0].type} at {wrong[0].name!r}, which {selector!r} selects"
                raise OptionError(f"{rule.text} is a rule for layers, which have a kernel. Got {came}.")
            if self.required and not chosen:
                names = sorted({op.node.attrs["path"] for op in ops if op.type == LAYER})
                shown = shortened(", ".join(names) or "none")
                raise OptionError(
                    f"a selector must select an op. Got {selector!r}, which selects none; layers: {shown}."
                )

    def rule(self, op: Op) -> Any:
        """Returns the composite's own rule for an op, None for its ordinary gradient."""
        for selector, rule in self.selected:
            if selects(selector, op):
                return rule
        return _find(self.rules, op)

    def text(self, op: Op) -> str:
        """Returns the rule of an op in words, with its parameters, where methods offer several; else `""`."""
        rule = None if _find(self.overrides, op) is not None else self.rule(op)
        return getattr(rule, "text", "") or (_NAMES.get(rule, "") if self.neurons else "")

    def single_rule(self, op: Op) -> SingleRule | None:
        """Returns the single-valued rule for an op, None for its ordinary gradient."""
        rule = _find(self.overrides, op)
        return self.rule(op) if rule is None else of_user(rule)

    def twin_rule(self, op: Op) -> TwinRule | None:
        """Returns the twin-valued rule for an op, None for its ordinary gradient."""
        rule = _find(self.overrides, op)
        return self.rule(op) if rule is None else _at_both(of_user(rule))


def selects(selector: str, op: Op) -> bool:
    """Whether a selector is an op's kind or type; or `"first"`, `"last"`, an op type or a name's glob of a layer.

    A kind does not stand for ops that only move numbers, some of which move lists of tensors.
    """
    if selector == op.type or (selector == op.kind and op.type not in ROUTING):
        return True
    if op.type != LAYER:
        return False
    if selector in ("first", "last"):
        return bool(op.node.attrs[selector])
    path = op.node.attrs["path"]
    names = (op.node.attrs["product"], path, *path.split("/"))
    return any(fnmatch.fnmatchcase(name, selector) for name in names)


def _find(rules: Mapping[str, Any], op: Op) -> Any:
    return rules.get(op.type, rules.get(op.kind))


def _at_both(rule: SingleRule) -> TwinRule:
    """Makes a user's single-valued rule twin-valued: at the baseline, the op is emitted without it."""
    return lambda op, x, baseline: (rule(op, x), op.outputs(baseline))


def _why_none(op: Op) -> str:
    """Returns why an op has no gradient; in the op's own words, such as a custom gradient's error, if it has any."""
    said = op.node.attrs["message"].s.decode(errors="replace") if op.type == "PreventGradient" else ""
    said = said if len(said) <= 200 else f"{said[:80]} … {said[-117:]}"
    return f"which TensorFlow cannot differentiate{said and f' ({said})'}"


def refusal_error(op: Op) -> UnsupportedOpError:
    """Returns the error for an op that no rule covers."""
    if not op.has_gradient:
        return UnsupportedOpError(
            "every op between the explained tensor and the target must have a gradient. Got "
            f"{op.type} at node {op.name!r}, {_why_none(op)}: the model runs forward only. occlusion and "
            "shapley_sampling need no gradient; or give the op a rule by overrides=."
        )
    why = {
        Kind.DISCRETE: "an index or condition in it depends on the explained tensor",
        Kind.UNKNOWN: "it is not in the table of deepexplain_tf/graph/kinds.py",
    }.get(op.kind, f"its kind, {op.kind.value!r}, has no rule in deepexplain_tf/rules/composites.py")
    return UnsupportedOpError(
        f"every op between the explained tensor and the target must have a rule. Got {op.type} at node "
        f"{op.name!r}: {why}. Give it a rule by overrides=, or let it pass by plain gradient with strict=False."
    )


GRADIENT = Composite()
_CONVENTIONS = (choice, joint, secant)  # rules whose split between an op's inputs no theorem singles out
DEEPLIFT = Composite(
    {
        **dict.fromkeys(("Relu", "Relu6"), rectifier),
        Kind.ACTIVATION: rescale,
        Kind.FUNCTION: rescale,
        Kind.PRODUCT: midpoint,
        Kind.QUOTIENT: quotient,
        Kind.SQUARED_DIFFERENCE: squared_difference,
        Kind.SOFTMAX: softmax,
        Kind.LOG_SOFTMAX: log_softmax,
        Kind.CROSS_ENTROPY: cross_entropy,
        Kind.MAXIMUM: cross_max,
        Kind.MINIMUM: cross_max,
        Kind.STOP_GRADIENT: stop_gradient,
        Kind.SECANT: secant,
        Kind.JOINT: joint,
        Kind.CHOICE: choice,
        Kind.NORM: norm,
        Kind.SOLVE: solve,
    },
    twin=True,
    canonical=True,
    complete=True,
)
_NAMES: Mapping[Any, str] = {**{RULES[name]: name for name in RULES}, rectifier: "rescale"}
_REVEAL_CANCEL = dataclasses.replace(DEEPLIFT, rules={**DEEPLIFT.rules, NEURON: reveal_cancel})
# DeepLIFT's composites by the name of the rule at activations.
DEEPLIFT_RULES = {
    "rescale": DEEPLIFT,
    "reveal_cancel": dataclasses.replace(_REVEAL_CANCEL, neurons=(Kind.CONVOLUTION, Kind.DENSE, Kind.LINEAR)),
    "genomics": dataclasses.replace(_REVEAL_CANCEL, neurons=(Kind.DENSE,)),
}
GUIDED = Composite(dict.fromkeys(("Relu", "Relu6"), guided))
DECONVNET = Composite(dict.fromkeys(("Relu", "Relu6"), deconvnet))


def epsilon_lrp(stabilizer: float) -> Composite:
    """Returns ε-LRP's composite: a rule for activations and canonical groups; other ops keep their gradient."""
    return Composite({Kind.ACTIVATION: modified_gradient(stabilizer)}, canonical=True)
