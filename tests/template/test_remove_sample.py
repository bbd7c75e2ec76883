"""make remove-sample: what it leaves is what the template generates without the sample, and nothing of anybody's is lost."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.helpers import git_init, import_script, make_project, project_at, succeed
from tests.small_project import commit
from tests.template.matrix import COMBINATIONS, contents, name_of

remove_sample = import_module("dataops.sample.remove")
sample_data = import_script("sample_data")

WITH_SAMPLE = [one for one in COMBINATIONS if one["example"] == "yes"]


@pytest.fixture
def made(tmp_path, monkeypatch) -> Path:
    """A generated project; its script of the sample works in it."""
    made = make_project(tmp_path, ci="none", monitoring="none")
    monkeypatch.setattr(sample_data, "PROJECT", made)
    return made


@pytest.mark.parametrize("combination", WITH_SAMPLE, ids=name_of)
def test_what_is_left_is_what_the_template_makes_without_the_sample(combination, tmp_path):
    with_sample = make_project(tmp_path / "with", **combination)
    without = make_project(tmp_path / "without", **combination | {"example": "no"})
    sample = remove_sample.read_list(with_sample)
    assert len(sample.files) > 50
    assert {"README.md", "Makefile", "dbt_project.yml", "pyproject.toml"} <= set(sample.parts)
    remove_sample.apply(with_sample, remove_sample.plan(with_sample, sample))
    assert contents(with_sample) == contents(without)
    ours = {name: content for name, content in contents(without).items() if not name.startswith("packages/")}
    for name, content in ours.items():
        assert not re.search(rb"</?(sample|without-sample)/?>|make (remove-)?sample|sample[-_]data", content), name


def test_what_was_changed_is_named(made):
    sample = remove_sample.read_list(made)
    assert remove_sample.changes(project_at(made), sample) == []
    for name, old, new in (
        ("models/marts/orders.sql", "final", "finally"),
        ("dbt_project.yml", "      +schema: raw\n", "      +schema: raw\n    mine:\n      +schema: mine\n"),
        ("README.md", "<!-- </sample> -->\n", ""),
        ("Makefile", "help: ##", "mine:\n\ttrue\n\nhelp: ##"),
    ):
        text = (made / name).read_text(encoding="utf-8")
        assert old in text
        (made / name).write_text(text.replace(old, new), encoding="utf-8")
    found = remove_sample.changes(project_at(made), sample)
    assert [name.partition(",")[0] for name in found] == ["README.md", "dbt_project.yml", "models/marts/orders.sql"]


def test_the_data_of_make_sample_is_the_samples(made, monkeypatch):
    monkeypatch.setattr("sys.argv", ["", "--until", "2027-02-01", "--output", str(made / "seeds/shop")])
    sample_data.main()
    sample = remove_sample.read_list(made)
    assert remove_sample.changes(project_at(made), sample) == []
    with open(made / "seeds/shop/raw_orders.csv", "a", encoding="utf-8") as orders:
        orders.write("1,1,2027-01-31 12:00:00,completed,till,2027-01-31 23:30:00\n")
    assert "seeds/shop/raw_orders.csv" in remove_sample.changes(project_at(made), sample)


def test_the_question_is_heeded(made, monkeypatch):
    """Also where a file is edited while it is open."""
    git_init(made)
    commit(made, "feat: start the project")
    monkeypatch.setattr(remove_sample, "require_parsing", lambda *_: None)  # dbt's part: see the tests above
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    before = contents(made)
    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(remove_sample.CannotRemove, match="Nothing was removed"):
        remove_sample.remove_sample(project_at(made), dry_run=False, yes=False, include_changed=False)
    assert contents(made) == before

    def edit_and_agree(_question: str) -> str:
        (made / "README.md").write_text("mine\n", encoding="utf-8")
        return "y"

    monkeypatch.setattr("builtins.input", edit_and_agree)
    with pytest.raises(remove_sample.CannotRemove, match=r"differ from the last commit:\n  README.md"):
        remove_sample.remove_sample(project_at(made), dry_run=False, yes=False, include_changed=False)
    assert contents(made) == before | {"README.md": b"mine\n"}

    succeed("git", "restore", ".", cwd=made)
    monkeypatch.setattr("builtins.input", lambda _: "y")
    remove_sample.remove_sample(project_at(made), dry_run=False, yes=False, include_changed=False)
    assert not (made / "models/staging/shop").exists()


@pytest.mark.parametrize("files_before", [0, 1, 3, 8, 40, 70])
def test_an_interrupted_removal_leaves_everything(files_before, made, monkeypatch):
    """Whatever file it was at, removed or written."""
    before, left = contents(made), [files_before]
    plan = remove_sample.plan(made, remove_sample.read_list(made))
    assert len(plan) > 70

    def interrupted(method):
        def call(self, *arguments, **options):
            left[0] -= 1
            if left[0] == -1:
                raise KeyboardInterrupt
            return method(self, *arguments, **options)

        return call

    for name in ("write_bytes", "unlink"):
        monkeypatch.setattr(Path, name, interrupted(getattr(Path, name)))
    with pytest.raises(KeyboardInterrupt):
        remove_sample.apply(made, plan)
    assert contents(made) == before


def test_a_template_update_brings_no_sample_afterwards(made):
    (made / ".cruft.json").write_text('{"context": {"cookiecutter": {"ci": "yes", "example": "yes"}}}\n', "utf-8")
    remove_sample.apply(made, remove_sample.plan(made, remove_sample.read_list(made)))
    assert '{"ci": "yes", "example": "no"}' in (made / ".cruft.json").read_text(encoding="utf-8")
