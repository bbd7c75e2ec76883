"""make remove-sample: what it leaves is what the template generates without the sample, and nothing of anybody's is lost."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.helpers import Done, copy_project, git_init, import_script, make_project, run, succeed
from tests.small_project import commit, dataops, make_release
from tests.test_project import COMBINATIONS, files_of, name_of

remove_sample = import_module("dataops.sample.remove")
sample_data = import_script("sample_data")

WITH_SAMPLE = [one for one in COMBINATIONS if one["example"] == "yes"]
SINGULAR_TEST = "select 1 as one from {{ ref('orders') }} where false\n"


def contents(project: Path) -> dict[str, bytes]:
    """Every file that git could know of, and what it holds."""
    places = (".git/", ".venv", "target/", "logs/", "dbt_packages/", "warehouse/", "uv.lock", ".ruff_cache/")
    names = (name for name in files_of(project) if not name.startswith(places) and "__pycache__" not in name)
    return {name: (project / name).read_bytes() for name in names}


def task(project: Path, *options: str) -> Done:
    """Runs the task's module, with nobody to answer a question."""
    done = run(".venv/bin/dataops", "remove-sample", *options, cwd=project)
    assert "Traceback" not in done.output, done
    return done


@pytest.fixture
def project(ready_project, tmp_path) -> Path:
    return copy_project(ready_project, tmp_path)


@pytest.fixture
def made(tmp_path, monkeypatch) -> Path:
    """A generated project that the functions take for the one they lie in."""
    made = make_project(tmp_path, ci="none", monitoring="none")
    for module in (remove_sample, sample_data):
        monkeypatch.setattr(module, "PROJECT", made)
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


def test_it_asks_and_then_removes_all_of_it(project):
    """In the project of a newcomer, who goes on with the README's first source."""
    own = project / "models/staging/shop/own.csv"
    own.write_text("mine\n", encoding="utf-8")
    before = contents(project)

    listed = task(project, "--dry-run")
    assert listed.code == 0, listed
    assert "  models/marts/customers.sql\n" in listed.output
    assert "which stay:\n  models/staging/shop/own.csv\n" in listed.output
    asked = task(project)
    assert asked.code == 2, asked
    assert asked.output.endswith("To remove the sample without a question: make remove-sample ARGS=--yes\n")
    assert contents(project) == before

    own.unlink()
    done = succeed("make", "remove-sample", "ARGS=--yes", cwd=project)
    undo = re.search(r"To undo this before you commit: (.+)", done.output)[1]
    assert not (project / "scripts/sample_data.py").exists()
    succeed("sh", "-c", undo, cwd=project)
    assert succeed("git", "status", "--porcelain", cwd=project).output == ""
    assert (project / "scripts/sample_data.py").exists()

    done = succeed("make", "remove-sample", "ARGS=--yes", cwd=project)
    build = succeed("make", "build", cwd=project).output
    assert "arning" not in build, build
    assert "eprecat" not in build, build
    assert "There is nothing to build yet" in build
    succeed("make", "lint", cwd=project)
    succeed("sh", "-c", done.output.splitlines()[-1].replace("git commit", "git commit --no-verify"), cwd=project)
    message = succeed("git", "log", "-1", "--format=%(trailers:key=Accept-Differences)", cwd=project).output
    assert message.strip() == "Accept-Differences: the sample was removed"
    assert "Not a task: remove-sample" in run("make", "remove-sample", cwd=project).output


def test_what_needs_the_sample_is_named_and_nothing_is_removed(project):
    marts = project / "models/marts"
    (marts / "best_days.sql").write_text("select * from {{ ref('daily_revenue') }}\n", encoding="utf-8")
    (project / "tests/own.sql").write_text(SINGULAR_TEST, encoding="utf-8")
    (project / "models/staging/own.sql").write_text("select 1 as id from {{ source('shop', 'raw_orders') }}\n", "utf-8")
    commit(project, "feat: best days")
    before = contents(project)
    done = task(project, "--yes")
    assert done.code == 1, done
    named = done.output.split("need models or data of the sample:\n")[1].splitlines()
    assert named[:3] == [
        "  models/marts/best_days.sql: daily_revenue",
        "  models/staging/own.sql: raw_orders",
        "  tests/own.sql: orders",
    ]
    assert contents(project) == before

    # YAML of another file for a model of the sample
    for own in (marts / "best_days.sql", project / "tests/own.sql", project / "models/staging/own.sql"):
        own.unlink()
    (project / "models/own.md").write_text("{% docs own %}Mine.{% enddocs %}\n", encoding="utf-8")
    (project / "models/own.yml").write_text("seeds: [{name: raw_orders, description: Mine}]\n", encoding="utf-8")
    seeds = project / "seeds/shop/_shop__seeds.yml"
    seeds.write_text(re.sub(r"  - name: raw_orders\n.*?(?=  - name)", "", seeds.read_text(), flags=re.DOTALL), "utf-8")
    commit(project, "feat: own words")
    done = task(project, "--yes", "--include-changed")
    assert done.code == 1, done
    assert "dbt cannot parse what would be left" in done.output
    assert "raw_orders" in done.output


