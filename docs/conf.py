"""How the site of the documentation is made: ``make docs``. Pages are Markdown, what is public is read from docstrings.

Sphinx makes it, with MyST for the pages: ``name`` in single backticks in a docstring is a link to that name, a literal
stands in double ones. The source is the project's root, so that the pages are those that a reader of the repository
sees, READMEs included, and their links lead to the same places.
"""

from __future__ import annotations

import builtins
import inspect
import re
import sys
from typing import Any, get_type_hints

import attrs
from docutils import nodes
from myst_parser.mdit_to_docutils.base import default_slugify
from pygments.lexers.special import TextLexer
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

import retour
import retour.providers
import retour.sandbox
import retour.testing
from retour.model.fields import Between, Characters
from retour.plugins import specs

project = "retour"
author = "retour"
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "docs/**.md",
    "docs/**.rst",
    "core/README.md",
    "plugins/*/README.md",
    "benchmarks/*.md",
    "examples/*/README.md",
]
exclude_patterns = [".*", "**/.*", "**/build", "**/node_modules"]
extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

html_theme = "furo"
html_title = "retour"
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_show_copyright = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

nitpicky = True
default_role = "any"
toc_object_entries_show_parents = "hide"
maximum_signature_line_length = 100
add_module_names = False
python_use_unqualified_type_names = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "undoc-members": True}

LISTS = ("docs/index", "docs/decisions/README", "docs/reference/index")
"""Pages that list others. What they link to in a list is the contents of the site, in their order and under their
headings; a page that none of them lists is an error."""

HOMES = (retour, retour.providers, retour.sandbox, retour.testing)
"""Where public names can be imported from. The first that has a name is where it is described."""


HOOKS = {name: hook for name, hook in vars(specs).items() if hasattr(hook, "retour_spec")}
"""Hooks are described on a page of their own, under a heading each."""


def contents(_: Sphinx, page: str, source: list[str]) -> None:
    """The links in the lists of a page, as the table of contents that Sphinx wants beside them."""
    if page not in LISTS:
        return
    for part in re.split(r"^## ", source[0], flags=re.MULTILINE):
        caption, _, words = part.partition("\n")
        listed = [
            target.removesuffix(".md").removesuffix(".rst")
            for entry in re.findall(r"^[-|] (.*?)(?=^[-|] |^$|\Z)", words, re.MULTILINE | re.DOTALL)
            for target in re.findall(r"\]\(([^)#:]+\.(?:md|rst))\)", entry)
        ]
        if listed:
            title = "" if caption.startswith("# ") else f":caption: {caption}\n"
            source[0] += f"\n:::{{toctree}}\n:hidden:\n{title}\n" + "\n".join(listed) + "\n:::\n"


def described_as(name: str) -> str:
    """Where a name of ours is described: ``retour.Money`` for ``retour.model.money.Money``, or for ``Money``."""
    parts = name.removeprefix("~").split(".")
    for count in (1, 2):
        for home in HOMES:
            if len(parts) >= count and parts[-count] in home.__all__:
                return ".".join([home.__name__, *parts[-count:]])
    return ""


def public_name(_: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement) -> nodes.Node | None:
    """A link to a public name, whatever module it is written in. What is not ours is no link and no error."""
    target = str(node["reftarget"])
    if hook := HOOKS.get(target):
        title = f"{target}({', '.join(inspect.signature(hook).parameters)})"
        return make_refnode(env.app.builder, node["refdoc"], "docs/hooks", default_slugify(title), shown)
    if found := described_as(target):
        inside = found.rpartition(".")[0] if found not in env.domains.python_domain.objects else found
        domain = env.domains.python_domain
        return domain.resolve_xref(env, node["refdoc"], env.app.builder, "obj", found or inside, node, shown)
    if node.get("refdomain") == "py" or hasattr(builtins, target):
        return shown
    return None


def plain_types(_: Sphinx) -> None:
    """Fields are shown with their types alone, and what a value may be at most is said in words."""
    for kind in {getattr(home, name) for home in HOMES for name in home.__all__ if attrs.has(getattr(home, name))}:
        try:
            hints, plain = get_type_hints(kind, include_extras=True), get_type_hints(kind)
            made_by = get_type_hints(kind.__init__)
        except NameError:  # it speaks of what is imported for type checkers, or made below it
            continue
        for field, hint in hints.items():
            LIMITS[kind.__module__, kind.__name__, field] = limit_of(hint)
        kind.__annotations__ = {field: plain[field] for field in kind.__annotations__}
        kind.__init__.__annotations__ = made_by


LIMITS: dict[tuple[str, str, str], str] = {}
"""By module, class and field: what a value may be at most, in words."""


def limit_of(hint: object) -> str:
    """``Annotated[str, Characters(1, 64)]`` in words."""
    for rule in getattr(hint, "__metadata__", ()):
        if isinstance(rule, Characters):
            at_least = {0: "at most ", rule.most: ""}.get(rule.least, f"{rule.least} to ")
            size = f"{at_least}{rule.most} characters".capitalize()
            return f"{size}, none of them ``{rule.never}``." if rule.never else f"{size}."
        if isinstance(rule, Between):
            return f"{rule.least} to {rule.most}."
    return ""


def with_its_limit(_: Sphinx, what: str, name: str, *given: Any) -> None:
    """What a field holds, and what it may be at most."""
    lines = given[-1]
    if what == "attribute":
        home, kind, field = name.rsplit(".", 2)
        module = getattr(getattr(sys.modules.get(home), kind, None), "__module__", "")
        if limit := LIMITS.get((module, kind, field)):
            while lines and not lines[-1]:
                lines.pop()
            lines[-1:] = [f"{lines[-1]} {limit}" if lines else limit, ""]


def readable(*given: Any) -> tuple[str | None, str | None]:
    """A signature whose defaults are names: a function in it could not be read."""
    signature, gives = given[-2:]
    return (signature and re.sub(r"<function (\w+)[^>]*>", r"\1", signature), gives)


def names_without_their_members(_: Sphinx, env: BuildEnvironment) -> list[str]:
    """What is on a page of the reference: its names, not each of their members. Those would be nine tenths of the
    contents, which are on every page of the site."""
    for page, toc in env.tocs.items():
        if page.startswith("docs/reference/"):
            for title in toc.children:
                for names in title.children[1:]:
                    for name in names.children:
                        del name[1:]
    return []


def setup(app: Sphinx) -> None:
    """Make the contents from the lists, and the links from the names."""
    app.add_lexer("csv", TextLexer)
    app.connect("builder-inited", plain_types)
    app.connect("autodoc-process-docstring", with_its_limit)
    app.connect("autodoc-process-signature", readable)
    app.connect("source-read", contents)
    app.connect("env-updated", names_without_their_members)
    app.connect("missing-reference", public_name)
