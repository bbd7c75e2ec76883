"""make remove-sample in a newcomer's project: it asks, names what stands in its way, and leaves a project that works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers import Done, copy_project, git_init, run, succeed
from tests.small_project import commit, dataops, make_release
from tests.template.matrix import contents

SINGULAR_TEST = "select 1 as one from {{ ref('orders') }} where false\n"


def task(project: Path, *options: str) -> Done:
    """Runs the task's module, with nobody to answer a question."""
    done = run(".venv/bin/dataops", "remove-sample", *options, cwd=project)
    assert "Traceback" not in done.output, done
    return done


@pytest.fixture
def project(ready_project, tmp_path) -> Path:
    return copy_project(ready_project, tmp_path)


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
    assert "none of prod's models are in the code any more, and nobody accepted that" in stopped.output
    command = re.search(r"If this is intended: (make release .+?)(?:, which|; or) ", stopped.output)[1]
    assert "a new start" in command
    succeed("sh", "-c", command, cwd=project)
    assert "the same" in make_release(project).output
