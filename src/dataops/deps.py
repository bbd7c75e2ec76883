"""The dbt packages of packages.yml, into dbt_packages: from a folder, from the dbt hub, or from a mirror of it.

`dbt deps` empties dbt_packages before it asks the hub, and where a firewall swallows the request it tries for minutes.
So a package that is there already is kept, and the hub is asked with a short time-out before dbt is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import requests
import yaml

from dataops.dbt import run_dbt
from dataops.errors import DataopsError
from dataops.installed import INSTALLED, package_version
from dataops.monitoring import monitor
from dataops.project import PROJECT

HUB_SECONDS = 5
WAYS = "Set DBT_PACKAGES_DIR to a folder of unpacked packages, or DBT_PACKAGE_HUB_URL to a mirror, then: make setup"


@dataclass(frozen=True)
class HubPackage:
    """A package that packages.yml takes from the hub, at one version."""

    owner: str
    name: str
    version: str

    def is_installed(self) -> bool:
        """Whether dbt_packages has this very version."""
        return package_version(INSTALLED / self.name) == self.version


def wanted_packages() -> tuple[list[Path], list[HubPackage]]:
    """What packages.yml lists: the folders of local packages, and the packages of the hub."""
    entries = (yaml.safe_load((PROJECT / "packages.yml").read_text(encoding="utf-8")) or {}).get("packages") or []
    local = [PROJECT / entry["local"] for entry in entries if "local" in entry]
    hub = [HubPackage(*entry["package"].split("/"), str(entry["version"])) for entry in entries if "package" in entry]
    return local, hub


def install_packages() -> str:
    """Puts every package of packages.yml in place and says in a few words where they came from.

    Ends the program with what to do where a package cannot be had and nothing can stand in for it.
    """
    local, hub = wanted_packages()
    if hub and all(package.is_installed() for package in hub):
        _link(local)
        return "already there"
    if folder := os.environ.get("DBT_PACKAGES_DIR"):
        _copy_from(Path(folder).expanduser(), hub)
        _link(local)
        return f"from {folder}"
    problem = _hub_problem(hub) if hub else None
    if not problem:
        if not run_dbt("--quiet", "deps"):
            raise DataopsError("The dbt packages could not be installed; the message above says why. Then: make setup")
        return "installed"
    if summary := monitor().replace_missing([package.name for package in hub], problem):
        _link(local)
        return summary
    raise DataopsError(f"{problem} The dbt packages could not be installed. {WAYS}")


def _link(local: list[Path]) -> None:
    """Links the local packages into dbt_packages, as `dbt deps` does."""
    INSTALLED.mkdir(exist_ok=True)
    for folder in local:
        link = INSTALLED / yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8"))["name"]
        if link.is_symlink() or not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.relpath(folder, INSTALLED))


def _copy_from(source: Path, packages: list[HubPackage]) -> None:
    """Copies packages, and what they need themselves, from a folder that has each under its own name."""
    with tempfile.TemporaryDirectory(dir=PROJECT / "target" if (PROJECT / "target").is_dir() else PROJECT) as beside:
        names = [package.name for package in packages]
        for name in names:  # grows while it is read
            found = package_version(source / name)
            wanted = next((package.version for package in packages if package.name == name), found)
            if found is None or found != wanted:
                what = f"has {name} {found}, not {wanted}" if found else f"has no package {name}"
                raise DataopsError(
                    f"DBT_PACKAGES_DIR: {source} {what}. Put it there, unpacked, as {source / name}. Then: make setup"
                )
            shutil.copytree(
                source / name, Path(beside, name), ignore=shutil.ignore_patterns(".git", "integration_tests")
            )
            needs = source / name / "packages.yml"
            if needs.is_file():
                entries = yaml.safe_load(needs.read_text(encoding="utf-8"))["packages"]
                names += [n for entry in entries if (n := entry["package"].split("/")[1]) not in names]
        INSTALLED.mkdir(exist_ok=True)
        for name in names:
            shutil.rmtree(INSTALLED / name, ignore_errors=True)
            os.replace(Path(beside, name), INSTALLED / name)


def _hub_problem(packages: list[HubPackage]) -> str | None:
    """Asks the hub, and where its files lie, whether they answer. Returns None, or what is wrong in one sentence."""
    hub = os.environ.get("DBT_PACKAGE_HUB_URL") or "https://hub.getdbt.com/"
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
