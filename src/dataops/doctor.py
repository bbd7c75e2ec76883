"""dataops doctor: what a dbt project still needs for the tasks, each with the exact lines to add. It changes nothing.

A check takes the project as it is on the disk and returns None, or a `Missing`. docs/existing-project.md walks through them.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import yaml
from dbt_common.exceptions import DbtBaseException

from dataops import __version__
from dataops.errors import WRONG, DataopsError
from dataops.installed import package_version
from dataops.monitoring import stub
from dataops.project import ENVIRONMENTS, PROJECT, pyproject, settings
from dataops.release import store
from dataops.typed import tool, typed
from dataops.warehouse import credentials, warehouse_file

PACKAGE_SOURCE = "<address of the dbt-dataops repository>"
TOOLS = ("dbt-core", "dbt-duckdb", "duckdb", "elementary-data")
HOOK = "dataops.record_build("
WAREHOUSES = "(env_var('WAREHOUSE_DIR', '') or 'warehouse')"
# Of the targets: what makes dbt build a candidate beside prod, and readers open the version that is current.
PROD = {
    "path": "{{ "
    + WAREHOUSES
    + " ~ '/prod/candidate/prod.duckdb' if env_var('DATAOPS_CANDIDATE', '') else ':memory:' }}",
    "database": "prod",
}
PROD_ATTACHED = {
    "path": "{{ ':memory:' if env_var('DATAOPS_CANDIDATE', '') else "
    + WAREHOUSES
    + " ~ '/prod/current/prod.duckdb' }}",
    "alias": "{{ 'not_used' if env_var('DATAOPS_CANDIDATE', '') else 'prod' }}",
    "read_only": "{{ (not env_var('DATAOPS_CANDIDATE', '')) | as_bool }}",
}
CI = {"path": "{{ " + WAREHOUSES + " }}/ci/ci_{{ env_var('CI_RUN_ID', '') or 'local' }}.duckdb"}
CI_ATTACHED = {
    "path": "{{ env_var('CI_PROD_COPY', ':memory:') }}",
    "alias": "prod",
    "read_only": "{{ (env_var('CI_PROD_COPY', ':memory:') != ':memory:') | as_bool }}",
}
# What a build writes and git must not keep: a file in it, and the line of .gitignore.
IGNORED = {
    "target/x": "/target/",
    "logs/x": "/logs/",
    "dbt_packages/x": "/dbt_packages/",
    ".user.yml": ".user.yml",
}


@dataclass(frozen=True)
class Missing:
    """Something that the project lacks.

    Attributes:
        problem: what, and what it is for.
        where: what to do with the lines.
        lines: to add, or to type.
    """

    problem: str
    where: str
    lines: str

    def __str__(self) -> str:
        return f"{self.problem}\n{self.where}\n\n{textwrap.indent(self.lines.rstrip(), '    ')}\n"


def no_profiles() -> Missing | None:
    """profiles.yml is beside dbt_project.yml."""
    if (PROJECT / "profiles.yml").is_file():
        return None
    elsewhere = Path(os.environ.get("DBT_PROFILES_DIR") or "~/.dbt") / "profiles.yml"
    return Missing(
        "profiles.yml is not in the project: everybody who releases must build with the same targets.",
        "Copy it, without passwords:",
        f"cp {elsewhere} profiles.yml",
    )


def outputs() -> dict[str, dict[str, Any]]:
    """The targets of the project's profile, as profiles.yml has them; a broken file has none.

    Raises:
        DataopsError: a file is not YAML.
    """
    name = str(_read_yaml("dbt_project.yml").get("profile"))
    found = (_read_yaml("profiles.yml").get(name) or {}).get("outputs")
    return {target: values for target, values in (found or {}).items() if isinstance(values, dict)}


def _read_yaml(name: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataopsError(f"{name} cannot be read: {error}", f"Fix it, then: {typed('doctor')}") from None
    return found if isinstance(found, dict) else {}


def no_dev() -> Missing | None:
    """The target dev exists, in a DuckDB file of its own."""
    if "dev" in outputs():
        others = [warehouse_file(name).resolve() for name in ("ci", "prod") if name in outputs()]
        if warehouse_file("dev").resolve() not in others:
            return None
    return _target(
        "dev",
        "the target dev is missing, or is not a DuckDB file of its own.",
        {"type": "duckdb", "path": "warehouse/dev/dev.duckdb"},
    )


def no_ci() -> Missing | None:
    """The target ci writes a file that may be thrown away, and attaches prod's copy."""
    if "ci" in outputs():
        found = credentials("ci", WAREHOUSE_DIR="elsewhere", CI_PROD_COPY="copy.duckdb")
        attached = {one.alias: one for one in found.attach or []}
        copy = attached.get("prod")
        if Path(found.path).parts[:1] == ("elsewhere",) and copy and copy.path == "copy.duckdb" and copy.read_only:
            return None
    return _target(
        "ci",
        f"the target ci is not what {typed('ci')} needs: a file of WAREHOUSE_DIR that may be removed at any time, and prod's"
        " version attached to read from.",
        _without(outputs().get("ci"), "prod") | CI,
        CI_ATTACHED,
    )


