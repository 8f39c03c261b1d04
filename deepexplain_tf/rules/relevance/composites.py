"""Composites for relevance: named lists of (selector, rule), and those that a user makes."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepexplain_tf.errors import OptionError, UnknownNameError, closest, shortened
from deepexplain_tf.graph.kinds import ROUTING, Kind
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.relevance.alpha_beta import alpha_beta, z_plus
from deepexplain_tf.rules.relevance.base import RelevanceRule
from deepexplain_tf.rules.relevance.epsilon import epsilon
from deepexplain_tf.rules.relevance.flat import flat
from deepexplain_tf.rules.relevance.gamma import gamma
from deepexplain_tf.rules.relevance.pass_through import pass_through
from deepexplain_tf.rules.relevance.product import ATTENTION, SCALES, half, numerator, signal_take_all
from deepexplain_tf.rules.relevance.proportion import proportion
from deepexplain_tf.rules.relevance.softmax import softmax_taylor
from deepexplain_tf.rules.relevance.w_square import w_square
from deepexplain_tf.rules.relevance.winner import winner
from deepexplain_tf.rules.relevance.z_box import z_box

Selected = tuple[tuple[str, RelevanceRule], ...]

_UNSELECTED: Mapping[str, Any] = {
    **dict.fromkeys(ROUTING),  # the gradient hands relevance back to where it came from
    "Neg": pass_through(),
    Kind.LINEAR: proportion(),
    Kind.CONVOLUTION: epsilon(),
    Kind.DENSE: epsilon(),
    **dict.fromkeys((Kind.ACTIVATION, Kind.FUNCTION, Kind.STOP_GRADIENT), pass_through()),
    **dict.fromkeys((Kind.MAXIMUM, Kind.MINIMUM), winner()),
    **dict.fromkeys((Kind.PRODUCT, Kind.SQUARED_DIFFERENCE), signal_take_all()),
    Kind.QUOTIENT: numerator(),
    **dict.fromkeys((Kind.SOFTMAX, Kind.LOG_SOFTMAX, Kind.CROSS_ENTROPY), proportion()),
    **dict.fromkeys((Kind.SECANT, Kind.JOINT, Kind.NORM, Kind.SOLVE), proportion()),
}
_CONVOLUTION, _DENSE = Kind.CONVOLUTION.value, Kind.DENSE.value
_ATTENTION: Selected = ((_CONVOLUTION, gamma(0.25)), (_DENSE, epsilon()))
NAMED: Mapping[str, Selected] = {
    "epsilon": ((_CONVOLUTION, epsilon()), (_DENSE, epsilon())),
    "epsilon_plus": ((_CONVOLUTION, z_plus()), (_DENSE, epsilon())),
    "epsilon_plus_flat": (("first", flat()), (_CONVOLUTION, z_plus()), (_DENSE, epsilon())),
    "epsilon_gamma_box": (("first", z_box()), (_CONVOLUTION, gamma(0.25)), (_DENSE, epsilon())),
    "epsilon_alpha2_beta1": ((_CONVOLUTION, alpha_beta(2, 1)), (_DENSE, epsilon())),
    "epsilon_alpha2_beta1_flat": (("first", flat()), (_CONVOLUTION, alpha_beta(2, 1)), (_DENSE, epsilon())),
    "deep_taylor": (("first", w_square()), (_CONVOLUTION, z_plus()), (_DENSE, z_plus())),
    "excitation_backprop": ((_CONVOLUTION, z_plus(bias=False)), (_DENSE, z_plus(bias=False))),
    "attn_lrp": (
        (Kind.SOFTMAX.value, softmax_taylor()),
        (Kind.PRODUCT.value, half(but=SCALES)),
        *_ATTENTION,
    ),
    "cp_lrp": ((Kind.PRODUCT.value, half(but=(*SCALES, *ATTENTION))), *_ATTENTION),
}
# Those whose relevance, on some networks, hardly depends on what the last layers have learned: shares of the positive
# contributions alone, or mostly, lead to one map, whatever relevance arrives from above. See `Method.insensitive`.
INSENSITIVE = (
    "epsilon_plus",
    "epsilon_plus_flat",
    "epsilon_gamma_box",
    "epsilon_alpha2_beta1",
    "epsilon_alpha2_beta1_flat",
    "deep_taylor",
    "excitation_backprop",
    "attn_lrp",
    "cp_lrp",
)


def read_composite(given: Any) -> Selected:
    """Returns the (selector, rule) pairs of a composite, given by its name or as such pairs.

    Raises:
      UnknownNameError: a name of no composite.
      OptionError: pairs that are no pairs of a selector and a rule.
    """
    if isinstance(given, str):
        if given not in NAMED:
            raise UnknownNameError(f"unknown composite {shortened(given)}; {closest(given, NAMED)}.")
        return NAMED[given]
    needed = "composite must be a name or a list of (selector, rule), with rules such as dx.rules.gamma(0.25)"
    if not isinstance(given, Sequence) or not given:
        raise OptionError(f"{needed}. Got {shortened(given)}.")
    for pair in given:
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise OptionError(f"{needed}. Got {shortened(pair)}.")
        if not isinstance(pair[1], RelevanceRule):
            raise OptionError(f"{needed}. Got {shortened(pair[1])} for {pair[0]!r}.")
    return tuple((selector, rule) for selector, rule in given)


def relevance(selected: Selected, *, required: bool) -> Composite:
    """Returns the composite in which the first selector that selects an op gives its rule.

    Others have these: ε at layers; sums, means and scales in proportion; activations and other functions pass relevance
    on; the winner of a maximum takes all, and so does the signal of a product.

    Args:
      selected: (selector, rule) pairs.
      required: whether each selector must select an op.
    """
    return Composite(_UNSELECTED, selected=selected, required=required, canonical=True, layered=True)
