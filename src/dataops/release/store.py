"""Where the versions of prod are, which one is prod, and what happened to them.

    warehouse/prod/current -> releases/0042-2026-11-23    what readers open; swapped at once
    warehouse/prod/releases/<id>/                         a whole version; never changed once it is there
    warehouse/prod/candidate/                             the version that is being made
    warehouse/prod/stopped/<id>/                          candidates that were stopped
    warehouse/prod/dry-run/                               the candidate of the last dry run, which has no number
    warehouse/prod/history.jsonl                          every release and rollback, a line each

Numbers count up, whatever the clock says. Everything here but reading needs the lock.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataops.files import sync, write_whole
from dataops.project import PROJECT
from dataops.release import CannotRelease
from dataops.typed import guide, typed

NAME = re.compile(r"(?P<number>\d{4,})-\d{4}-\d{2}-\d{2}")
FACTS = "release.json"
DRY_RUN = "dry-run"
HISTORY, STOPS = "history.jsonl", "stopped.jsonl"
KEPT_STOPPED = 2
CAUSE = "dataops release"  # of the dbt runs that build a candidate
# What a version holds.
DATA = "prod.duckdb"
MANIFEST, RUN_RESULTS, DOCS, CROSSCHECK = "manifest.json", "run_results.json", "docs.html", "crosscheck"


def warehouses() -> Path:
    """The folder that has one for each environment."""
    return PROJECT / Path(os.environ.get("WAREHOUSE_DIR") or "warehouse").expanduser()


def folder() -> Path:
    """The folder of prod."""
    return warehouses() / "prod"


def link() -> Path:
    """What points at the version that is prod."""
    return folder() / "current"


def candidate() -> Path:
    """The folder of the version that is being made. Always the same, so that dbt need not parse anew for each."""
    return folder() / "candidate"


def shown(path: Path) -> str:
    """A path as a person types it in the project's folder."""
    return os.path.relpath(path)


@dataclass(frozen=True)
class Version:
    """A version of prod, or a candidate that was stopped.

    Attributes:
        folder: with its data and what is told of it.
    """

    folder: Path

    @property
    def id(self) -> str:
        """Its name: number and day."""
        return self.folder.name

    @property
    def number(self) -> int:
        """Counts up from one release to the next; 0 for a dry run."""
        found = NAME.fullmatch(self.id)
        return int(found["number"]) if found else 0

    @property
    def shown(self) -> str:
        """How it is named where a number is enough: 0042, or dry-run."""
        return f"{self.number:04d}" if self.number else self.id

    def is_called(self, name: str) -> bool:
        """Whether a number (42) or a name (0042-2026-11-23) is this one's."""
        return name == self.id or (name.isdecimal() and 0 < int(name) == self.number)

    @property
    def problem(self) -> str | None:
        """Why its data is not what was released, None where nothing is known to be wrong."""
        file = self.folder / DATA
        if not file.is_file():
            return "its data is missing"
        return None if file.stat().st_size == self.facts.get("size") else "its data is damaged"

    @property
    def invocation(self) -> str | None:
        """dbt's id of the run that built it, None where that did not come to an end."""
        try:
            return json.loads((self.folder / RUN_RESULTS).read_text(encoding="utf-8"))["metadata"]["invocation_id"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def facts(self) -> dict[str, Any]:
        """What release.json tells of it; empty where that cannot be read."""
        try:
            facts = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}


def _versions(parent: Path) -> list[Version]:
    if not parent.is_dir():
        return []
    found = [Version(path) for path in parent.iterdir() if NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=lambda version: version.number, reverse=True)


def kept() -> list[Version]:
    """The versions that are kept, newest first."""
    return _versions(folder() / "releases")


def stopped() -> list[Version]:
    """The candidates that were stopped, newest first."""
    return _versions(folder() / "stopped")


def dry_run() -> Version | None:
    """The candidate of the last dry run."""
    version = Version(folder() / DRY_RUN)
    return version if version.folder.is_dir() else None


