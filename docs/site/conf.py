"""The settings of Sphinx: Markdown pages of docs/, and pages of the public calls from their docstrings."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from fos_ref.version import VERSION  # noqa: E402 -- from this checkout

project = "fos-ref"
author = "the fos-ref authors"
copyright = author  # noqa: A001 -- Sphinx's name
version = release = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc", "docstrings"]
root_doc = "index"
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns: list[str] = []
nitpicky = False  # annotations name types that are no part of the public face

myst_heading_anchors = 4
highlight_language = "none"  # indented blocks are formulas, commands, tables

autodoc_typehints = "signature"
autodoc_member_order = "groupwise"
autodoc_preserve_defaults = True

html_theme = "pydata_sphinx_theme"
html_title = f"fos-ref {VERSION}"
html_sidebars = {"**": ["globaltoc.html"], "index": []}
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
#: Beside the folders of the versions lies versions.json: [{"version": "0.1.0", "url": "/0.1.0/"}, ...].
html_theme_options = {
    "switcher": {"json_url": "../versions.json", "version_match": VERSION},
    "check_switcher": False,  # it is made by build.py, after the pages
    "navbar_center": [],
    "navbar_end": ["version-switcher", "theme-switcher"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}
