"""`dataops lint` in projects whose pre-commit configuration is not the template's."""

from __future__ import annotations

import pytest

from dataops.errors import DataopsError
from dataops.lint import hooks
from tests.helpers import project_at

CONFIG = """repos:
  - repo: local
    hooks:
      - {id: everywhere, name: x, entry: "true", language: system}
      - {id: at-push, name: x, entry: "true", language: system, stages: [pre-push]}
"""


def test_without_hooks_nothing_was_checked(tmp_path, monkeypatch):
    project = project_at(tmp_path)
    with pytest.raises(DataopsError, match=r"config\.yaml is missing"):
        hooks.require_hooks(project)
    (tmp_path / ".pre-commit-config.yaml").write_text(CONFIG)
    hooks.require_hooks(project)
    monkeypatch.setattr(hooks, "find_spec", lambda name: None)
    with pytest.raises(DataopsError, match="pre-commit is not installed"):
        hooks.require_hooks(project)


def test_a_hook_without_stages_runs_in_all_of_them(tmp_path):
    """As pre-commit has it where the file names no default_stages."""
    (tmp_path / ".pre-commit-config.yaml").write_text(CONFIG)
    assert hooks.stages_of(project_at(tmp_path), "everywhere", "lint") == ["pre-commit", "pre-push"]
    assert hooks.stages_of(project_at(tmp_path), "at-push", "lint") == ["pre-push"]
