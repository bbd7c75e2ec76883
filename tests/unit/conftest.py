"""Fixtures of the tests in process."""

from __future__ import annotations

import pytest

from dataops import typed
from tests.helpers import REPOSITORY, TEMPLATE


@pytest.fixture(autouse=True)
def _typed_as_in_a_generated_project(monkeypatch) -> None:
    """The project of these tests is this repository: messages name commands and pages as they do in a generated project."""
    makefile = (TEMPLATE / "Makefile").read_text(encoding="utf-8")
    read = typed._makefile
    monkeypatch.setattr(typed, "_makefile", lambda project: makefile if project == REPOSITORY else read(project))
    monkeypatch.setattr(typed, "_has", lambda path, project: project == REPOSITORY or (project / path).exists())
