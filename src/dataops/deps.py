"""The dbt packages of packages.yml, into dbt_packages: from a folder, from the dbt hub, or from a mirror of it.

`dbt deps` empties dbt_packages before it asks the hub, and where a firewall swallows the request it tries for minutes.
So a package that is installed already is kept, and the hub is asked with a short time-out before dbt is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import requests
import yaml

from dataops.errors import DataopsError
from dataops.installed import installed_packages, package_version
from dataops.monitoring import monitor
from dataops.project import Project
from dataops.runner import Runner
from dataops.typed import typed

HUB_SECONDS = 5
WAYS = "Set DBT_PACKAGES_DIR to a folder of unpacked packages, or DBT_PACKAGE_HUB_URL to a mirror, then: {setup}"


@dataclass(frozen=True)
class HubPackage:
    """A package that packages.yml takes from the hub, at one version."""

    owner: str
    name: str
    version: str

    def is_installed(self, project: Project) -> bool:
        """Whether dbt_packages has this very version."""
        return package_version(installed_packages(project) / self.name) == self.version


def wanted_packages(project: Project) -> tuple[list[Path], list[HubPackage]]:
    """What packages.yml lists: the folders of local packages, and the packages of the hub."""
    entries = (yaml.safe_load(project.path("packages.yml").read_text(encoding="utf-8")) or {}).get("packages") or []
    local = [project.path(entry["local"]) for entry in entries if "local" in entry]
    hub = [HubPackage(*entry["package"].split("/"), str(entry["version"])) for entry in entries if "package" in entry]
    return local, hub


def install_packages(project: Project) -> str:
    """Puts every package of packages.yml in place. Returns a few words about where they came from.

    Raises:
        DataopsError: a package cannot be had, and no stub can replace it.
    """
    local, hub = wanted_packages(project)
    if hub and all(package.is_installed(project) for package in hub):
        _link(project, local)
        return "already installed"
    if folder := project.variables.get("DBT_PACKAGES_DIR"):
        _copy_from(project, Path(folder).expanduser(), hub)
        _link(project, local)
        return f"from {folder}"
    problem = _hub_problem(project, hub) if hub else None
    if not problem:
        if not Runner(project, project.target).run("--quiet", "deps").success:
            raise DataopsError(
                f"The dbt packages could not be installed; the message above says why. Then: {typed('setup')}"
            )
        return "installed"
    if summary := monitor(project).replace_missing([package.name for package in hub], problem):
        _link(project, local)
        return summary
    raise DataopsError(f"{problem} The dbt packages could not be installed. {WAYS.format(setup=typed('setup'))}")


def _link(project: Project, local: list[Path]) -> None:
    """Links the local packages into dbt_packages, as `dbt deps` does."""
    installed = installed_packages(project)
    installed.mkdir(exist_ok=True)
    for folder in local:
        link = installed / yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8"))["name"]
        if link.is_symlink() or not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.relpath(folder, installed))


def _copy_from(project: Project, source: Path, packages: list[HubPackage]) -> None:
    """Copies packages, and what they need themselves, from a folder that has each under its own name."""
    target, installed = project.path("target"), installed_packages(project)
    with tempfile.TemporaryDirectory(dir=target if target.is_dir() else project.root) as beside:
        names = [package.name for package in packages]
        for name in names:  # grows while it is read
            found = package_version(source / name)
            wanted = next((package.version for package in packages if package.name == name), found)
            if found is None or found != wanted:
                what = f"has {name} {found}, not {wanted}" if found else f"has no package {name}"
                raise DataopsError(
                    f"DBT_PACKAGES_DIR: {source} {what}. Put it there, unpacked, as {source / name}. Then: {typed('setup')}"
                )
            shutil.copytree(
                source / name, Path(beside, name), ignore=shutil.ignore_patterns(".git", "integration_tests")
            )
            needs = source / name / "packages.yml"
            if needs.is_file():
                entries = yaml.safe_load(needs.read_text(encoding="utf-8"))["packages"]
                names += [n for entry in entries if (n := entry["package"].split("/")[1]) not in names]
        installed.mkdir(exist_ok=True)
        for name in names:
            shutil.rmtree(installed / name, ignore_errors=True)
            os.replace(Path(beside, name), installed / name)


def _hub_problem(project: Project, packages: list[HubPackage]) -> str | None:
    """Asks the hub, and the host of its files, whether they answer. Returns None, or what is wrong in one sentence."""
    hub = project.variables.get("DBT_PACKAGE_HUB_URL") or "https://hub.getdbt.com/"
    if not hub.endswith("/"):
        raise DataopsError(f"DBT_PACKAGE_HUB_URL must end with a slash. Set it to {hub}/")
    for package in packages:
        address = f"{hub}api/v1/{package.owner}/{package.name}.json"
        try:
            answer = requests.get(address, timeout=HUB_SECONDS)
            answer.raise_for_status()
            versions = answer.json()["versions"]
            if package.version not in versions:
                return f"{hub} has no {package.owner}/{package.name} {package.version}."
            archive = versions[package.version]["downloads"]["tarball"]
            requests.get(archive, timeout=HUB_SECONDS, stream=True).raise_for_status()
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            return f"The dbt hub cannot be reached ({_reason(error)})."
    return None


def _reason(error: Exception) -> str:
    """Why a request failed, without the layers of the library that made it."""
    if isinstance(error, requests.Timeout):
        return f"no answer within {HUB_SECONDS} seconds"
    if isinstance(error, requests.HTTPError):
        return f"it answers {error.response.status_code}"
    return "no connection" if isinstance(error, requests.ConnectionError) else "its answer cannot be read"
