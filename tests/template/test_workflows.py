"""The workflows of both code hosts: every command is a task, and no job may do more than it needs."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.helpers import make_project


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
