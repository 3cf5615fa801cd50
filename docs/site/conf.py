# SPDX-License-Identifier: MIT
# Sphinx reads the pages that stage.py has put together: see scripts/docs.
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(os.environ["CROCHET_ROOT"])
sys.path.insert(0, str(ROOT / "docs" / "site"))

project = "crochet"
copyright = "the crochet authors, MIT licence"
header = (ROOT / "include" / "crochet.h").read_text()
release = version = ".".join(re.search(rf"CROCHET_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))

extensions = ["myst_parser", "breathe", "sphinx_copybutton", "inline_svg"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # sections below a title may start at any level
highlight_language = "text"
copybutton_prompt_text = "$ "
smartquotes = False

breathe_projects = {"crochet": os.environ["CROCHET_XML"]}
breathe_default_project = "crochet"
breathe_domain_by_extension = {"h": "c", "hpp": "cpp"}
breathe_show_include = False
breathe_show_define_initializer = True
cpp_id_attributes = c_id_attributes = ["CROCHET_API"]

# Every link within the pages must resolve. Names of the system's, of libuv's and of the standard library's have no page here.
nitpicky = True
nitpick_ignore_regex = [
    (r"c:identifier", r"u?int\d+_t|size_t|uv_loop_s|FILE"),
    (r"cpp:identifier", r"std.*|u?int\d+_t|size_t|uv_loop_s|spdlog.*|[A-Z]\w?|detail.*|crochet_.*|CROCHET_.*|[A-Z][a-z]+"),
    (r"cpp:identifier", r"runs<.*|Place.*|crochet"),
]

html_theme = "furo"
html_title = f"crochet {release}"
html_static_path = [str(ROOT / "docs" / "site" / "static")]
html_css_files = ["crochet.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#9c2f5c", "color-brand-content": "#9c2f5c"},
    "dark_css_variables": {"color-brand-primary": "#f09ac0", "color-brand-content": "#f09ac0"},
}
