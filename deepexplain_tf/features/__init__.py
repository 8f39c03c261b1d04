"""Features of an input: groups of elements, as every method and metric with `groups=` takes them, and regions."""

from deepexplain_tf.features.regions import regions
from deepexplain_tf.features.segments import segments

__all__ = ["regions", "segments"]
