"""Checks dbt's YAML files against the JSON schemas that come with dbt: a misspelt key is found before it is ignored.

The schemas do not know that dbt takes a Jinja expression for a boolean, so those are checked as if they said `true`. Nor do
they know what a version of a model may say, which is added to them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import click

BOOLEAN_EXPRESSION = re.compile(r"""(?<=enabled: )(["'])\{\{.*\}\}\1""")


def schema_for(file: str) -> Path:
    """The schema that dbt-core ships for a file: one for dbt_project.yml, one for all other property files."""
    package = Path(find_spec("dbt.jsonschemas").submodule_search_locations[0])
    if Path(file).name == "dbt_project.yml":
        return max((package / "project").glob("*.json"), key=lambda path: [int(part) for part in path.stem.split(".")])
    return package / "resources" / "latest.json"


def completed(schema: dict) -> dict:
    """A schema in which a version of a model may have the keys that dbt knows. dbt's own allows objects only, like `config`."""
    definitions = schema["definitions"]
    if "Versions" in definitions:
        of_model = definitions["ModelProperties"]["properties"]
        selection = {
            "type": "object",
            "properties": {"include": {}, "exclude": {"type": "array"}},
            "required": ["include"],
            "additionalProperties": False,
        }
        same = ("config", "constraints", "data_tests", "deprecation_date", "description", "tests")
        definitions["Versions"]["properties"] = {
            "v": {},
            "defined_in": {"type": "string"},
            "columns": {"type": "array", "items": {"anyOf": [selection, {"$ref": "#/definitions/ColumnProperties"}]}},
            **{name: of_model[name] for name in same},
        }
        definitions["Versions"]["additionalProperties"] = False
    return schema


@click.command()
@click.argument("files", nargs=-1)
def main(files: tuple[str, ...]) -> None:
    """Check dbt's YAML files against the JSON schemas that come with dbt."""
    by_schema: dict[Path, list[str]] = {}
    for file in files:
        by_schema.setdefault(schema_for(file), []).append(file)
    codes = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (schema, checked) in enumerate(by_schema.items()):
            schema_file = Path(folder, f"{number}.json")
            schema_file.write_text(
                json.dumps(completed(json.loads(schema.read_text(encoding="utf-8")))), encoding="utf-8"
            )
            for file in checked:
                copy = Path(folder, file)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(
                    BOOLEAN_EXPRESSION.sub("true", Path(file).read_text(encoding="utf-8")), encoding="utf-8"
                )
            command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema_file), *checked]
            codes.append(subprocess.run(command, check=False, cwd=folder).returncode)
    sys.exit(max(codes, default=0))
