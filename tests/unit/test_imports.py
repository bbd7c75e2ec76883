"""The import-linter contracts of pyproject.toml: each is broken by an import that it forbids."""

from __future__ import annotations

import ast
import shutil
import sys
from pathlib import Path

from tests.helpers import REPOSITORY, Done, run

PLANTED = {
    "Services do not import the command line": ("docs.py", "from dataops import cli"),
    "Dependencies point down": ("project.py", "from dataops import engines"),
    "Only dataops.dbt imports dbt": ("quarantine.py", "from dbt.cli.main import dbtRunner"),
    "Only dataops.engines.duckdb imports duckdb": ("versions/lock.py", "import duckdb"),
    "Nothing but the registry names an engine": ("release/audit.py", "from dataops.engines.duckdb import files"),
    "Crosscheck knows nothing of releases and CI": ("crosscheck/verdicts.py", "from dataops.release import audit"),
}
READS_VARIABLES, SETS_VARIABLES = "project.py", "dbt.py"


def lint(folder: Path) -> Done:
    """Runs the contracts on the package that lies in a folder."""
    return run(Path(sys.executable).with_name("lint-imports"), "--no-cache", cwd=folder)


def copy_of_package(folder: Path) -> Path:
    shutil.copytree(REPOSITORY / "src/dataops", folder / "dataops", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


def test_each_contract_is_broken_by_a_planted_import(tmp_path):
    copy_of_package(tmp_path)
    done = lint(tmp_path)
    assert done.code == 0, done
    for file, line in PLANTED.values():
        path = tmp_path / "dataops" / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = lint(tmp_path)
    assert done.code == 1, done
    results = [line for line in done.output.splitlines() if line.endswith("BROKEN") or " BROKEN (" in line]
    for contract in PLANTED:
        assert any(line.startswith(contract) for line in results), f"{contract} holds: {done}"


def test_an_exception_that_nothing_needs_is_refused(tmp_path):
    copy_of_package(tmp_path)
    path = tmp_path / "dataops/monitoring/stats.py"
    line = "from dataops.lint.governance import TESTED_KEY, has_tested_key, rules_of\n"
    path.write_text(path.read_text(encoding="utf-8").replace(line, ""), encoding="utf-8")
    done = lint(tmp_path)
    assert done.code == 1, done
    line = "No matches for ignored import dataops.monitoring.stats -> dataops.lint.governance"
    assert line in " ".join(done.output.split())


def uses_of_variables(folder: Path) -> dict[str, set[str]]:
    """The names of `os` with which each module of a folder reads or sets environment variables."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    uses: dict[str, set[str]] = {}
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            found = set()
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                found = names & {node.attr}
            elif isinstance(node, ast.ImportFrom) and node.module == "os":
                found = names & {name.name for name in node.names}
            if found:
                uses.setdefault(file.relative_to(folder).as_posix(), set()).update(found)
    return uses


def test_environment_variables_are_read_in_one_module_and_set_in_one(tmp_path):
    package = copy_of_package(tmp_path) / "dataops"
    assert uses_of_variables(package) == {READS_VARIABLES: {"environ"}, SETS_VARIABLES: {"environ"}}
    (package / "docs.py").write_text("from os import getenv\nimport os\nos.environ['A'] = 'b'\n")
    assert uses_of_variables(package)["docs.py"] == {"environ", "getenv"}
