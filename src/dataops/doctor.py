"""dataops doctor: what a dbt project still needs for the tasks, each with the exact lines to add. It changes nothing.

A check takes the project and returns None, or a `Missing`. docs/existing-project.md walks through them.
"""

from __future__ import annotations

import platform
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import click

from dataops import __version__
from dataops.engines import engine_of
from dataops.engines.registry import names_of_macros, read_yaml, targets
from dataops.errors import DONE, WRONG, DataopsError
from dataops.installed import package_version
from dataops.missing import Missing, as_yaml
from dataops.monitoring import stub
from dataops.project import ROLES, Environment, Project, read_settings
from dataops.typed import tool, typed

PACKAGE_SOURCE = "<address of the dbt-dataops repository>"
COMPARISON = re.compile(r"target\.name\s*(?P<operator>[!=]=)\s*['\"](?P<name>\w+)['\"]")
DEFAULT_TARGET = re.compile(r"env_var\('DBT_TARGET', '(?P<name>\w+)'\)")
HOOK = "dataops.record_build("
# How targets begin that are dev, ci or prod under another name.
LIKELY = {"dev": ("dev", "local"), "ci": ("ci",), "prod": ("prod", "live")}
# What a build writes and git must not keep: a file in it, and the line of .gitignore.
IGNORED = {
    "target/x": "/target/",
    "logs/x": "/logs/",
    "dbt_packages/x": "/dbt_packages/",
    ".user.yml": ".user.yml",
}


def no_profiles(project: Project) -> Missing | None:
    """profiles.yml is beside dbt_project.yml."""
    if project.path("profiles.yml").is_file():
        return None
    elsewhere = Path(project.variables.get("DBT_PROFILES_DIR") or "~/.dbt") / "profiles.yml"
    return Missing(
        "profiles.yml is not in the project: everybody who releases must build with the same targets.",
        "Copy it, without passwords:",
        f"cp {elsewhere} profiles.yml",
    )


def no_environments(project: Project) -> Missing | None:
    """The settings say which target is dev, ci and prod."""
    names = read_settings(project.root).environments
    likely = project.settings.environments
    if likely == names:
        return None
    others = [name for name in likely.values() if name not in names.values()]
    which = "it is" if len(others) == 1 else "they are"
    file, heading = _place_of_settings(project)
    table = ", ".join(f'{role} = "{name}"' for role, name in likely.items())
    return Missing(
        f"profiles.yml has {' and '.join(others)}, and the settings do not say which of {', '.join(ROLES)} {which}.",
        f"If this is right, write in {file}{heading and f', under {heading}'}:",
        f"environments = {{{table}}}",
    )


def no_names_for_macros(project: Project) -> Missing | None:
    """The macros know the names of the environments too."""
    names = dict(project.settings.environments)
    if names_of_macros(project) == names:
        return None
    return Missing(
        "The macros do not know the names of the environments: they read them from dbt_project.yml.",
        "In dbt_project.yml, write:",
        as_yaml({"vars": {"dataops": {"environments": names}}}),
    )


def names_of_no_target(project: Project) -> Missing | None:
    """No file names the target dev, ci or prod where that has another name."""
    gone = {role: name for role, name in project.settings.environments.items() if role not in targets(project)}
    found = [
        f"{file.relative_to(project.root)}:{number}: {_compared(file, *parts.groups(), gone)}"
        for file in _files_of_dbt(project)
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for parts in COMPARISON.finditer(line)
        if parts["name"] in gone
    ]
    found += _old_names_in_profiles(project, gone)
    if not found:
        return None
    return Missing("Files name a target that profiles.yml does not have.", "Write:", "\n".join(found))


def _old_names_in_profiles(project: Project, names: Mapping[str, str]) -> Iterator[str]:
    """Where profiles.yml itself names a target that has another name: in its defaults, and in the profile of Elementary."""
    for number, line in enumerate(project.path("profiles.yml").read_text(encoding="utf-8").splitlines(), 1):
        if (default := DEFAULT_TARGET.search(line)) and default["name"] in names:
            yield f"profiles.yml:{number}: env_var('DBT_TARGET', '{names[default['name']]}')"
    profile = read_yaml(project, "profiles.yml").get("elementary")
    outputs = profile.get("outputs") if isinstance(profile, dict) else None
    for role in outputs or {}:
        if role in names:
            yield f"profiles.yml, under elementary: outputs: {names[role]}, instead of {role}"


def _compared(file: Path, operator: str, name: str, names: Mapping[str, str]) -> str:
    """A comparison of the target as it works under any name: in SQL with a macro, in YAML with a variable. dbt_project.yml has
    neither."""
    if file.suffix == ".sql":
        return f"dataops.environment() {operator} '{name}'"
    if file.name == "dbt_project.yml":
        return f"target.name {operator} '{names[name]}'"
    return f"target.name {operator} var('dataops').environments.{name}"