def no_prod() -> Missing | None:
    """The target prod is the candidate for a release, and prod's version, to read, for everybody else."""
    if "prod" in outputs():
        candidate = warehouse_file("prod", DATAOPS_CANDIDATE="true")
        read = credentials("prod", DATAOPS_CANDIDATE="")
        attached = {one.alias: one for one in read.attach or []}.get("prod")
        if (
            candidate == store.candidate() / store.DATA
            and warehouse_file("prod", DATAOPS_CANDIDATE="") == store.link() / store.DATA
            and attached
            and attached.read_only
        ):
            return None
    return _target(
        "prod",
        "the target prod is not what a release makes: dbt builds the next version beside prod, and readers open the version"
        " that is current.",
        _without(outputs().get("prod"), "prod", "not_used") | PROD,
        PROD_ATTACHED,
    )


def _without(values: Mapping[str, Any] | None, *aliases: str) -> dict[str, Any]:
    """The settings of a target that stay as they are: all but its file, its database, and what is attached under some names."""
    kept = {name: value for name, value in (values or {}).items() if name not in ("path", "database", "attach")}
    others = [
        one
        for one in (values or {}).get("attach") or []
        if not (isinstance(one, dict) and (one.get("alias") in aliases or "DATAOPS_CANDIDATE" in str(one)))
    ]
    return {"type": "duckdb", **kept, **({"attach": others} if others else {})}


def _target(name: str, problem: str, values: dict[str, Any], attached: dict[str, Any] | None = None) -> Missing:
    if attached:
        values = values | {"attach": [*values.get("attach", []), attached]}
    profile = _read_yaml("dbt_project.yml").get("profile")
    return Missing(
        f"profiles.yml: {problem}",
        f"In profiles.yml, under {profile}: outputs:, {'replace' if name in outputs() else 'add'} {name}:",
        as_yaml({name: values}),
    )


