"""The documentation: Markdown pages, and pages that are made of the docstrings of methods and metrics.

Built by `python -m sphinx -W --keep-going -c docs . FOLDER`, with the packages of `pip install -e '.[docs]'`; the first
page is then `FOLDER/docs/index.html`. The pages need no network: formulas are MathML, the theme has its own files, and
the pictures of the tutorials, notebooks without outputs that the build runs, are files too.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "extensions"))

project = "deepexplain_tf"
copyright = "the authors of deepexplain_tf"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "described", "findings", "mathml"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/tutorials/*.ipynb", "examples/**.md", "ARCHITECTURE.md", "CHANGELOG.md"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

# A cell that fails fails the build. TensorFlow logs to stderr; scripts of widgets would come from elsewhere.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_output_stderr = "remove"
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

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

# `-b linkcheck` asks whether the pages of others are still there.
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_workers = 4
linkcheck_anchors = False
