"""The documentation: Markdown pages, and pages that are made of the docstrings of methods and metrics.

Built by `python -m sphinx -W --keep-going -c docs . FOLDER`, with the packages of `pip install -e '.[docs]'`; the first
page is then `FOLDER/docs/index.html`. The pages need no network: formulas are MathML, and the theme has its own files.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "extensions"))

project = "deepexplain_tf"
copyright = "the authors of deepexplain_tf"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "described", "findings", "mathml"]
source_suffix = {".md": "markdown"}
root_doc = "docs/index"
include_patterns = ["docs/*.md", "examples/**.md", "ARCHITECTURE.md", "CHANGELOG.md"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "deepexplain_tf"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_css_files = ["tables.css"]
html_static_path = ["static"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
default_role = "code"  # single backticks in docstrings, as in Markdown
