"""Pictures of attributions: heat maps and words with Pillow and NumPy alone; what has axes by matplotlib, an extra."""

from deepexplain_tf.visualize.bars import bars, bars_html
from deepexplain_tf.visualize.beeswarm import beeswarm
from deepexplain_tf.visualize.contour import contour
from deepexplain_tf.visualize.grid import grid
from deepexplain_tf.visualize.heat_map import heat_map
from deepexplain_tf.visualize.interactions import interactions
from deepexplain_tf.visualize.letters import letters
from deepexplain_tf.visualize.overlay import overlay
from deepexplain_tf.visualize.panels import panels
from deepexplain_tf.visualize.png import save_png
from deepexplain_tf.visualize.series import series
from deepexplain_tf.visualize.summary import summary
from deepexplain_tf.visualize.window import window
from deepexplain_tf.visualize.words import words, words_html, words_text

__all__ = [
    "bars",
    "bars_html",
    "beeswarm",
    "contour",
    "grid",
    "heat_map",
    "interactions",
    "letters",
    "overlay",
    "panels",
    "save_png",
    "series",
    "summary",
    "window",
    "words",
    "words_html",
    "words_text",
]