class _Dumper(yaml.SafeDumper):
    """Writes Jinja in double quotes, and lists indented, as people write them in profiles.yml."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "{{" in text else None)


_Dumper.add_representer(str, _text)


def as_yaml(values: dict[str, Any]) -> str:
    """YAML as it is written in profiles.yml.

    >>> print(as_yaml({"dev": {"path": "{{ env_var('X') }}", "attach": [{"path": "a"}]}}))
    dev:
      path: "{{ env_var('X') }}"
      attach:
        - path: a
    <BLANKLINE>
    """
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, width=1_000_000, allow_unicode=True)


def packages_folder() -> Path:
    """Where dbt installs packages."""
    path = str(_read_yaml("dbt_project.yml").get("packages-install-path") or "")
    return PROJECT / (path if path and "{{" not in path else "dbt_packages")


def no_package() -> Missing | None:
    """The dbt package is installed, in the version of this command."""
    found = package_version(packages_folder() / "dataops")
    if found == __version__:
        return None
    if found:
        return Missing(
            f"The dbt package dataops is {found}, and the command is {__version__}: they must be equal.",
            "In packages.yml, name the version of the command. Then type:",
            f"revision: v{__version__}\n\n{tool('dbt')} deps",
        )
    entries = [
        *(_read_yaml("packages.yml").get("packages") or []),
        *(_read_yaml("dependencies.yml").get("packages") or []),
    ]
    if any("dataops" in str(entry) for entry in entries):
        return Missing("The dbt packages are not installed.", "Type:", f"{tool('dbt')} deps")
    heading = "" if entries else "packages:\n"
    return Missing(
        "The dbt package dataops is not installed: its macro notes what was built, from which code.",
        f"In packages.yml, add these lines; then type {tool('dbt')} deps:",
        f"{heading}  - git: {PACKAGE_SOURCE}\n    revision: v{__version__}",
    )


def no_hooks() -> Missing | None:
    """dbt_project.yml calls the hooks that record builds."""
    project = _read_yaml("dbt_project.yml")
    lacking = {name: project.get(name) for name in ("on-run-start", "on-run-end") if HOOK not in str(project.get(name))}
    if not lacking:
        return None
    lines = {}
    for name, present in lacking.items():
        call = "{{ " + HOOK + ") }}"
        lines[name] = [*([present] if isinstance(present, str) else present), call] if present else call
    return Missing(
        "dbt_project.yml does not record what was built: crosscheck and release cannot tell old rows from new ones.",
        "In dbt_project.yml, write:",
        as_yaml(lines),
    )


def no_settings() -> Missing | None:
    """The settings of dataops are written down."""
    settings()  # raises where they are wrong
    if "dataops" in pyproject().get("tool", {}) or (PROJECT / "dataops.toml").is_file():
        return None
    lines = 'monitoring = "none"  # or elementary\nalerts = "none"  # or slack, teams\ncode_host = "none"  # or github, gitlab'
    if (PROJECT / "pyproject.toml").is_file():
        return Missing("The settings are missing.", "In pyproject.toml, add:", f"[tool.dataops]\n{lines}")
    return Missing("The settings are missing.", "Make a file dataops.toml:", lines)


def no_repository() -> Missing | None:
    """The project is in a git repository with a commit."""
    if _git("rev-parse", "HEAD"):
        return None
    lines = "git add --all && git commit -m 'feat: start the project'"
    if not _git("rev-parse", "--git-dir"):
        lines = f"git init\n{lines}"
    return Missing("Nothing is committed to git: a release notes the commit that it was built from.", "Type:", lines)


def _git(*arguments: str, **variables: str) -> bool:
    """Whether a git command succeeds."""
    with suppress(FileNotFoundError):
        environment = {**os.environ, **variables}
        return not subprocess.run(
            ["git", *arguments], check=False, cwd=PROJECT, env=environment, capture_output=True
        ).returncode
    return False


def not_ignored() -> Missing | None:
    """git ignores what a build writes: an uncommitted file stops a release."""
    with tempfile.TemporaryDirectory() as folder:  # an index of its own, so that a project without git is checked too
        place = {"GIT_DIR": folder, "GIT_WORK_TREE": str(PROJECT)}
        _git("init", "--quiet", **place)
        lines = [line for path, line in _written().items() if not _git("check-ignore", "--quiet", path, **place)]
    if not lines:
        return None
    return Missing(
        "git does not ignore what a build writes, and an uncommitted file stops a release.",
        "In .gitignore, add:",
        "\n".join(lines),
    )


def _written() -> dict[str, str]:
    """Files that a build writes, each with the line of .gitignore that hides it."""
    written = dict(IGNORED)
    files = [store.folder() / "x", *(warehouse_file(target) for target in ("dev", "ci") if target in outputs())]
    for file in files:
        if file.resolve().is_relative_to(PROJECT):
            path = file.resolve().relative_to(PROJECT).as_posix()
            written[path] = f"/{path.split('/')[0]}/" if "/" in path else f"/{path}"
    return dict({line: (path, line) for path, line in written.items()}.values())


LINT = """default_install_hook_types: [pre-commit, pre-push]
default_stages: [pre-commit]
repos:
  - repo: local
    hooks:
      - id: dbt-parse
        name: dbt parse
        entry: dataops dbt --quiet parse
        language: system
        pass_filenames: false
        always_run: true
        stages: [pre-push]
