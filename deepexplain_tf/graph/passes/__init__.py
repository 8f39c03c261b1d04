"""Passes: each takes a program and returns one with the same values."""

from deepexplain_tf.graph.passes.cut import cut
from deepexplain_tf.graph.passes.groups import form_groups
from deepexplain_tf.graph.passes.see_through import see_through
from deepexplain_tf.graph.passes.strip import strip_probability

__all__ = ["cut", "form_groups", "see_through", "strip_probability"]
