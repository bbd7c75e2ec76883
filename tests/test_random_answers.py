"""Random answers, typed at the prompts: each is refused with one clear line and leaves nothing, or makes a good project.

The questions are answered as a person would, in cookiecutter's own prompts; only the process is shared, for speed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import chdir
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from cookiecutter.cli import main as cookiecutter_command
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers import REPOSITORY

EXAMPLES = 300
PARSED_BY_DBT = 10  # one in so many good projects

CHARACTERS = st.one_of(
    st.sampled_from(list("'\"#%:&*!|>-?@`$\\{}[]<>()~^,;=/. \t_Aa0é日😀\u200d\u202e\u2028\x07")),
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"),
)
QUESTIONS = [
    name
    for name in json.loads((REPOSITORY / "cookiecutter.json").read_text(encoding="utf-8"))
    if not name.startswith("_")
]
TEXT = st.text(CHARACTERS, max_size=40)
WORDS = st.lists(
    st.sampled_from(
        ["shop", "Émile's", '"best"', "100 %", "#1", "a: b", "- x", "日本", "🛒", "& co", "$HOME", "<i>", "C*"]
    ),
    min_size=1,
    max_size=4,
).map(" ".join)
ANSWERS = st.fixed_dictionaries(
    {
        "project_name": WORDS | TEXT,
        "project_slug": st.one_of(
            st.from_regex(r"[a-z_][a-z0-9_]{0,40}", fullmatch=True),
            st.sampled_from(["", "select", "dbt", "a/b", "../x", "My-Shop", "x" * 60, "models"]),
            TEXT,
        ),
        "description": WORDS | TEXT,
        "owner_team": st.from_regex(r"@[a-z][a-z0-9-]{0,9}(/[a-z]{1,9})?", fullmatch=True) | TEXT,
        "owner_email": st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.(com|org)", fullmatch=True) | TEXT,
        "warehouse": st.just("1"),
        "ci": st.sampled_from(["1", "2", "3"]),
        "monitoring": st.sampled_from(["1", "2"]),
        "alerts": st.sampled_from(["1", "2", "3"]),
        "example": st.sampled_from(["1", "2"]),
        "sample_until": st.dates().map(str) | st.sampled_from(["2026-03-01", "2024-02-29", "today", "20260301"]),
    }
)
# Most random answers hold something that is refused. These are right but for the two free texts.
RIGHT = {
    "project_slug": "my_shop",
    "owner_team": "@org/data",
    "owner_email": "data@example.com",
    "monitoring": "1",
    "sample_until": "2026-03-01",
}
MOSTLY_RIGHT = st.builds(lambda answers, right: answers | right, ANSWERS, st.sampled_from([{}, RIGHT, RIGHT]))

seen = {"refused": 0, "made": 0, "parsed": 0}


def files_parse(project: Path) -> None:
    """Every YAML, TOML, JSON and Python file can be read, and no brace of the template is left."""
    for file in project.rglob("*"):
        if not file.is_file() or file.suffix == ".csv":
            continue
        text = file.read_text(encoding="utf-8")
        assert "cookiecutter." not in text, file
        if file.suffix in {".yml", ".yaml"}:
            list(yaml.safe_load_all(text))
        elif file.suffix == ".toml":
            tomllib.loads(text)
        elif file.suffix == ".json":
            json.loads(text)
        elif file.suffix == ".py":
            compile(text, str(file), "exec")


def dbt_parses(project: Path) -> None:
    """dbt itself reads the project, in this process."""
    from dbt.cli.main import dbtRunner

    (project / "dbt_packages").mkdir()
    (project / "dbt_packages" / "dataops").symlink_to(project / "packages" / "dataops")
    if (project / "docs/monitoring.md").is_file():
        stub = "from dataops.monitoring import stub; stub.write(stub.INSTALLED / 'elementary', stub.used_tests())"
        subprocess.run([sys.executable, "-B", "-c", stub], cwd=project, check=True)
    with chdir(project):
        result = dbtRunner().invoke(["--quiet", "parse"])
    assert result.success, result.exception


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    phases=[Phase.generate],  # an example takes half a second: shrinking a failure would take minutes
)
@given(answers=MOSTLY_RIGHT)
def check_answers(capfd, answers: dict[str, str]) -> None:
    """One set of answers."""
    folder = Path(tempfile.mkdtemp(prefix="answers-"))
    try:
        capfd.readouterr()
        typed = "".join(f"{answers[question]}\n" for question in QUESTIONS)
        result = CliRunner().invoke(cookiecutter_command, [str(REPOSITORY), "-o", str(folder)], input=typed)
        made = list(folder.iterdir())
        if result.exit_code == 0:
            (project,) = made
            seen["made"] += 1
            files_parse(project)
            if seen["made"] % PARSED_BY_DBT == 1:
                dbt_parses(project)
                seen["parsed"] += 1
            return
        seen["refused"] += 1
        assert not made, f"left behind: {made}"
        printed = capfd.readouterr().err + result.output
        lines = [line for line in printed.splitlines() if ". Try: " in line and not line.startswith("DEBUG:")]
        assert len(lines) == 1, printed
        # What cookiecutter.json itself refuses stands behind the last prompt, whose line has no end here.
        assert re.search(rf"(^|\): )({'|'.join(QUESTIONS)}) .+\. Try: .+$", lines[0]), lines
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="needs the file names that POSIX allows")
def test_random_answers(capfd):
    check_answers(capfd)
    assert seen["made"] >= EXAMPLES // 10, seen
    assert seen["refused"] >= EXAMPLES // 10, seen
    assert seen["parsed"] >= seen["made"] // PARSED_BY_DBT > 0, seen
