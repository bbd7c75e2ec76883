"""Prod as an archive, for runners that lose their disk at the end of a job.

prod.tar has every version, the histories and the monitoring data: a release or rollback continues from it. current.tar has what
`ci` reads of prod's version. Data that lies on a server is in neither.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from dataops.project import Project
from dataops.typed import has_make_task, typed
from dataops.versions import (
    CROSSCHECK,
    DOCS,
    FACTS,
    HISTORY,
    MANIFEST,
    STOPS,
    CannotRelease,
    Version,
    Versions,
    lock,
)

PACKED = Path("target", "prod")  # from the project's root
ALL, CURRENT = "prod", "current"  # the archives' names
RELEASES = "releases"
PAGES = {DOCS: "index.html", f"{CROSSCHECK}/report.html": "crosscheck.html"}


def how_to(action: str, options: str = "") -> str:
    """What to type to push or pull prod.

    Args:
        action: `push` or `pull`.
        options: of that command.
    """
    task = f"ci-state-{action}"
    return typed(task, options) if has_make_task(task) else typed("ci", f"state {action} {options}".rstrip())


def pack(project: Project) -> str:
    """Writes both archives and the pages of prod's version into target/prod. Returns what was done.

    Raises:
        CannotRelease: nothing was released yet, or a release is running.
    """
    with lock.held(project, how_to("push")):
        versions = Versions(project)
        version = versions.current()
        if version is None:
            raise CannotRelease("Nothing was released yet, so there is nothing to pack.", f"Type: {typed('release')}")
        folder = project.path(PACKED)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "pages").mkdir(parents=True)
        _pack_all(versions, folder / f"{ALL}.tar")
        _pack_current(versions, version, folder / f"{CURRENT}.tar")
        for name, page in PAGES.items():
            if (version.folder / name).exists():
                shutil.copyfile(version.folder / name, folder / "pages" / page)
    return f"Packed {version.id}: {', '.join(str(PACKED / name) for name in sorted(os.listdir(folder)))}"


def _names(versions: Versions) -> list[str]:
    """What is kept of prod's folder, in the order of unpacking: where the last is there, prod is complete."""
    files = versions.engine.portable(versions.environment)
    return [RELEASES, HISTORY, STOPS, *files.of_prod, *filter(None, [files.pointer])]


def _pack_all(versions: Versions, file: Path) -> None:
    with tarfile.open(file, "w") as archive:
        for name in _names(versions):
            if os.path.lexists(versions.folder / name):
                archive.add(versions.folder / name, name)


def _pack_current(versions: Versions, version: Version, file: Path) -> None:
    files = versions.engine.portable(versions.environment)
    with tarfile.open(file, "w") as archive:
        for name in (*files.of_version, MANIFEST, FACTS):
            archive.add(version.folder / name, f"{RELEASES}/{version.id}/{name}")
        if files.pointer:
            archive.add(versions.folder / files.pointer, files.pointer)


def unpack(project: Project, archive: Path) -> Version:
    """Puts an archive in place where there is no prod.

    Raises:
        CannotRelease: the archive is damaged.
    """
    versions = Versions(project)
    beside = versions.folder / "pulled"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(beside, filter="data")
    except (tarfile.TarError, EOFError) as error:
        shutil.rmtree(beside)
        raise CannotRelease(f"The archive of prod is damaged ({error}).", "Run the last release again.") from None
    for name in versions.engine.portable(versions.environment).of_version:
        for file in beside.glob(f"{RELEASES}/*/{name}"):
            file.chmod(0o444)  # as a release leaves it
    for name in _names(versions):
        if os.path.lexists(beside / name):
            os.replace(beside / name, versions.folder / name)
    shutil.rmtree(beside)
    version = versions.current()
    if version is None:
        raise CannotRelease("The archive of prod has no version in it.", "Run the last release again.")
    return version


def pull_prod(project: Project, download: Callable[[Project, str, Path], Path | None], current: bool, to: Path) -> str:
    """Puts the prod of the last release in place, unless it is here already. Returns what was done.

    Args:
        project: whose prod it is.
        download: gets the archive of a name into a folder, and returns its path; None if there is none.
        current: whether prod's version is enough.
        to: an empty folder for the download.

    Raises:
        Expired: the last archive is no longer kept.
    """
    if version := Versions(project).current():
        return f"Prod is already here: {version.id}. Nothing was downloaded."
    archive = download(project, CURRENT if current else ALL, to)
    return "There is no prod yet." if archive is None else f"Prod is {unpack(project, archive).id}."