def test_what_git_cannot_restore_is_not_removed(project):
    (project / "CODEOWNERS").write_text("* @corner-shop/data @corner-shop/shop\n", encoding="utf-8")
    succeed("git", "rm", "--quiet", "--cached", "models/exposures.yml", cwd=project)
    before = contents(project)
    done = task(project, "--yes")
    assert done.code == 2, done
    assert "differ from the last commit:\n  CODEOWNERS\n  models/exposures.yml\n" in done.output
    assert contents(project) == before

    succeed("rm", "-rf", ".git", cwd=project)
    done = task(project, "--yes")
    assert done.code == 2, done
    assert "git could not tell what is committed" in done.output
    git_init(project)
    assert "git could not tell what is committed" in task(project, "--yes").output
    assert contents(project) == before


def test_what_was_changed_is_named(made):
    sample = remove_sample.read_list(made)
    assert remove_sample.changes(sample) == []
    for name, old, new in (
        ("models/marts/orders.sql", "final", "finally"),
        ("dbt_project.yml", "      +schema: raw\n", "      +schema: raw\n    mine:\n      +schema: mine\n"),
        ("README.md", "<!-- </sample> -->\n", ""),
        ("Makefile", "help: ##", "mine:\n\ttrue\n\nhelp: ##"),
    ):
        text = (made / name).read_text(encoding="utf-8")
        assert old in text
        (made / name).write_text(text.replace(old, new), encoding="utf-8")
    found = remove_sample.changes(sample)
    assert [name.partition(",")[0] for name in found] == ["README.md", "dbt_project.yml", "models/marts/orders.sql"]


def test_the_data_of_make_sample_is_the_samples(made, monkeypatch):
    monkeypatch.setattr("sys.argv", ["", "--until", "2027-02-01", "--output", str(made / "seeds/shop")])
    sample_data.main()
    sample = remove_sample.read_list(made)
    assert remove_sample.changes(sample) == []
    with open(made / "seeds/shop/raw_orders.csv", "a", encoding="utf-8") as orders:
        orders.write("1,1,2027-01-31 12:00:00,completed,till,2027-01-31 23:30:00\n")
    assert "seeds/shop/raw_orders.csv" in remove_sample.changes(sample)


def test_the_question_is_heeded(made, monkeypatch):
    """Also where a file is edited while it is open."""
    git_init(made)
    commit(made, "feat: start the project")
    monkeypatch.setattr(remove_sample, "require_parsing", lambda *_: None)  # dbt's part: see the tests above
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    before = contents(made)
    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(remove_sample.CannotRemove, match="Nothing was removed"):
        remove_sample.remove_sample(dry_run=False, yes=False, include_changed=False)
    assert contents(made) == before

    def edit_and_agree(_question: str) -> str:
        (made / "README.md").write_text("mine\n", encoding="utf-8")
        return "y"

    monkeypatch.setattr("builtins.input", edit_and_agree)
    with pytest.raises(remove_sample.CannotRemove, match=r"differ from the last commit:\n  README.md"):
        remove_sample.remove_sample(dry_run=False, yes=False, include_changed=False)
    assert contents(made) == before | {"README.md": b"mine\n"}

    succeed("git", "restore", ".", cwd=made)
    monkeypatch.setattr("builtins.input", lambda _: "y")
    remove_sample.remove_sample(dry_run=False, yes=False, include_changed=False)
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


def test_a_new_start_is_accepted_as_ci_and_the_release_say(released_project, tmp_path):
    """Every model of prod is gone, as after make remove-sample; first there is none, then one of the newcomer's own."""
    project = copy_project(released_project, tmp_path)
    for file in [*project.glob("models/staging/*.*"), project / "seeds/edition.csv"]:
        file.unlink()
    commit(project, "feat: remove the sample")
    differs = dataops(project, "ci", code=1)
    assert "4 only in prod" in differs.output
    trailer = re.search(r'a last line "(.+?)"', differs.output)[1]
    commit(project, f"feat: remove the sample\n\n{trailer}")
    assert "and a commit accepts it" in dataops(project, "ci").output

    succeed("git", "reset", "--quiet", "--hard", "HEAD~1", cwd=project)
    (project / "models/staging/invoices.sql").write_text("select 1 as invoice_id\n", encoding="utf-8")
    commit(project, "feat: invoices")
    stopped = make_release(project, code=1)
    assert "the code has no model of prod any more, and nobody accepted that" in stopped.output
    command = re.search(r"If that is meant: (make release .+?)(?:, which|; or) ", stopped.output)[1]
    assert "a new start" in command
    succeed("sh", "-c", command, cwd=project)
    assert "the same" in make_release(project).output
