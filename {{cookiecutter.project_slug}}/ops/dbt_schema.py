"""Checks dbt's YAML files against the JSON schemas that come with dbt: a misspelt key is found before it is ignored.

The schemas do not know that dbt takes a Jinja expression for a boolean, so those are checked as if they said `true`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

BOOLEAN_EXPRESSION = re.compile(r"""(?<=enabled: )(["'])\{\{.*\}\}\1""")


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
    with tempfile.TemporaryDirectory() as folder:
        for schema, files in by_schema.items():
            for file in files:
                copy = Path(folder, file)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(
                    BOOLEAN_EXPRESSION.sub("true", Path(file).read_text(encoding="utf-8")), encoding="utf-8"
                )
            command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), *files]
            codes.append(subprocess.run(command, check=False, cwd=folder).returncode)
    sys.exit(max(codes, default=0))


if __name__ == "__main__":
    main()
