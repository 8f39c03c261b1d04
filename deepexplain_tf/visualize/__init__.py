"""Pictures of attributions, with Pillow and NumPy alone; curves and matrices by matplotlib, an extra."""

from deepexplain_tf.visualize.grid import grid
from deepexplain_tf.visualize.heat_map import heat_map
from deepexplain_tf.visualize.interactions import interactions
from deepexplain_tf.visualize.overlay import overlay
from deepexplain_tf.visualize.png import save_png
from deepexplain_tf.visualize.window import window

__all__ = ["grid", "heat_map", "interactions", "overlay", "save_png", "window"]
