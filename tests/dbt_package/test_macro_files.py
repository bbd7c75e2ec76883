"""Each file of the package: its form, and YAML that matches the macro's signature."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.dbt_package.conftest import WITHOUT_DATA
from tests.dbt_package.dbt_project import MODELS, PROJECT
from tests.helpers import REPOSITORY

MACRO_FILES = sorted((REPOSITORY / "macros").rglob("*.sql"))
SIGNATURE = re.compile(r"\{%-?\s*(macro|test)\s+(\w+)\((.*?)\)\s*-?%\}", re.DOTALL)
TYPES = {"any", "string", "integer", "float", "boolean", "dict", "relation", "list[string]", "list[dict]"}


def signatures(file: Path) -> dict[str, list[str]]:
    """The macros of a file and the names of their arguments. A generic test `x` is to dbt a macro `test_x`."""
    return {
        f"test_{name}" if kind == "test" else name: [
            argument.split("=")[0].strip() for argument in arguments.split(",") if argument.strip()
        ]
        for kind, name, arguments in SIGNATURE.findall(file.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("file", MACRO_FILES, ids=lambda file: file.stem)
def test_the_yaml_of_a_macro_matches_its_signature(file):
    described = yaml.safe_load(file.with_suffix(".yml").read_text(encoding="utf-8"))["macros"]
    assert {macro["name"]: [a["name"] for a in macro["arguments"]] for macro in described} == signatures(file)
    for macro in described:
        assert macro["description"].strip()
        for argument in macro["arguments"]:
            assert argument["description"].strip()
            assert argument["type"] in TYPES, argument


@pytest.mark.parametrize("file", MACRO_FILES, ids=lambda file: file.stem)
def test_a_macro_file_has_the_form_of_the_package(file):
    """A dispatcher named after the file, then default__, then the adapters' own."""
    name = f"test_{file.stem}" if file.parent.name == "generic_tests" else file.stem
    described = yaml.safe_load(file.with_suffix(".yml").read_text(encoding="utf-8"))["macros"]
    internal = {
        one["name"] for one in described if one.get("docs", {}).get("show") is False and "__" not in one["name"]
    }
    first, second, *others = [one for one in signatures(file) if one not in internal]
    assert (first, second) == (name, f"default__{name}")
    assert all(other.endswith(f"__{name}") for other in others)
    assert f'adapter.dispatch("{name}", "dataops")' in file.read_text(encoding="utf-8")


def test_installing_the_package_takes_macros_only(copy):
    listed = copy.succeed("ls", "--output", "name", *WITHOUT_DATA).result
    files = [*MODELS.glob("*/*.sql"), *PROJECT.glob("snapshots/*.yml")]
    names = {file.stem for file in files if file.parent.name not in {"generic_tests", "quarantine"}} | {
        "catalogue_history_renamed"
    }
    assert sorted(listed) == sorted(names)
