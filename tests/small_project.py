"""A project of a few tiny models, of which a release takes seconds, and how the tests look at its versions."""

from __future__ import annotations

import json
import os
from pathlib import Path

import duckdb

from tests.helpers import Done, clean_environment, git_init, make_project, run, succeed

FILES = {
    "seeds/edition.csv": "number\n1\n",
    "models/staging/first.sql": "{{ config(materialized='table') }}\n\nselect number from {{ ref('edition') }}\n",
    "models/staging/second.sql": (
        "{{ config(materialized='table') }}\n\nselect number, repeat('x', 100000) as filling from {{ ref('first') }}\n"
    ),
    "models/staging/shown.sql": "{{ config(materialized='view') }}\n\nselect number from {{ ref('second') }}\n",
    # One row more in each release: it starts from what prod has.
    "models/staging/counted.sql": (
        "{{ config(materialized='incremental') }}\n\nselect '{{ invocation_id }}' as invocation_id, number from {{ ref('first') }}\n"
    ),
    "models/staging/small.yml": """version: 2

models:
  - name: first
    description: The number of the edition. One row.
    columns:
      - name: number
        description: The number.
        data_tests: [unique, not_null]
""",
}
TABLES = ("first", "second", "shown")


def make_small_project(folder: Path, tools: Path) -> Path:
    """A generated project with these models, committed.

    Args:
        folder: an empty folder for it.
        tools: another project's .venv, which it shares: making one takes long.
    """
    project = make_project(folder, project_name="Small", example="no", ci="none", monitoring="none")
    for name, content in FILES.items():
        (project / name).write_text(content, encoding="utf-8")
    (project / ".venv").symlink_to(tools)
    git_init(project)
    succeed(".venv/bin/dataops", "setup", cwd=project)
    succeed("git", "add", "--all", cwd=project)
    succeed("git", "commit", "--quiet", "--no-verify", "-m", "feat: start the project", cwd=project)
    return project


def set_edition(project: Path, number: int | str, message: str | None = None) -> None:
    """Gives all models another number, and commits it."""
    (project / "seeds/edition.csv").write_text(f"number\n{number}\n", encoding="utf-8")
    commit(project, message or f"feat: edition {number}")


def commit(project: Path, message: str) -> str:
    """Commits everything, even where nothing changed, and returns the hash."""
    succeed("git", "add", "--all", cwd=project)
    succeed("git", "commit", "--quiet", "--no-verify", "--allow-empty", "-m", message, cwd=project)
    return head(project)


def head(project: Path) -> str:
    """The hash of the last commit."""
    return succeed("git", "rev-parse", "HEAD", cwd=project).output.strip()


def make_release(project: Path, *options: str, code: int = 0, **environment: str) -> Done:
    """Runs a release as the task does, with the exit code that is expected."""
    return dataops(project, "release", *options, code=code, **environment)


def dataops(project: Path, task: str, *options: str, code: int = 0, **environment: str) -> Done:
    """Runs a task of the project, with the exit code that is expected."""
    command = (".venv/bin/dataops", task, *options)
    done = run(*command, cwd=project, environment=clean_environment(**environment))
    assert done.code == code, done
    assert "Traceback" not in done.output, done
    return done


def edition(project: Path) -> int:
    """The number that a reader of prod finds in every model."""
    with duckdb.connect(str(project / "warehouse/prod/current/prod.duckdb"), read_only=True) as prod:
        return edition_in(prod)


def edition_in(connection: duckdb.DuckDBPyConnection) -> int:
    """The number in every model of a connection."""
    numbers = {connection.execute(f"select number from staging.{table}").fetchone()[0] for table in TABLES}
    assert len(numbers) == 1, f"a mixed version: {numbers}"
    return numbers.pop()


def current(project: Path) -> str:
    """The name of the version that is prod."""
    return os.path.basename(os.readlink(project / "warehouse/prod/current"))


def facts(project: Path, kind: str, id: str) -> dict:
    """release.json of a version in `releases` or `stopped`."""
    return json.loads((project / "warehouse/prod" / kind / id / "release.json").read_text(encoding="utf-8"))


def history(project: Path) -> list[dict]:
    lines = (project / "warehouse/prod/history.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def in_folder(project: Path, kind: str) -> list[str]:
    """The names in `releases` or `stopped`."""
    folder = project / "warehouse/prod" / kind
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
