"""Rules, by which one op passes attribution on, and composites, which say which op gets which rule."""

from deepexplain_tf.rules.base import RULES, Point, ordinary_gradient, single, twin
from deepexplain_tf.rules.composites import Composite
from deepexplain_tf.rules.coverage import Coverage
from deepexplain_tf.rules.relevance.absolute import absolute
from deepexplain_tf.rules.relevance.alpha_beta import alpha_beta, z_plus
from deepexplain_tf.rules.relevance.base import Layer, of_layers, shares
from deepexplain_tf.rules.relevance.epsilon import epsilon
from deepexplain_tf.rules.relevance.flat import flat
from deepexplain_tf.rules.relevance.gamma import gamma
from deepexplain_tf.rules.relevance.pass_through import pass_through
from deepexplain_tf.rules.relevance.product import half, numerator, signal_take_all
from deepexplain_tf.rules.relevance.proportion import proportion
from deepexplain_tf.rules.relevance.softmax import softmax_taylor
from deepexplain_tf.rules.relevance.w_square import w_square
from deepexplain_tf.rules.relevance.winner import winner
from deepexplain_tf.rules.relevance.z_box import z_box

__all__ = [
    "Composite",
    "Coverage",
    "Layer",
    "Point",
    "absolute",
    "alpha_beta",
    "epsilon",
    "flat",
    "gamma",
    "half",
    "list_rules",
    "numerator",
    "of_layers",
    "ordinary_gradient",
    "pass_through",
    "proportion",
    "shares",
    "signal_take_all",
    "single",
    "softmax_taylor",
    "twin",
    "w_square",
    "winner",
    "z_box",
    "z_plus",
]


def list_rules() -> list[str]:
    """Returns the names of all rules, sorted."""
    return list(RULES)
