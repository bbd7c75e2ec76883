"""What the tests share: making projects, running commands as their user would."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from dataops.project import ROLES, Project, Settings

REPOSITORY = Path(__file__).resolve().parent.parent
TEMPLATE = REPOSITORY / "{{cookiecutter.project_slug}}"
UV_FOLDER = REPOSITORY / ".tools" / "uv" / "bin"

# What a developer's own shell may hold and what must not decide how a test ends.
NOT_INHERITED = (
    "DBT_",
    "DATAOPS_",
    "ELEMENTARY_",
    "UV_PROJECT",
    "VIRTUAL_ENV",
    "GIT_",
    "MAKE",
    "MFLAGS",
    "PYTEST",
    "CI_",
    "GITHUB_",
    "SAMPLE_",
    "ARGS",
    "TARGET",
)


def project_at(root: Path, *, targets: dict[str, str] | None = None, **variables: str) -> Project:
    """A project for services that are called in this process, with no environment variables but those given.

    Args:
        root: its folder.
        targets: the dbt target of `dev`, `ci` and `prod`, where they have other names.
        variables: environment variables.
    """
    settings = Settings(environments={role: role for role in ROLES} | (targets or {}))
    return Project(root, root, settings, variables)


PROFILES = """shop:
  target: dev
  outputs:
    {dev}: {{type: duckdb, path: "{{{{ env_var('WAREHOUSE_DIR', 'warehouse') }}}}/{dev}/it.duckdb"}}
    ci: {{type: duckdb, path: "{{{{ env_var('WAREHOUSE_DIR', 'warehouse') }}}}/ci/it.duckdb"}}
    {prod}: {{type: duckdb, path: "{{{{ env_var('WAREHOUSE_DIR', 'warehouse') }}}}/{prod}/candidate/{prod}.duckdb"}}
"""


def project_with_profile(folder: Path, dev: str = "dev", prod: str = "prod", **variables: str) -> Project:
    """A project whose profile has three targets, and nothing else."""
    names = f"vars: {{dataops: {{environments: {{dev: {dev}, ci: ci, prod: {prod}}}}}}}\n"
    (folder / "dbt_project.yml").write_text(f"name: shop\nversion: 1.0.0\nprofile: shop\n{names}")
    (folder / "profiles.yml").write_text(PROFILES.format(dev=dev, prod=prod))
    return project_at(folder, targets={"dev": dev, "prod": prod}, **variables)


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    output: str  # what it printed, errors included
    seconds: float

    def __str__(self) -> str:
        return f"exit code {self.code} after {self.seconds:.1f} s\n{self.output}"


def clean_environment(**changes: str) -> dict[str, str]:
    """The environment without what belongs to this test run; the repository's uv is on the PATH when it has one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    own_tools = str(Path(sys.executable).parent)
    path = [folder for folder in environment.get("PATH", "").split(os.pathsep) if folder != own_tools]
    if UV_FOLDER.is_dir():
        path.insert(0, str(UV_FOLDER))
    environment["PATH"] = os.pathsep.join(path)
    environment["USER"] = "ada"
    return environment | changes


def run(*command: str | Path, cwd: Path, environment: dict[str, str] | None = None, timeout: int = 600) -> Done:
    """Runs a command as a person would type it in `cwd`, and waits for it."""
    start = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment if environment is not None else clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout, time.perf_counter() - start)


def start(*command: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.Popen:
    """Starts a command in a process group of its own, so that a test can interrupt or kill all of it; output is text."""
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=environment if environment is not None else clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
        # What a shell starts in the background ignores Ctrl-C, and hands that on to what it starts itself.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )


def succeed(*command: str | Path, cwd: Path, **options) -> Done:
    """Like `run`, and fails the test with all that was printed where the command fails."""
    done = run(*command, cwd=cwd, **options)
    assert done.code == 0, f"{' '.join(map(str, command))}: {done}"
    return done


def cookiecutter(folder: Path, *options: str, **answers: str) -> Done:
    """Runs `cookiecutter --no-input` with some answers; the project lands in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    given = [f"{name}={value}" for name, value in answers.items()]
    command = [sys.executable, "-m", "cookiecutter", REPOSITORY, "--no-input", "-o", folder, *options, *given]
    return run(*command, cwd=folder)


def make_project(folder: Path, **answers: str) -> Path:
    """A generated project in `folder`."""
    done = cookiecutter(folder, **answers)
    assert done.code == 0, done
    (project,) = folder.iterdir()
    return project


def import_script(name: str):
    """A script of the generated project, as it lies in the template; no bytecode is left there to be copied."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(TEMPLATE / "scripts"))
    try:
        return importlib.import_module(name)
    finally:
        sys.dont_write_bytecode = before
        sys.path.remove(str(TEMPLATE / "scripts"))


def release(project: Path, *options: str, **run_options) -> Done:
    """Makes what lies in the project's folder prod, committed or not, whatever it changes."""
    arguments = " ".join(["--allow-uncommitted", "--accept 'a test wants it'", *options])
    return succeed("make", "release", f"ARGS={arguments}", cwd=project, **run_options)


def in_candidate(*command: str) -> list[str]:
    """A dbt command as a release runs it in prod's candidate, in the words that run it in a project's folder."""
    return [".venv/bin/python", str(REPOSITORY / "tests/scripts/build_candidate.py"), *command]


def git_init(project: Path) -> None:
    """Makes a project a git repository with somebody to commit as."""
    for arguments in (["init", "--quiet", "-b", "main"], ["config", "user.name", "Ada"]):
        succeed("git", *arguments, cwd=project)
    succeed("git", "config", "user.email", "ada@example.com", cwd=project)


def copy_project(project: Path, folder: Path) -> Path:
    """A copy that shares nothing with the original but its installed tools (.venv is linked: making it takes long)."""
    target = folder / project.name
    shutil.copytree(project, target, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    (target / ".venv").symlink_to(project / ".venv")
    return target
