"""Sphinx: MyST pages whose code blocks are executed; a block that fails stops the build."""

from isomorph import __version__

project = "Isomorph"
author = "The Isomorph developers"
copyright = "2026, the Isomorph developers"
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build", "design/*"]
html_theme = "furo"
html_title = "Isomorph"
html_static_path = ["_static"]

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
autodoc_typehints = "description"
suppress_warnings = ["mystnb.unknown_mime_type"]
