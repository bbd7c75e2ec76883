"""One release or rollback at a time.

The lock is the operating system's (flock), so it is gone with the process that held it, however that ended. What is written
in the file only says who holds it.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

from dataops.errors import LOCKED
from dataops.project import Project
from dataops.typed import guide, shown
from dataops.versions import CannotRelease, timestamp

CODE_HOSTS = ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN")


def person(project: Project) -> str:
    """Who runs this: on a code host the person who started the run."""
    found = next((project.variables[name] for name in CODE_HOSTS if project.variables.get(name)), None)
    try:
        return found or getpass.getuser()
    except (KeyError, OSError):  # no name, as in some containers
        return f"user {os.getuid()}"


@contextmanager
def held(project: Project, doing: str) -> Iterator[None]:
    """Holds the lock of prod.

    Args:
        project: whose prod it is.
        doing: the command that takes it, as another one reports it: `make release`.

    Raises:
        CannotRelease: somebody else holds it (exit code 75), or the folder cannot be written.
    """
    folder = project.prod.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise CannotRelease(
            f"{shown(folder)} cannot be written: {error.strerror}.",
            f"Make it writable, or name another folder: WAREHOUSE_DIR ({guide('.env.example')}).",
        ) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            remedy = "Wait until it is done, then run the command again."
            raise CannotRelease(_held_by(handle.read()), remedy, LOCKED) from None
        except OSError as error:
            raise CannotRelease(
                f"{shown(folder / 'lock')} cannot be locked: {error.strerror}.",
                "Keep prod on a file system that can lock files (WAREHOUSE_DIR).",
            ) from None
        holder = {"process": os.getpid(), "host": platform.node(), "by": person(project), "since": timestamp()}
        handle.truncate(0)
        handle.write(json.dumps(holder | {"doing": doing}))
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)


def is_held(project: Project) -> bool:
    """Whether the process that took the lock last still runs. One on another machine is taken for running."""
    try:
        holder = json.loads((project.prod.folder / "lock").read_text(encoding="utf-8"))
        if holder["host"] == platform.node():
            os.kill(holder["process"], 0)
    except PermissionError:  # it runs, as somebody else
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _held_by(text: str) -> str:
    try:
        holder = json.loads(text)
        since = str(holder["since"]).replace("T", " ").removesuffix("+00:00")
        return (
            f"{holder['by']} holds the lock of prod since {since} UTC: {holder['doing']} (process {holder['process']}"
            f" on {holder['host']})."
        )
    except (ValueError, KeyError, TypeError):  # read between taking the lock and writing who did
        return "Somebody else holds the lock of prod, since just now."
