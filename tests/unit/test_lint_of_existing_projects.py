"""`dataops lint` in projects whose pre-commit configuration is not the template's."""

from __future__ import annotations

import pytest

from dataops.errors import DataopsError
from dataops.lint import hooks

CONFIG = """repos:
  - repo: local
    hooks:
      - {id: everywhere, name: x, entry: "true", language: system}
      - {id: at-push, name: x, entry: "true", language: system, stages: [pre-push]}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(hooks, "PROJECT", tmp_path)
    return tmp_path


def test_without_hooks_nothing_was_checked(folder, monkeypatch):
    with pytest.raises(DataopsError, match=r"config\.yaml is missing"):
        hooks.require_hooks()
    (folder / ".pre-commit-config.yaml").write_text(CONFIG)
    hooks.require_hooks()
    monkeypatch.setattr(hooks, "find_spec", lambda name: None)
    with pytest.raises(DataopsError, match="pre-commit is not installed"):
        hooks.require_hooks()


def test_a_hook_without_stages_runs_in_all_of_them(folder):
    """As pre-commit has it where the file names no default_stages."""
    (folder / ".pre-commit-config.yaml").write_text(CONFIG)
    assert hooks.stages_of("everywhere", "lint") == ["pre-commit", "pre-push"]
    assert hooks.stages_of("at-push", "lint") == ["pre-push"]
