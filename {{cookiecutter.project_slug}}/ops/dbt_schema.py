"""Checks dbt's YAML files against the JSON schemas that come with dbt: a misspelt key is found before it is ignored."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


def schema_for(file: str) -> Path:
    """The schema that dbt-core ships for a file: one for dbt_project.yml, one for all other property files."""
    package = Path(find_spec("dbt.jsonschemas").submodule_search_locations[0])
    if Path(file).name == "dbt_project.yml":
        return max((package / "project").glob("*.json"), key=lambda path: [int(part) for part in path.stem.split(".")])
    return package / "resources" / "latest.json"


def main() -> None:
    """Arguments: the files to check."""
    by_schema: dict[Path, list[str]] = {}
    for file in sys.argv[1:]:
        by_schema.setdefault(schema_for(file), []).append(file)
    codes = []
    for schema, files in by_schema.items():
        command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), *files]
        codes.append(subprocess.run(command, check=False).returncode)
    sys.exit(max(codes, default=0))


if __name__ == "__main__":
    main()
