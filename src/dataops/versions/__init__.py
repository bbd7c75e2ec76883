"""The versions of prod: where they are, which one is prod, and what happened to them.

    warehouse/prod/releases/<id>/     a version: its facts, manifest, docs and crosscheck; never changed once it is there
    warehouse/prod/candidate/         the version that is being made
    warehouse/prod/stopped/<id>/      candidates that were stopped
    warehouse/prod/dry-run/           the candidate of the last dry run, which has no number
    warehouse/prod/history.jsonl      every release and rollback, a line each

Where their data is, the engine knows. Numbers count up, whatever the clock says. Everything here but reading needs the lock
(lock.py).
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from dataops.engines import CannotOpen, Data, Engine, Session, engine_of
from dataops.errors import DataopsError
from dataops.files import sync, write_whole
from dataops.project import Environment, Project
from dataops.typed import guide, shown, typed

NAME = re.compile(r"(?P<number>\d{4,})-\d{4}-\d{2}-\d{2}")
FACTS = "release.json"
DRY_RUN = "dry-run"
HISTORY, STOPS = "history.jsonl", "stopped.jsonl"
KEPT_STOPPED = 2
# What a version's folder holds besides its data.
MANIFEST, RUN_RESULTS, DOCS, CROSSCHECK = "manifest.json", "run_results.json", "docs.html", "crosscheck"


class CannotRelease(DataopsError):
    """Why something could not be done with a version of prod, and what to type instead."""


@dataclass(frozen=True)
class Version:
    """A version of prod, or a candidate that was stopped.

    Attributes:
        folder: with its facts, manifest and docs.
        engine: knows its data.
    """

    folder: Path
    engine: Engine = field(compare=False, repr=False)

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
        return self.engine.problem(self.folder, self.facts)

    @property
    def data(self) -> Data:
        """Its data."""
        return self.engine.version(self.folder)

    def open(self, *, read_only: bool = True) -> Session:
        """A session that reads its data.

        Raises:
            CannotRelease: it holds none, or it cannot be opened.
        """
        if not self.data.exists():
            reasons = "; ".join(self.facts.get("reasons", []))
            why = (
                f"its release was stopped before any was made: {reasons}"
                if reasons
                else f"{self.data.shown} is missing"
            )
            raise CannotRelease(f"{self.id} holds no data: {why}.", f"See: {typed('releases')}")
        try:
            return self.data.open(read_only=read_only)
        except CannotOpen as error:
            damaged = f"It is damaged, or another program writes to it. See: {typed('releases')}"
            raise CannotRelease(error.problem, self.engine.made_with(self.id, self.facts) or damaged) from None

    @property
    def views_reading_outside(self) -> list[str]:
        """Its views that read outside it, sorted; empty where its data cannot be opened.

        A release refuses such views. Versions that were made before it did can have them.
        """
        names = self.facts.get("views_reading_outside")
        if names is None:
            try:
                names = map(".".join, self.engine.views_reading_outside(self.data))
            except DataopsError:
                names = []
        return sorted(names)

    @property
    def outside_warning(self) -> str | None:
        """What readers should know of its views that read outside it; None where it has none."""
        if not (names := self.views_reading_outside):
            return None
        show = "shows" if len(names) == 1 else "show"
        return f"{self.id}: {', '.join(names)} {show} what lies outside the version now, not what was released."

    @property
    def invocation(self) -> str | None:
        """dbt's id of the run that built it, None where that did not come to an end."""
        try:
            return json.loads((self.folder / RUN_RESULTS).read_text(encoding="utf-8"))["metadata"]["invocation_id"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def facts(self) -> dict[str, Any]:
        """What release.json says of it; empty where that cannot be read."""
        try:
            facts = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}