def current() -> Version | None:
    """The version that is prod; None where nothing was released yet.

    Raises:
        CannotRelease: there are versions, and nothing says which one is prod.
    """
    if link().is_symlink() and link().is_dir():
        found = Version(link().resolve())
        if NAME.fullmatch(found.id):
            return found
    versions = kept()
    if not versions and not os.path.lexists(link()):
        return None
    last = last_current()
    names = [version.id for version in versions]
    best = last if last in names else names[0] if names else None
    what = "is missing" if not os.path.lexists(link()) else "leads to no version"
    if best is None:
        raise CannotRelease(
            f"{shown(link())} {what}, and no version is kept in {shown(folder() / 'releases')}.",
            f"Put the versions back, or start anew: mv {shown(folder())} {shown(folder())}.lost",
        )
    aside = "" if link().is_symlink() or not os.path.lexists(link()) else f"mv {shown(link())} {shown(link())}.old; "
    raise CannotRelease(
        f"{shown(link())} {what}, so nothing says which version is prod"
        + (f"; by the history it was {last}." if last else "."),
        f"Type: {aside}{typed('rollback', to=best)}",
    )


def find(name: str, among: list[Version]) -> Version:
    """The version of a number or name.

    Raises:
        CannotRelease: there is none.
    """
    for version in among:
        if version.is_called(name):
            return version
    for version in stopped():
        if version.is_called(name):
            raise CannotRelease(
                f"{version.id} was stopped, so it never was a version of prod.", f"See: {typed('releases')}"
            )
    if not among:
        raise CannotRelease(f"Nothing was released yet, so there is no version {name!r}.", f"See: {typed('releases')}")
    names = ", ".join(version.id for version in among)
    raise CannotRelease(f"There is no version {name!r}.{nearest(name, among)}", f"These are kept: {names}.")


def nearest(name: str, among: list[Version]) -> str:
    """A question that suggests the version with the most similar number or name; empty where none is similar.

    >>> versions = [Version(Path("0042-2026-11-23")), Version(Path("0041-2026-11-20")), Version(Path("dry-run"))]
    >>> [nearest(name, versions) for name in ("0042-2026-11-32", "442", "dryrun", "7")]
    [' Did you mean 0042-2026-11-23?', ' Did you mean 42?', ' Did you mean dry-run?', '']
    """
    names = [*(version.id for version in among), *(str(version.number) for version in among if version.number)]
    found = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {found[0]}?" if found else ""


def require_prod() -> Version:
    """The version that is prod, with its data.

    Raises:
        CannotRelease: nothing was released yet, nothing says which version is prod, or its data is missing or damaged.
    """
    version = current()
    if version is None:
        raise CannotRelease(
            f"Nothing was released yet: {shown(link() / DATA)} is missing.", f"Type: {typed('release')}"
        )
    if version.problem:
        raise CannotRelease(f"{version.id} is prod, and {version.problem}.", how_to_go_back(version))
    return version


def how_to_go_back(lost: Version) -> str:
    """What to type where a version that is prod has lost its data: the nearest version that it was made from, else the newest."""
    line, version = [], before(lost)
    while version is not None and version not in line:
        line.append(version)
        version = before(version)
    for version in [*line, *kept()]:
        if version.id != lost.id and not version.problem:
            return f"Go back to a version that is whole: {typed('rollback', to=version.number)}"
    return (
        f"No other version is whole. Put {shown(lost.folder)} back from a backup, or start over:"
        f" mv {shown(folder())} {shown(folder())}.lost && {typed('release')}"
    )


def next_id(now: datetime) -> str:
    """The name of the next version: one more than any number that was ever used, whatever the clock says."""
    numbers = [version.number for version in [*kept(), *stopped()]]
    events = [*history(), *(stop for stop in stops() if stop["action"] == "stopped")]
    numbers += [int(NAME.fullmatch(event["id"])["number"]) for event in events if NAME.fullmatch(event["id"])]
    return f"{max(numbers, default=0) + 1:04d}-{now:%Y-%m-%d}"


