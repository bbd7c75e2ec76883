"""The guides of a generated project, followed word for word in a project without the sample."""

from __future__ import annotations

from tests.guides import follow, steps
from tests.helpers import git_init, make_project, succeed

GUIDES = ("quarantine", "marts", "unit-tests", "versions")  # each goes on where the one before ends


def test_the_guides_work_word_for_word(ready_project, tmp_path):
    project = make_project(tmp_path, example="no", ci="none", monitoring="none")
    (project / ".venv").symlink_to(ready_project / ".venv")
    git_init(project)
    succeed(".venv/bin/dataops", "setup", cwd=project)
    for guide in GUIDES:
        page = project / f"docs/{guide}.md"
        assert [step for step in steps(page) if step.language == "console"], f"{page} shows no command"
        follow(page, project)