def _files_of_dbt(project: Project) -> Iterator[Path]:
    """dbt_project.yml, and the SQL and YAML files in the folders that it names."""
    settings = read_yaml(project, "dbt_project.yml")
    yield project.path("dbt_project.yml")
    for kind in ("model", "snapshot", "seed", "test", "macro", "analysis"):
        default = ["analyses" if kind == "analysis" else f"{kind}s"]
        for folder in settings.get(f"{kind}-paths") or default:
            yield from (
                file for file in sorted(project.path(folder).rglob("*")) if file.suffix in (".sql", ".yml", ".yaml")
            )


def with_likely_names(project: Project) -> Project:
    """The same project, whose environments have the names that its settings should give them."""
    return replace(project, settings=replace(project.settings, environments=_likely_environments(project)))


def _likely_environments(project: Project) -> dict[str, str]:
    """The target of each role: the one that the settings name, or another one whose name looks like it where that is missing."""
    names, found = project.settings.environments, targets(project)
    unnamed = [name for name in found if name not in names.values()]

    def likely(role: str) -> str | None:
        return next((name for name in unnamed if name.lower().startswith(LIKELY[role])), None)

    return {role: names[role] if names[role] in found else likely(role) or names[role] for role in ROLES}


def no_target(environment: Environment, project: Project) -> Missing | None:
    """The target of an environment is what the tasks need."""
    return engine_of(project, environment).missing_in_profile(environment)


def packages_folder(project: Project) -> Path:
    """Where dbt installs packages."""
    path = str(read_yaml(project, "dbt_project.yml").get("packages-install-path") or "")
    return project.path(path if path and "{{" not in path else "dbt_packages")


def no_package(project: Project) -> Missing | None:
    """The dbt package is installed, in the version of this command."""
    found = package_version(packages_folder(project) / "dataops")
    if found == __version__:
        return None
    if found:
        return Missing(
            f"The dbt package dataops is {found}, and the command is {__version__}: they must be equal.",
            "In packages.yml, name the version of the command. Then type:",
            f"revision: v{__version__}\n\n{tool('dbt')} deps",
        )
    entries = [
        *(read_yaml(project, "packages.yml").get("packages") or []),
        *(read_yaml(project, "dependencies.yml").get("packages") or []),
    ]
    if any("dataops" in str(entry) for entry in entries):
        return Missing("The dbt packages are not installed.", "Type:", f"{tool('dbt')} deps")
    heading = "" if entries else "packages:\n"
    return Missing(
        "The dbt package dataops is not installed: its macro records what was built, from which code.",
        f"In packages.yml, add these lines; then type {tool('dbt')} deps:",
        f"{heading}  - git: {PACKAGE_SOURCE}\n    revision: v{__version__}",
    )


def no_hooks(project: Project) -> Missing | None:
    """dbt_project.yml calls the hooks that record builds."""
    settings = read_yaml(project, "dbt_project.yml")
    hooks = {name: settings.get(name) for name in ("on-run-start", "on-run-end")}
    lacking = {name: present for name, present in hooks.items() if HOOK not in str(present)}
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


def no_settings(project: Project) -> Missing | None:
    """The settings of dataops are written down."""
    read_settings(project.root)  # raises where they are wrong
    file, heading = _place_of_settings(project)
    if "dataops" in project.pyproject.get("tool", {}) or project.path("dataops.toml").is_file():
        return None
    lines = 'monitoring = "none"  # or elementary\nalerts = "none"  # or slack, teams\ncode_host = "none"  # or github, gitlab'
    if heading:
        return Missing("The settings are missing.", f"In {file}, add:", f"{heading}\n{lines}")
    return Missing("The settings are missing.", f"Make a file {file}:", lines)


def _place_of_settings(project: Project) -> tuple[str, str]:
    """The file that has the settings or should get them, and the heading of their table; empty where the file has no other."""
    in_pyproject = "dataops" in project.pyproject.get("tool", {}) or not project.path("dataops.toml").is_file()
    if in_pyproject and project.path("pyproject.toml").is_file():
        return "pyproject.toml", "[tool.dataops]"
    return "dataops.toml", ""


def no_repository(project: Project) -> Missing | None:
    """The project is in a git repository with a commit."""
    if _git(project, "rev-parse", "HEAD"):
        return None
    lines = "git add --all && git commit -m 'feat: start the project'"
    if not _git(project, "rev-parse", "--git-dir"):
        lines = f"git init\n{lines}"
    return Missing("Nothing is committed to git: a release notes the commit that it was built from.", "Type:", lines)


def _git(project: Project, *arguments: str, **variables: str) -> bool:
    """Whether a git command succeeds."""
    with suppress(FileNotFoundError):
        return not subprocess.run(
            ["git", *arguments],
            check=False,
            cwd=project.root,
            env={**project.variables, **variables},
            capture_output=True,
        ).returncode
    return False


