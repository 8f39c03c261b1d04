"""Features of an input: whole numbers shaped like one example, as every method and metric with `groups=` takes them."""

from deepexplain_tf.features.segments import segments

__all__ = ["segments"]
