"""Passes: they rewrite, split or search a program and never change its values."""

from deepexplain_tf.graph.passes.affine_prefix import AffinePrefix, affine_prefix
from deepexplain_tf.graph.passes.choices import choices
from deepexplain_tf.graph.passes.conditions import number_conditions
from deepexplain_tf.graph.passes.cut import cut
from deepexplain_tf.graph.passes.fold import fold
from deepexplain_tf.graph.passes.freeze import freeze, precompute
from deepexplain_tf.graph.passes.groups import form_groups
from deepexplain_tf.graph.passes.invariants import hoistable, invariants
from deepexplain_tf.graph.passes.layers import form_layers
from deepexplain_tf.graph.passes.moments import open_moments
from deepexplain_tf.graph.passes.neurons import form_neurons
from deepexplain_tf.graph.passes.see_through import see_through
from deepexplain_tf.graph.passes.select_first import Selected, select_first
from deepexplain_tf.graph.passes.strip import find_probability, strip_probability

__all__ = [
    "AffinePrefix",
    "Selected",
    "affine_prefix",
    "choices",
    "cut",
    "find_probability",
    "fold",
    "form_groups",
    "form_layers",
    "form_neurons",
    "freeze",
    "hoistable",
    "invariants",
    "number_conditions",
    "open_moments",
    "precompute",
    "see_through",
    "select_first",
    "strip_probability",
]
