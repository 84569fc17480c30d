"""`retour schema` prints the JSON Schema of a value, and lists what there is."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

import retour
from retour.cli import main
from retour.cli.schema_command import public_kinds


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["schema", *arguments])


def test_the_schema_of_a_value_is_printed_as_the_library_gives_it() -> None:
    result = run("Dossier")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == retour.json_schema(retour.Dossier)


def test_definitions_go_where_a_document_has_them() -> None:
    printed = json.loads(run("Money", "--definitions", "#/components/schemas/").stdout)
    assert printed["$ref"] == "#/components/schemas/Money"


def test_without_a_name_all_that_have_one_are_listed() -> None:
    names = run().stdout.splitlines()
    assert names == sorted(public_kinds())
    assert {"Dossier", "Money", "RefundOption", "WorkReport", "ShippingOption"} <= set(names)
    assert not {"Answer", "RawWebhook", "Secret", "GoodsState", "ReturnDesk"} & set(names)


def test_a_name_that_there_is_not_is_refused_with_what_is_near() -> None:
    result = run("RefundOptions")
    assert result.exit_code == 2
    assert result.stderr.strip() == "RefundOptions is no value of retour. Did you mean RefundOption?"
    assert run("Xyz").stderr.strip() == "Xyz is no value of retour. `retour schema` lists all of them."
