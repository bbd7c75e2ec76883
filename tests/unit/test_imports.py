"""The import-linter contracts of pyproject.toml: each is broken by an import that it forbids."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.helpers import REPOSITORY, Done, run

PLANTED = {
    "Services do not import the command line": ("docs.py", "from dataops import cli"),
    "Dependencies point down": ("project.py", "from dataops import warehouse"),
    "Only dataops.dbt imports dbt": ("quarantine.py", "from dbt.cli.main import dbtRunner"),
    "DuckDB is imported in few places": ("release/store.py", "import duckdb"),
    "Crosscheck knows nothing of releases": ("crosscheck/verdicts.py", "from dataops.release import lock"),
}


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
    """So the list of exceptions can only shrink."""
    copy_of_package(tmp_path)
    path = tmp_path / "dataops/ci/prod.py"
    path.write_text(path.read_text(encoding="utf-8").replace("import duckdb\n", ""), encoding="utf-8")
    done = lint(tmp_path)
    assert done.code == 1, done
    assert "No matches for ignored import dataops.ci.prod -> duckdb" in done.output
