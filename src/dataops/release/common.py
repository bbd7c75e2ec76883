"""What `release`, `releases` and `rollback` share. Nothing here imports dbt: a rollback works where dbt is broken."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

import click

from dataops.engines import EngineError
from dataops.errors import DataopsError, Interrupted, was_interrupted
from dataops.typed import shown

INTERRUPTED = "Stopped: prod is intact. Run the command again."
KEPT = "5"  # versions, where neither --keep nor RELEASES_KEPT says how many


def a_reason(_context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Refuses an empty reason, and an option that was taken for one."""
    if text is not None and (not text.strip() or text.startswith("-")):
        raise click.BadParameter(
            f"{parameter.opts[0]} needs a reason, which is recorded. For example: 'prices were wrong'"
        )
    return text


def kept_versions(context: click.Context, _parameter: click.Parameter, text: str | None) -> int:
    """How many versions to keep: --keep, else RELEASES_KEPT."""
    if text is None:
        text = context.obj.variables.get("RELEASES_KEPT") or KEPT
    if text.isdecimal() and int(text):
        return int(text)
    raise click.BadParameter(
        f"{text!r} is not a valid number of versions. RELEASES_KEPT (.env) and --keep take 1 or more."
    )


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turns what can end a command on prod into a DataopsError: prod is intact in every case."""
    try:
        yield
    except EngineError as error:
        raise DataopsError(
            f"{error.engine} stopped: {error.text}", "prod is intact. Fix that, then run the command again."
        ) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "Free some space, then run the command again." if full else "Fix that, then run the command again."
        where = f" ({shown(error.filename)})" if error.filename else ""
        raise DataopsError(f"It could not be done: {error.strerror}{where}. prod is intact. {remedy}") from error
    except BaseException as error:
        if was_interrupted(error):
            raise Interrupted(f"\n{INTERRUPTED}") from None
        raise