def point_at(version: Version) -> float:
    """Makes a version prod, at once: who opens prod has all of the version before or all of this one.

    Returns:
        How long that took, in milliseconds.
    """
    start = time.perf_counter()
    beside = link().with_name("current.next")
    beside.unlink(missing_ok=True)
    beside.symlink_to(os.path.relpath(version.folder, folder()))
    os.replace(beside, link())
    sync(folder())
    return (time.perf_counter() - start) * 1000


def admit(made: Path, id: str) -> Version:
    """Puts a finished candidate among the versions. It is prod only when `point_at` says so."""
    version = Version(folder() / "releases" / id)
    version.folder.parent.mkdir(exist_ok=True)
    os.rename(made, version.folder)
    sync(version.folder.parent)
    return version


def set_aside(left: Path, id: str) -> Version:
    """Moves a candidate that is not to be prod to `stopped/`, where two are kept: this one and the last whose build came to
    an end. One of a dry run takes the place of the dry run before."""
    if id == DRY_RUN:
        if earlier := dry_run():
            remove(earlier)
        version = Version(folder() / DRY_RUN)
        os.rename(left, version.folder)
        _note_stop(version)
        return version
    version = Version(folder() / "stopped" / id)
    version.folder.parent.mkdir(exist_ok=True)
    os.rename(left, version.folder)
    # What never came to a result is looked into least.
    others = sorted(
        (one for one in stopped() if one != version), key=lambda one: not (one.folder / RUN_RESULTS).exists()
    )
    for older in others[KEPT_STOPPED - 1 :]:
        remove(older)
    _note_stop(version)
    return version


def _note_stop(version: Version) -> None:
    with contextlib.suppress(OSError):  # on a full disk its folder alone tells of it
        _append(STOPS, described_stop(version.folder, version.id))


def remove(version: Version) -> None:
    """Removes a version. It leaves its place at once: a version that is listed is whole."""
    bin = folder() / "removed"
    bin.mkdir(exist_ok=True)
    os.rename(version.folder, bin / version.id)
    empty_bin()


def discard_candidate() -> None:
    """Removes what a release leaves that was refused before it made anything."""
    shutil.rmtree(candidate(), ignore_errors=True)


def empty_bin() -> None:
    """Removes what was left where versions go before they are gone."""
    shutil.rmtree(folder() / "removed", ignore_errors=True)


def outdated(keep: int) -> list[Version]:
    """The versions beyond `keep`. Prod is kept first, then what it was made from, then the newest of the others."""
    line, version = [], current()
    while version is not None and version not in line:
        line.append(version)
        version = before(version)
    return [*line, *(version for version in kept() if version not in line)][keep:]


def before(version: Version) -> Version | None:
    """The version that a version was made from; None where it was the first, or that one is not kept."""
    return find_kept(version.facts.get("base"))


def history() -> list[dict[str, Any]]:
    """What happened, oldest first: `action`, `id`, `from`, `at` (UTC), `by` and, where one was given, `reason`."""
    return _events(HISTORY)


def stops() -> list[dict[str, Any]]:
    """The candidates that did not become prod, oldest first (`described_stop`), those that are removed by now too; and which of
    them were reported (`action` is `reported`)."""
    events = _events(STOPS)
    known = {event["id"] for event in events}
    return events + [described_stop(one.folder, one.id) for one in reversed(stopped()) if one.id not in known]


def described_stop(left: Path, id: str) -> dict[str, Any]:
    """What stops() tells of a candidate: `action` (`stopped` or `dry run`), `id`, `at`, why, and the dbt run that built it."""
    facts = Version(left).facts
    told = {name: facts.get(name) for name in ("base", "commit", "subject", "remedy")}
    return told | {
        "action": "dry run" if facts.get("dry_run") else facts.get("outcome", "stopped"),
        "id": id,
        "at": facts.get("made_at", timestamp()),
        "by": facts.get("made_by"),
        "reason": "; ".join(facts.get("reasons", [])) or None,
        "invocation": Version(left).invocation,
    }


