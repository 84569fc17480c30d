"""`retour schema`: the JSON Schema of a value, for who writes screens or another service in another language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches

import click

from retour.cli.words import text
from retour.model.errors import InvalidArgument


@click.command(name="schema")
@click.argument("name", required=False, default="")
@click.option(
    "--definitions",
    default="#/$defs/",
    show_default=True,
    help="Where the definitions are referred to: #/components/schemas/ in a document of OpenAPI.",
)
def command(name: str, definitions: str) -> None:
    """Print the JSON Schema (draft 2020-12) of what retour.to_dict makes of a value.

    NAME is the name of its class, as in Dossier. Without one the names of all that have a schema are listed.
    """
    from retour.plain.conversion import json_schema

    kinds = public_kinds()
    if not name:
        click.echo("\n".join(sorted(kinds)))
        return
    if name not in kinds:
        near = get_close_matches(name, kinds, n=1, cutoff=0.5)
        raise InvalidArgument(
            text("{name} is no value of retour. Did you mean {near}?", name=name, near=near[0])
            if near
            else text("{name} is no value of retour. `retour schema` lists all of them.", name=name)
        )
    click.echo(json.dumps(json_schema(kinds[name], definitions=definitions), indent=2, ensure_ascii=False))


def public_kinds() -> Mapping[str, type]:
    """Every public class whose values have a form in JSON, by its name."""
    import attrs

    import retour
    import retour.providers
    from retour.plain.conversion import has_a_form

    public = {name: getattr(home, name) for home in (retour, retour.providers) for name in home.__all__}
    kinds = {name: kind for name, kind in public.items() if isinstance(kind, type) and attrs.has(kind)}
    return {name: kind for name, kind in kinds.items() if has_a_form(kind)}
