"""The workflows of both code hosts: every command is a task, and no job may do more than it needs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.helpers import clean_environment, make_project, succeed


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_every_command_of_ci_is_a_task(host, tmp_path):
    project = make_project(tmp_path, ci=host, alerts="slack")
    tasks = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    if host == "github":
        files = [yaml.safe_load(file.read_text("utf-8")) for file in (project / ".github/workflows").glob("*.yml")]
        jobs = [job for file in files for job in file["jobs"].values()]
        lines = [one["run"] for job in jobs for one in job["steps"] if "run" in one]
        for file in files:
            assert file["permissions"] == {}, "each job says what it may"
        for job in jobs:
            assert job["timeout-minutes"] <= 60
            for one in job["steps"]:
                if "uses" in one:
                    assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", one["uses"])
    else:
        content = yaml.safe_load((project / ".gitlab-ci.yml").read_text(encoding="utf-8"))
        jobs = [part for name, part in content.items() if isinstance(part, dict) and "script" in part]
        lines = [line for job in jobs for line in [*job["script"], *job.get("after_script", [])]]
        assert all("timeout" in job for job in jobs)
    assert len(lines) > 10
    for line in lines:
        (task,) = re.fullmatch(r"(?:if .*; then )?make ([\w$-]+)(?: \w+=\S+)?(?:; fi)?", line).groups()
        assert task == "$PROD_TASK" or task in tasks, line


def commands_of_comment_job(project: Path, host: str) -> list[tuple[str, ...]]:
    """What the job that writes the comment runs, in order, as the code host runs it."""
    if host == "github":
        workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
        lines = [step["run"] for step in workflow["jobs"]["comment"]["steps"] if "run" in step]
    else:
        lines = yaml.safe_load((project / ".gitlab-ci.yml").read_text(encoding="utf-8"))["comment"]["script"]
    return [("bash", "-e", "-c", line) for line in lines]


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_the_comment_job_installs_dataops_only_where_its_source_is_missing(host, tmp_path):
    project = make_project(tmp_path, ci=host)
    would_run = clean_environment(MAKEFLAGS="--dry-run")
    set_up, comment = commands_of_comment_job(project, host)
    assert comment[-1] == "make ci-comment"
    assert succeed(*set_up, cwd=project, environment=would_run).output == ""
    shutil.rmtree(project / "packages/dataops/src")
    assert succeed(*set_up, cwd=project, environment=would_run).output == "sh scripts/setup.sh\n"