"""


def no_lint() -> Missing | None:
    """Lint has something to run."""
    if not (PROJECT / ".pre-commit-config.yaml").is_file():
        return Missing(
            f".pre-commit-config.yaml is missing: {typed('lint')} runs its hooks.",
            "Make a file .pre-commit-config.yaml, for example:",
            LINT,
        )
    if find_spec("pre_commit") is None:
        return Missing(f"pre-commit is not installed: {typed('lint')} runs it.", "Type:", "pip install pre-commit")
    return None


CHECKS: dict[str, Callable[[], Missing | None]] = {
    "profiles.yml": no_profiles,
    "target dev": no_dev,
    "target ci": no_ci,
    "target prod": no_prod,
    "dbt package": no_package,
    "record of builds": no_hooks,
    "settings": no_settings,
    ".gitignore": not_ignored,
    "lint": no_lint,
    "git": no_repository,
}


def examine() -> dict[str, Missing | None]:
    """What each check found, None where nothing is missing. Where profiles.yml is missing, its targets are not checked.

    Raises:
        DataopsError: a file cannot be read, or a target is of another engine.
    """
    found: dict[str, Missing | None] = {}
    require_duckdb()
    for name, check in CHECKS.items():
        if name.startswith("target ") and found["profiles.yml"]:
            continue
        try:
            found[name] = check()
        except DbtBaseException as error:
            raise DataopsError(f"profiles.yml: {error}", f"Fix it, then: {typed('doctor')}") from None
    return found


def require_duckdb() -> None:
    """Raises DataopsError where an environment is not a DuckDB file."""
    for target, values in outputs().items():
        if target in ENVIRONMENTS and values.get("type") != "duckdb":
            raise DataopsError(
                f"profiles.yml: the target {target} is of type {values.get('type')}. dataops works on DuckDB only.",
                exit_code=WRONG,
            )


def tools_summary() -> Iterable[str]:
    """The versions of what was found, a line each."""
    versions = {}
    for name in TOOLS:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    yield f"dataops {__version__}, Python {platform.python_version()}"
    yield ", ".join(f"{name} {versions.get(name, 'is not installed')}" for name in TOOLS[:-1])
    package = package_version(packages_folder() / "elementary")
    package = "is a stub (nothing is monitored)" if package == stub.VERSION else package
    parts = (("dbt package", package), ("command line", versions.get("elementary-data")))
    found = ", ".join(f"{part} {version}" for part, version in parts if version)
    yield f"Elementary: {found or 'not installed; the tasks work without it'}"
    adapters = sorted({str(values.get("type")) for values in outputs().values()})
    yield f"Adapter of profiles.yml: {', '.join(adapters) or 'none'}"


@click.command()
def main() -> None:
    """Say what this project still needs for the tasks, with the exact lines to add. Nothing is changed.

    Exit codes: 0 nothing is missing; 1 something is; 2 it could not be checked.
    """
    print(*tools_summary(), sep="\n", end="\n\n")
    found = examine()
    lacking = [one for one in found.values() if one]
    for name, missing in found.items():
        print(f"{'missing' if missing else 'ok':8}{name}")
    if not lacking:
        print(f"\nNothing is missing. Next: {typed('release')}")
        return
    for number, missing in enumerate(lacking, 1):
        print(f"\n{number}. {missing}", end="")
    many = len(lacking) > 1
    print(f"\n{len(lacking)} thing{'s are' if many else ' is'} missing. Add the lines, then: {typed('doctor')}")
    sys.exit(WRONG)
