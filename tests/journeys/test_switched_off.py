"""The commands of what a project has switched off say so: the small project has no monitoring and no code host."""

from __future__ import annotations

import pytest

from tests.small_project import dataops


@pytest.mark.parametrize("task", ["report", "alerts", "stats", "monitor-clean"])
def test_without_monitoring(small_project, task):
    done = dataops(small_project, task, code=2)
    first, remedy = done.output.splitlines()
    assert first == 'Monitoring is off: the setting monitoring is "none" in [tool.dataops] of pyproject.toml.'
    assert remedy.startswith('To switch it on, write monitoring = "elementary" there.')