def record_reported(id: str) -> None:
    """Notes that somebody was told of a candidate that was stopped."""
    _append(STOPS, {"action": "reported", "id": id, "at": timestamp()})


def _events(name: str) -> list[dict[str, Any]]:
    try:
        lines = (folder() / name).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    events = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:  # a line that was not written to its end
            continue
        if isinstance(event, dict) and {"action", "id", "at"} <= event.keys():
            events.append(event)
    return events


def last_current() -> str | None:
    """The version that was prod last, as the history tells."""
    events = history()
    return events[-1]["id"] if events else None


def record(action: str, version: Version, before: Version | None, by: str, reason: str | None = None) -> None:
    """Adds a line to the history."""
    event = {"action": action, "id": version.id, "from": before and before.id, "at": timestamp(), "by": by}
    if reason:
        event["reason"] = reason
    _append(HISTORY, event)


def _append(name: str, event: dict[str, Any]) -> None:
    file = folder() / name
    torn = file.exists() and not file.read_bytes().endswith(b"\n") and file.stat().st_size
    line = ("\n" if torn else "") + json.dumps(event, ensure_ascii=False) + "\n"
    with file.open("ab", buffering=0) as handle:
        handle.write(line.encode())
        os.fsync(handle.fileno())


def timestamp() -> str:
    """Now, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def as_of(moment: datetime) -> Version:
    """The version that was prod at a moment.

    Raises:
        CannotRelease: there was none, or it is not kept any more.
    """
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    events = [event for event in history() if datetime.fromisoformat(event["at"]) <= moment]
    if not events:
        first = next((event["at"].replace("T", " ") for event in history()), None)
        since = f" The first release was at {first}." if first else ""
        raise CannotRelease(
            f"Nothing was released yet at {moment.isoformat(sep=' ')}.{since}", f"See: {typed('releases')}"
        )
    id = events[-1]["id"]
    if version := find_kept(id):
        return version
    raise CannotRelease(
        f"{id} was prod at {moment.isoformat(sep=' ')}, and is not kept any more.",
        f"RELEASES_KEPT says how many are ({guide('.env.example')}).",
    )


def recover(prod: Version | None, by: str) -> list[str]:
    """Puts in order what a release or rollback that was killed left behind. Returns what was done, a sentence each.

    Args:
        prod: the version that is prod, None where that is not known.
        by: who runs this.
    """
    said = []
    empty_bin()
    link().with_name("current.next").unlink(missing_ok=True)
    if candidate().exists():
        id = str(Version(candidate()).facts.get("id", ""))
        if (candidate() / DATA).exists():
            known = id == DRY_RUN or NAME.fullmatch(id)
            left = set_aside(candidate(), id if known else next_id(datetime.now(UTC)))
            said.append(f"A release did not finish. What it made so far is {shown(left.folder)}; prod is as it was.")
        else:
            discard_candidate()
            said.append("A release did not finish. It had made nothing yet; prod is as it was.")
    if prod is not None and prod.id != last_current():
        known = {event["id"] for event in history()}
        before = find_kept(last_current())
        record("rollback" if prod.id in known else "release", prod, before, by, "noted afterwards: it was killed")
        said.append(f"{prod.id} was put in its place by somebody who was stopped before noting it; it is noted now.")
    known = {event["id"] for event in history()}
    for version in kept():
        if version.id not in known:
            write_facts(version.folder, version.facts | {"outcome": "stopped", "reasons": ["killed before the swap"]})
            set_aside(version.folder, version.id)
            said.append(f"{version.id} was finished and never became prod; it is in {shown(folder() / 'stopped')}.")
    return said


def find_kept(id: str | None) -> Version | None:
    """A version by its name, None where it is not kept."""
    return next((version for version in kept() if version.id == id), None)


def write_facts(place: Path, facts: dict[str, Any]) -> None:
    """Writes release.json, whole or not at all."""
    write_whole(place / FACTS, json.dumps(facts, indent=2, ensure_ascii=False) + "\n", durable=True)
