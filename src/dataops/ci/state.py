"""Prod as an archive, for runners that lose their disk at the end of a job.

prod.tar has every version, the histories and the monitoring data: a release or rollback continues from it. current.tar has what
`ci` reads of prod's version.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from dataops.release import CannotRelease, duckdb_file, lock, store
from dataops.typed import typed

PACKED = Path("target", "prod")
ALL, CURRENT = "prod", "current"  # the archives' names
READ_BY_CI = (duckdb_file.NAME, store.MANIFEST, store.FACTS)
# In the order of unpacking. The link comes last: where it exists, prod is complete.
KEPT = ("releases", store.HISTORY, store.STOPS, "monitoring.duckdb", "current")
PAGES = {store.DOCS: "index.html", f"{store.CROSSCHECK}/report.html": "crosscheck.html"}


def pack() -> str:
    """Writes both archives and the pages of prod's version into target/prod. Returns what was done.

    Raises:
        CannotRelease: nothing was released yet, or a release is running.
    """
    with lock.held("make ci-state-push"):
        version = store.current()
        if version is None:
            raise CannotRelease("Nothing was released yet, so there is nothing to pack.", f"Type: {typed('release')}")
        shutil.rmtree(PACKED, ignore_errors=True)
        (PACKED / "pages").mkdir(parents=True)
        with tarfile.open(PACKED / f"{ALL}.tar", "w") as archive:
            for name in KEPT:
                if os.path.lexists(store.folder() / name):
                    archive.add(store.folder() / name, name)
        with tarfile.open(PACKED / f"{CURRENT}.tar", "w") as archive:
            for name in READ_BY_CI:
                archive.add(version.folder / name, f"releases/{version.id}/{name}")
            archive.add(store.link(), "current")
        for name, page in PAGES.items():
            if (version.folder / name).exists():
                shutil.copyfile(version.folder / name, PACKED / "pages" / page)
    return f"Packed {version.id}: {', '.join(f'{path}' for path in sorted(PACKED.iterdir()))}"


def unpack(archive: Path) -> store.Version:
    """Puts an archive in place where there is no prod.

    Raises:
        CannotRelease: the archive is damaged.
    """
    beside = store.folder() / "pulled"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(beside, filter="data")
    except (tarfile.TarError, EOFError) as error:
        shutil.rmtree(beside)
        raise CannotRelease(f"The archive of prod is damaged ({error}).", "Run the last release again.") from None
    for file in beside.glob(f"releases/*/{duckdb_file.NAME}"):
        file.chmod(0o444)  # as a release leaves it
    for name in KEPT:
        if os.path.lexists(beside / name):
            os.replace(beside / name, store.folder() / name)
    beside.rmdir()
    version = store.current()
    if version is None:
        raise CannotRelease("The archive of prod has no version in it.", "Run the last release again.")
    return version


def pull_prod(download: Callable[[str, Path], Path | None], current: bool, folder: Path) -> str:
    """Puts the prod of the last release in place, unless it is here already. Returns what was done.

    Args:
        download: gets the archive of a name into a folder, and returns its path; None if there is none.
        current: whether prod's version is enough.
        folder: an empty one, for the download.

    Raises:
        Expired: the last archive is no longer kept.
    """
    if version := store.current():
        return f"Prod is here already: {version.id}. Nothing was downloaded."
    archive = download(CURRENT if current else ALL, folder)
    return "There is no prod yet." if archive is None else f"Prod is {unpack(archive).id}."