class Versions:
    """The versions of a project's prod.

    Args:
        project: the project.

    Attributes:
        project: the project.
        environment: prod.
        folder: of prod, with all versions.
        candidate: the folder of the version that is being made. Always the same, so that dbt keeps its parse cache.
    """

    def __init__(self, project: Project):
        self.project = project
        self.environment: Environment = project.prod
        self.folder: Path = project.prod.folder
        self.candidate: Path = self.folder / "candidate"

    @cached_property
    def engine(self) -> Engine:
        """The engine of prod."""
        return engine_of(self.project)

    def version(self, folder: Path) -> Version:
        """The version in a folder."""
        return Version(folder, self.engine)

    def _in(self, parent: Path) -> list[Version]:
        if not parent.is_dir():
            return []
        found = [self.version(path) for path in parent.iterdir() if NAME.fullmatch(path.name) and path.is_dir()]
        return sorted(found, key=lambda version: version.number, reverse=True)

    def kept(self) -> list[Version]:
        """The versions that are kept, newest first."""
        return self._in(self.folder / "releases")

    def stopped(self) -> list[Version]:
        """The candidates that were stopped, newest first."""
        return self._in(self.folder / "stopped")

    def dry_run(self) -> Version | None:
        """The candidate of the last dry run."""
        version = self.version(self.folder / DRY_RUN)
        return version if version.folder.is_dir() else None

    def current(self) -> Version | None:
        """The version that is prod; None where nothing was released yet.

        Raises:
            CannotRelease: there are versions, and nothing says which one is prod.
        """
        pointer = self.engine.current(self.environment)
        if pointer.folder and NAME.fullmatch(pointer.folder.name):
            return self.version(pointer.folder)
        versions = self.kept()
        if not versions and not pointer.exists:
            return None
        last = self.last_current()
        names = [version.id for version in versions]
        best = last if last in names else names[0] if names else None
        what = "leads to no version" if pointer.exists else "is missing"
        if best is None:
            raise CannotRelease(
                f"{pointer.shown} {what}, and no version is kept in {shown(self.folder / 'releases')}.",
                f"Put the versions back, or start over: mv {shown(self.folder)} {shown(self.folder)}.lost",
            )
        put_aside = f"{pointer.put_aside}; " if pointer.put_aside else ""
        raise CannotRelease(
            f"{pointer.shown} {what}, so nothing says which version is prod"
            + (f"; by the history it was {last}." if last else "."),
            f"Type: {put_aside}{typed('rollback', to=best)}",
        )

    def find(self, name: str, among: list[Version]) -> Version:
        """The version of a number or name.

        Raises:
            CannotRelease: there is none.
        """
        for version in among:
            if version.is_called(name):
                return version
        for version in self.stopped():
            if version.is_called(name):
                raise CannotRelease(
                    f"{version.id} was stopped, so it never was a version of prod.", f"See: {typed('releases')}"
                )
        if not among:
            raise CannotRelease(
                f"Nothing was released yet, so there is no version {name!r}.", f"See: {typed('releases')}"
            )
        names = ", ".join(version.id for version in among)
        raise CannotRelease(
            f"There is no version {name!r}.{nearest(name, among)}", f"These versions are kept: {names}."
        )

    def require_prod(self) -> Version:
        """The version that is prod, with its data.

        Raises:
            CannotRelease: nothing was released yet, nothing says which version is prod, or its data is missing or damaged.
        """
        version = self.current()
        if version is None:
            raise CannotRelease(
                f"Nothing was released yet: {shown(self.folder)} holds no version.", f"Type: {typed('release')}"
            )
        if version.problem:
            raise CannotRelease(f"{version.id} is prod, and {version.problem}.", self.how_to_go_back(version))
        return version

    def how_to_go_back(self, lost: Version) -> str:
        """What to type where a version that is prod has lost its data: the nearest version that it was made from, else the newest."""
        line, version = [], self.before(lost)
        while version is not None and version not in line:
            line.append(version)
            version = self.before(version)
        for version in [*line, *self.kept()]:
            if version.id != lost.id and not version.problem:
                return f"Go back to a version that is whole: {typed('rollback', to=version.number)}"
        return (
            f"No other version is whole. Put {shown(lost.folder)} back from a backup, or start over:"
            f" mv {shown(self.folder)} {shown(self.folder)}.lost && {typed('release')}"
        )

    def next_id(self, now: datetime) -> str:
        """The name of the next version: one more than any number that was ever used, whatever the clock says."""
        numbers = [version.number for version in [*self.kept(), *self.stopped()]]
        events = [*self.history(), *(stop for stop in self.stops() if stop["action"] == "stopped")]
        numbers += [int(NAME.fullmatch(event["id"])["number"]) for event in events if NAME.fullmatch(event["id"])]
        return f"{max(numbers, default=0) + 1:04d}-{now:%Y-%m-%d}"

    def publish(self, version: Version) -> float:
        """Makes a version prod, at once. Returns how long that took, in milliseconds."""
        return self.engine.publish(self.environment, version.folder)

    def _move(self, folder: Path, to: Path) -> Version:
        to.parent.mkdir(exist_ok=True)
        os.rename(folder, to)
        self.engine.moved(folder, to)
        return self.version(to)

    def admit(self, made: Path, id: str) -> Version:
        """Puts a finished candidate among the versions. It becomes prod when it is published."""
        version = self._move(made, self.folder / "releases" / id)
        sync(version.folder.parent)
        return version

    def set_aside(self, left: Path, id: str) -> Version:
        """Moves a candidate that is not to be prod to `stopped/`, where two are kept: this one and the last whose build came to
        an end. One of a dry run takes the place of the dry run before."""
        if id == DRY_RUN:
            if earlier := self.dry_run():
                self.remove(earlier)
            version = self._move(left, self.folder / DRY_RUN)
            self._note_stop(version)
            return version
        version = self._move(left, self.folder / "stopped" / id)
        # What never came to a result is looked into least.
        others = sorted(
            (one for one in self.stopped() if one != version), key=lambda one: not (one.folder / RUN_RESULTS).exists()
        )
        for older in others[KEPT_STOPPED - 1 :]:
            self.remove(older)
        self._note_stop(version)
        return version

    def _note_stop(self, version: Version) -> None:
        with contextlib.suppress(OSError):  # on a full disk its folder alone tells of it
            self._append(STOPS, self.described_stop(version.folder, version.id))

    def remove(self, version: Version) -> None:
        """Removes a version. It leaves its place at once: a version that is listed is whole."""
        self._move(version.folder, self.folder / "removed" / version.id)
        self.empty_bin()

    def discard_candidate(self) -> None:
        """Removes what a release leaves that was refused before it made anything."""
        self.engine.forget(self.candidate)
        shutil.rmtree(self.candidate, ignore_errors=True)

    def empty_bin(self) -> None:
        """Removes the versions that were moved to `removed/`, also by a command that was killed, with their data."""
        removed = self.folder / "removed"
        for folder in removed.iterdir() if removed.is_dir() else ():
            self.engine.forget(folder)
        shutil.rmtree(removed, ignore_errors=True)

    def outdated(self, keep: int) -> list[Version]:
        """The versions beyond `keep`. Prod is kept first, then what it was made from, then the newest of the others."""
        line, version = [], self.current()
        while version is not None and version not in line:
            line.append(version)
            version = self.before(version)
        return [*line, *(version for version in self.kept() if version not in line)][keep:]

    def before(self, version: Version) -> Version | None:
        """The version that a version was made from; None where it was the first, or that one is not kept."""
        return self.find_kept(version.facts.get("base"))

    def history(self) -> list[dict[str, Any]]:
        """What happened, oldest first: `action`, `id`, `from`, `at` (UTC), `by` and, where one was given, `reason`."""
        return self._events(HISTORY)

    def stops(self) -> list[dict[str, Any]]:
        """The candidates that did not become prod, oldest first (`described_stop`), those that are removed by now too; and which of
        them were reported (`action` is `reported`)."""
        events = self._events(STOPS)
        known = {event["id"] for event in events}
        return events + [
            self.described_stop(one.folder, one.id) for one in reversed(self.stopped()) if one.id not in known
        ]

    def described_stop(self, left: Path, id: str) -> dict[str, Any]:
        """What `stops` says of a candidate: `action` (`stopped` or `dry run`), `id`, `at`, why, and the dbt run that built it."""
        facts = self.version(left).facts
        copied = {name: facts.get(name) for name in ("base", "commit", "subject", "remedy")}
        return copied | {
            "action": "dry run" if facts.get("dry_run") else facts.get("outcome", "stopped"),
            "id": id,
            "at": facts.get("made_at", timestamp()),
            "by": facts.get("made_by"),
            "reason": "; ".join(facts.get("reasons", [])) or None,
            "invocation": self.version(left).invocation,
        }

    def record_reported(self, id: str) -> None:
        """Notes that somebody was told of a candidate that was stopped."""
        self._append(STOPS, {"action": "reported", "id": id, "at": timestamp()})

    def _events(self, name: str) -> list[dict[str, Any]]:
        try:
            lines = (self.folder / name).read_text(encoding="utf-8").splitlines()
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

    def last_current(self) -> str | None:
        """The version that was prod last, by the history."""
        events = self.history()
        return events[-1]["id"] if events else None

    def record(self, action: str, version: Version, before: Version | None, by: str, reason: str | None = None) -> None:
        """Adds a line to the history."""
        event = {"action": action, "id": version.id, "from": before and before.id, "at": timestamp(), "by": by}
        if reason:
            event["reason"] = reason
        self._append(HISTORY, event)

    def _append(self, name: str, event: dict[str, Any]) -> None:
        file = self.folder / name
        torn = file.exists() and not file.read_bytes().endswith(b"\n") and file.stat().st_size
        line = ("\n" if torn else "") + json.dumps(event, ensure_ascii=False) + "\n"
        with file.open("ab", buffering=0) as handle:
            handle.write(line.encode())
            os.fsync(handle.fileno())

    def as_of(self, moment: datetime) -> Version:
        """The version that was prod at a moment.

        Raises:
            CannotRelease: there was none, or it is not kept any more.
        """
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        events = [event for event in self.history() if datetime.fromisoformat(event["at"]) <= moment]
        if not events:
            first = next((event["at"].replace("T", " ") for event in self.history()), None)
            since = f" The first release was at {first}." if first else ""
            raise CannotRelease(
                f"Nothing was released yet at {moment.isoformat(sep=' ')}.{since}", f"See: {typed('releases')}"
            )
        id = events[-1]["id"]
        if version := self.find_kept(id):
            return version
        raise CannotRelease(
            f"{id} was prod at {moment.isoformat(sep=' ')}, and is not kept any more.",
            f"RELEASES_KEPT says how many are ({guide('.env.example')}).",
        )

    def recover(self, prod: Version | None, by: str) -> list[str]:
        """Puts in order what a release or rollback that was killed left behind. Returns what was done, a sentence each.

        Args:
            prod: the version that is prod, None where that is not known.
            by: who runs this.
        """
        done = []
        self.empty_bin()
        self.engine.clean_up(self.environment)
        if self.candidate.exists():
            id = str(self.version(self.candidate).facts.get("id", ""))
            if self.version(self.candidate).data.exists():
                known = id == DRY_RUN or NAME.fullmatch(id)
                left = self.set_aside(self.candidate, id if known else self.next_id(datetime.now(UTC)))
                done.append(
                    f"A release did not finish. What it made so far is {shown(left.folder)}; prod is as it was."
                )
            else:
                self.discard_candidate()
                done.append("A release did not finish. It had made nothing yet; prod is as it was.")
        if prod is not None and prod.id != self.last_current():
            known = {event["id"] for event in self.history()}
            before = self.find_kept(self.last_current())
            self.record(
                "rollback" if prod.id in known else "release", prod, before, by, "recorded afterwards: it was killed"
            )
            done.append(
                f"{prod.id} was published by a command that was stopped before recording it; it is recorded now."
            )
        known = {event["id"] for event in self.history()}
        for version in self.kept():
            if version.id not in known:
                write_facts(
                    version.folder, version.facts | {"outcome": "stopped", "reasons": ["killed before the swap"]}
                )
                self.set_aside(version.folder, version.id)
                done.append(
                    f"{version.id} was finished and never became prod; it is in {shown(self.folder / 'stopped')}."
                )
        return done

    def resume(self, id: str) -> None:
        """Makes a stopped candidate the candidate again."""
        self._move(self.folder / "stopped" / id, self.candidate)
        self.engine.reopen(self.candidate)

    def find_kept(self, id: str | None) -> Version | None:
        """A version by its name, None where it is not kept."""
        return next((version for version in self.kept() if version.id == id), None)


def nearest(name: str, among: list[Version]) -> str:
    """A question that suggests the version with the most similar number or name; empty where none is similar.

    >>> versions = [Version(Path(name), None) for name in ("0042-2026-11-23", "0041-2026-11-20", "dry-run")]
    >>> [nearest(name, versions) for name in ("0042-2026-11-32", "442", "dryrun", "7")]
    [' Did you mean 0042-2026-11-23?', ' Did you mean 42?', ' Did you mean dry-run?', '']
    """
    names = [*(version.id for version in among), *(str(version.number) for version in among if version.number)]
    found = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {found[0]}?" if found else ""


def timestamp() -> str:
    """Now, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_facts(place: Path, facts: dict[str, Any]) -> None:
    """Writes release.json, whole or not at all."""
    write_whole(place / FACTS, json.dumps(facts, indent=2, ensure_ascii=False) + "\n", durable=True)
