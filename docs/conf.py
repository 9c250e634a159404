"""Sphinx: MyST pages whose code blocks are executed; a block that fails stops the build."""

import os

from isomorph import __version__

os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"  # of the pages' kernels: tqdm would like a widget, and says so in the page

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
nb_execution_timeout = 600  # seconds a block: a machine may be busy
nb_merge_streams = True
autodoc_typehints = "description"
suppress_warnings = ["mystnb.unknown_mime_type", "ref.python"]
default_role = "code"


def render_mathematics(app, what, name, obj, options, lines):
    r"""Docstrings write mathematics as people read it in a terminal, `$$ … $$`, `$ … $`, `\( … \)`; Sphinx wants directives and roles."""
    import re

    text = "\n".join(lines)
    text = re.sub(r"\\\((.+?)\\\)", lambda m: f":math:`{' '.join(m[1].split())}`", text, flags=re.DOTALL)
    text = re.sub(
        r"^( *)\$\$(.+?)\$\$ *$",
        lambda m: f"{m[1]}.. math:: {' '.join(m[2].split())}\n",
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    text = re.sub(
        r"(?<![\w`$\\])\$(?=[^\s$])([^$`]*?[^\s$(])\$(?![\w$])", lambda m: f":math:`{' '.join(m[1].split())}`\\ ", text, flags=re.DOTALL
    )
    text = re.sub(r"(?<![\w`])<(https?://[^>`\s]+)>(?![`_])", r"\1", text)
    text = re.sub(r"(`[^`\n]+`)(?=([a-z])?)", lambda m: m[1] + ("\\ " if m[2] else ""), text)  # `RDM`s
    lines[:] = text.split("\n")


def setup(app):
    """Register the hook before napoleon's, which sees the result."""
    app.connect("autodoc-process-docstring", render_mathematics, priority=100)
