"""Random answers: each is refused with one clear line and leaves nothing, or makes a good project.

The function that judges them is tested in process, with hundreds of sets. Fewer sets are typed at cookiecutter's own prompts, as
a person would type them; only the process is shared, for speed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from cookiecutter.cli import main as cookiecutter_command
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dataops.monitoring import stub
from hooks import pre_gen_project
from tests.helpers import REPOSITORY, project_at

EXAMPLES = 40
MANY_EXAMPLES = 300
PARSED_BY_DBT = 10  # one in so many good projects

CHARACTERS = st.one_of(
    st.sampled_from(list("'\"#%:&*!|>-?@`$\\{}[]<>()~^,;=/. \t_Aa0é日😀\u200d\u202e\u2028\x07")),
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"),
)
CONTEXT = json.loads((REPOSITORY / "cookiecutter.json").read_text(encoding="utf-8"))
QUESTIONS = [name for name in CONTEXT if not name.startswith("_")]
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
GOOD = st.builds(
    lambda answers, name, text: answers | RIGHT | {"project_name": name, "description": text}, ANSWERS, WORDS, WORDS
)


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


def dbt_parses(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parses the project with dbt, in this process."""
    from dbt.cli.main import dbtRunner

    (project / "dbt_packages").mkdir()
    (project / "dbt_packages" / "dataops").symlink_to(project / "packages" / "dataops")
    with monkeypatch.context() as patch:
        if (project / "docs/monitoring.md").is_file():  # what `make setup` does without Elementary's dbt package
            stub.write(project / "dbt_packages" / stub.PACKAGE, stub.used_tests(project_at(project)))
        patch.chdir(project)
        result = dbtRunner().invoke(["--quiet", "parse"])
    assert result.success, result.exception


def judged(answers: dict[str, str]) -> dict[str, str]:
    """What the judging hook gets of some answers: the choices by their names."""
    choices = {name: CONTEXT[name][int(answers[name]) - 1] for name in ("monitoring", "alerts")}
    return answers | choices


@settings(max_examples=500, deadline=None, database=None)
@given(answers=MOSTLY_RIGHT)
def test_the_judge_refuses_in_one_line_and_suggests_something_it_takes(answers):
    answers = judged(answers)
    found = pre_gen_project.problem(answers)
    if found is None:
        return
    name = found.split(" ")[0]
    assert name in QUESTIONS
    assert re.fullmatch(r".+\. Try: [^\r\n]+", found), found
    suggestion = found.split(". Try: ", 1)[1]
    if name == "alerts":  # it suggests another answer instead
        name, suggestion = suggestion.split("=")
    again = pre_gen_project.problem(answers | {name: suggestion})
    assert again is None or not again.startswith(f"{name} "), (found, again)


def generate(answers: dict[str, str], capfd, monkeypatch, seen: Counter) -> None:
    """Types one set of answers, and fails unless it is refused well or makes a good project."""
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
                dbt_parses(project, monkeypatch)
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
@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(MANY_EXAMPLES, marks=pytest.mark.long)])
def test_random_answers_at_the_prompts(examples, capfd, monkeypatch):
    seen = Counter()
    # dbt's handlers outlive the stream that they were made for, and would write about it into what cookiecutter prints.
    monkeypatch.setattr(logging, "raiseExceptions", False)

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phase.generate],  # an example takes half a second: shrinking a failure would take minutes
    )
    @given(answers=MOSTLY_RIGHT | GOOD)
    def check(answers):
        generate(answers, capfd, monkeypatch, seen)

    check()
    assert seen["made"] >= examples // 10, seen
    assert seen["refused"] >= examples // 10, seen
    assert seen["parsed"] >= seen["made"] // PARSED_BY_DBT > 0, seen