def not_ignored(project: Project) -> Missing | None:
    """git ignores what a build writes: an uncommitted file stops a release."""
    with tempfile.TemporaryDirectory() as folder:  # an index of its own, so that a project without git is checked too
        place = {"GIT_DIR": folder, "GIT_WORK_TREE": str(project.root)}
        _git(project, "init", "--quiet", **place)
        written = _written(project).items()
        lines = [line for path, line in written if not _git(project, "check-ignore", "--quiet", path, **place)]
    if not lines:
        return None
    return Missing(
        "git does not ignore what a build writes, and an uncommitted file stops a release.",
        "In .gitignore, add:",
        "\n".join(lines),
    )


def _written(project: Project) -> dict[str, str]:
    """Files that a build writes, each with the line of .gitignore that hides it."""
    written, root = dict(IGNORED), project.root.resolve()
    files = [project.prod.folder / "x"]
    for environment in (project.dev, project.ci):
        if environment.name in targets(project):
            files += engine_of(project, environment).written_files(environment)
    for file in files:
        if file.resolve().is_relative_to(root):
            path = file.resolve().relative_to(root).as_posix()
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


def no_lint(project: Project) -> Missing | None:
    """Lint has something to run."""
    if not project.path(".pre-commit-config.yaml").is_file():
        return Missing(
            f".pre-commit-config.yaml is missing: {typed('lint')} runs its hooks.",
            "Make a file .pre-commit-config.yaml, for example:",
            LINT,
        )
    if find_spec("pre_commit") is None:
        return Missing(f"pre-commit is not installed: {typed('lint')} runs it.", "Type:", "pip install pre-commit")
    return None


def checks(project: Project) -> dict[str, Callable[[Project], Missing | None]]:
    """What is checked, in this order."""
    return {
        "profiles.yml": no_profiles,
        "environments": no_environments,
        "environments of the macros": no_names_for_macros,
        **{f"target {environment}": partial(no_target, environment) for environment in project.environments},
        "names of targets": names_of_no_target,
        "dbt package": no_package,
        "record of builds": no_hooks,
        "settings": no_settings,
        ".gitignore": not_ignored,
        "lint": no_lint,
        "git": no_repository,
    }


def examine(project: Project) -> dict[str, Missing | None]:
    """What each check found, None where nothing is missing. Targets are checked where it is known which ones they are.

    Raises:
        DataopsError: a file cannot be read, or a target is of an unknown engine.
    """
    project = with_likely_names(project)
    for name in ("dbt_project.yml", "profiles.yml"):
        read_yaml(project, name)  # raises where it is not YAML
    require_known_engines(project)
    found: dict[str, Missing | None] = {}
    for name, check in checks(project).items():
        if "target" in name and found["profiles.yml"]:
            continue
        found[name] = check(project)
    return found


def require_known_engines(project: Project) -> None:
    """Checks the type of each environment's target.

    Raises:
        DataopsError: nothing installed knows it.
    """
    for environment in project.environments:
        try:
            engine_of(project, environment)
        except DataopsError as error:
            raise DataopsError(error.problem, error.remedy, WRONG) from None


def tools_summary(project: Project) -> Iterable[str]:
    """The versions of what is installed, a line each."""
    engine: tuple[str, ...] = ()
    with suppress(DataopsError):  # `examine` reports it
        engine = engine_of(project).tools
    yield f"dataops {__version__}, Python {platform.python_version()}"
    yield ", ".join(f"{name} {_version(name) or 'is not installed'}" for name in ("dbt-core", *engine))
    package = package_version(packages_folder(project) / "elementary")
    package = "is a stub (nothing is monitored)" if package == stub.VERSION else package
    parts = (("dbt package", package), ("command line", _version("elementary-data")))
    found = ", ".join(f"{part} {version}" for part, version in parts if version)
    yield f"Elementary: {found or 'not installed; the tasks work without it'}"
    adapters = sorted({str(values.get("type")) for values in targets(project).values()})
    yield f"Adapter of profiles.yml: {', '.join(adapters) or 'none'}"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@click.command()
@click.pass_obj
def main(project: Project) -> int:
    """Say what this project still needs for the tasks, with the exact lines to add. Nothing is changed.

    Exit codes: 0 nothing is missing; 1 something is; 2 it could not be checked.
    """
    print(*tools_summary(project), sep="\n", end="\n\n")
    found = examine(project)
    lacking = [one for one in found.values() if one]
    for name, missing in found.items():
        print(f"{'missing' if missing else 'ok':8}{name}")
    if not lacking:
        print(f"\nNothing is missing. Next: {typed('release')}")
        return DONE
    for number, missing in enumerate(lacking, 1):
        print(f"\n{number}. {missing}", end="")
    many = len(lacking) > 1
    print(f"\n{len(lacking)} thing{'s are' if many else ' is'} missing. Add the lines, then: {typed('doctor')}")
    return WRONG
