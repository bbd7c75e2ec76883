"""The protocol of an engine: where data is, how it is read, and how a version of prod is made, published and put back.

Terms: a *relation* is a table or view. *Data* is something that holds relations: the warehouse of an environment, a version of
prod, a candidate. A *version* is known by its folder, which has its manifest, docs and facts on every engine; where its data is, the
engine decides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dataops.errors import DataopsError
from dataops.missing import Missing
from dataops.project import Environment, Project

Relation = tuple[str, str]  # schema and name, in lower case
LONGEST_VALUE = 200  # characters of a value that are shown


class EngineError(DataopsError):
    """The engine could not do something. The problem names the kind of error, and quotes no data.

    Attributes:
        engine: its name.
        kind: the engine's name of the error.
        text: what the engine says, in one line. It may quote data.
        whole_text: all that the engine says.
        only_names: whether the text can name relations and columns only: one is missing, or the SQL is not valid.
    """

    def __init__(self, engine: str, kind: str, whole_text: str, only_names: bool):
        self.engine = engine
        self.kind = kind
        self.whole_text = whole_text
        self.text = whole_text.splitlines()[0] if whole_text else kind
        self.only_names = only_names
        super().__init__(f"{engine} stopped: {self.text}" if only_names else f"{engine} stopped with {kind}.")


class CannotOpen(DataopsError):
    """Data cannot be opened: it is missing, damaged, held by another program, or of a newer version of the engine."""


class ViewFails(DataopsError):
    """The SQL of a view fails on some row."""


def quote(name: str) -> str:
    """A name as an SQL identifier.

    >>> print(quote('a "b"'))
    "a ""b""\"
    """
    return '"' + name.replace('"', '""') + '"'


class Session(AbstractContextManager):
    """A connection to data. Closed by `with`.

    Attributes:
        own: the engine's own connection, for those who want it.
    """

    own: Any

    @abstractmethod
    def run(self, sql: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        """Runs a statement.

        Args:
            sql: the statement.
            values: of its parameters, `?` or `$name`.

        Raises:
            EngineError: it failed.
        """

    @abstractmethod
    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> list[tuple]:
        """The rows of a query. Arguments and errors are those of `run`."""

    def row(self, sql: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> tuple:
        """The first row of a query; an empty tuple where it has none."""
        return next(iter(self.rows(sql, values)), ())

    @abstractmethod
    def relations(self) -> dict[Relation, str]:
        """What is in the data: `table` or `view` by schema and name."""

    def use(self, schema: str) -> None:
        """Looks unqualified names up in a schema from now on.

        Raises:
            EngineError: there is no such schema.
        """
        self.run(f"use {quote(schema)}")

    def address(self, schema: str, name: str) -> str:
        """A relation as SQL names it in this session."""
        return f"{quote(schema)}.{quote(name)}"

    @abstractmethod
    def close(self) -> None:
        """Ends the session."""

    def __exit__(self, *_: object) -> None:
        self.close()


class Data(ABC):
    """Something that holds relations."""

    @property
    @abstractmethod
    def shown(self) -> str:
        """How messages name it: a path, for example."""

    @property
    @abstractmethod
    def database(self) -> str:
        """The name of its database in dbt's manifest."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether it is there at all."""

    @abstractmethod
    def is_same(self, other: Data) -> bool:
        """Whether both are one and the same, under whatever name. Data that does not exist yet is known by where it will be."""

    @abstractmethod
    def wait(self, *, to_write: bool = False, seconds: float = 60) -> str | None:
        """Waits while another process keeps it from being read (or written), and says so on standard error. Returns None,
        or what is wrong with it. What is missing can be written.

        Args:
            to_write: whether to wait until it can be written.
            seconds: how long to wait before giving up.
        """

    @abstractmethod
    def open(self, *, read_only: bool = True) -> Session:
        """A session.

        Raises:
            CannotOpen: it cannot be opened.
        """

    def relations(self) -> dict[Relation, str]:
        """What is in it: `table` or `view` by schema and name. Raises CannotOpen where it cannot be opened."""
        with self.open() as session:
            return session.relations()


class Dialect(ABC):
    """The parts of the comparison's SQL that differ from engine to engine.

    Attributes:
        row_number: a pseudo-column of tables that numbers the rows in the order in which they were written; empty where the
            engine has none, and tables are not probed then.
    """

    row_number: str = ""

    @abstractmethod
    def common_type(self, base: str, head: str) -> str:
        """The type in which a column of base and one of head are compared: whole numbers and decimals exactly, a number and a
        float as a float, everything that has no common type as text."""

    @abstractmethod
    def is_number(self, data_type: str) -> bool:
        """Whether a type has a mean."""

    @abstractmethod
    def describe(self, relation: str) -> str:
        """A query whose rows begin with name and type of a column of the relation."""

    @abstractmethod
    def temp_table(self, name: str, query: str) -> str:
        """A statement, or several with semicolons between them, that puts the rows of a query into a temporary table. An earlier
        table of that name is replaced."""

    def column(self, name: str, alias: str = "") -> str:
        """A column, with the alias of its table."""
        return f"{alias}.{quote(name)}" if alias else quote(name)

    @abstractmethod
    def fingerprint(self, expressions: Iterable[str]) -> str:
        """A hash of some values together: equal values have equal hashes, and null is a value too. Mixed, so that the sum of two
        rows' hashes shows where they swapped a value."""

    @abstractmethod
    def total(self, numbers: str) -> str:
        """The sum of fingerprints, exactly; 0 of no rows."""

    @abstractmethod
    def semi_join(self, other: str, condition: str) -> str:
        """What follows a relation to keep its rows that have a match in another one."""

    @abstractmethod
    def sample(self) -> str:
        """What follows a relation to read about a hundredth of its rows; empty where the engine reads all."""

    @abstractmethod
    def number(self, expression: str) -> str:
        """A number as one that has a mean."""

    @abstractmethod
    def text(self, expression: str) -> str:
        """A value as text."""

    @abstractmethod
    def hidden(self, expression: str, salt: str) -> str:
        """A value as a salted hash, which tells rows apart and nothing else."""

    @abstractmethod
    def shortened(self, expression: str) -> str:
        """A value as text that is cut after LONGEST_VALUE characters."""


class Workspace(AbstractContextManager):
    """One session that reads base and head.

    Attributes:
        session: with temporary tables of its own.
    """

    session: Session

    @abstractmethod
    def address(self, data: Data, schema: str, name: str, kind: str) -> str:
        """A relation as SQL names it here, with the rows that its own data would show.

        Args:
            data: base or head.
            schema, name: of the relation, as the engine spells them.
            kind: `table` or `view`.
        """

    @abstractmethod
    def is_view(self, address: str) -> bool:
        """Whether an address of this workspace is a view, which is expensive to read twice."""

    @abstractmethod
    def close(self) -> None:
        """Ends the session, and removes what was kept for it."""

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Copy:
    """How a candidate came to its data.

    Attributes:
        how: in a word or two: `copied`, `cloned`.
        size: of the data, in bytes.
    """

    how: str
    size: int


@dataclass(frozen=True)
class Pointer:
    """What says which version is prod.

    Attributes:
        folder: of that version; None where nothing says it.
        shown: how messages name what says it.
        exists: whether there is anything at all.
        put_aside: a command that puts something else out of its place; empty where nothing is in the way.
    """

    folder: Path | None
    shown: str
    exists: bool
    put_aside: str = ""


@dataclass(frozen=True)
class Damage:
    """Damaged data, or a damaged part of it.

    Attributes:
        what: is wrong, as the engine says it.
        shown: how messages name what is damaged.
        is_all: whether all of the data is lost with it, or only what was written last.
        place: where it is, for the engine.
    """

    what: str
    shown: str
    is_all: bool
    place: Any


@dataclass(frozen=True)
class Portable:
    """The files that an engine needs to find prod again on another machine.

    Attributes:
        of_version: names in the folder of a version.
        of_prod: names in prod's folder, beside the versions.
        pointer: the name in prod's folder of what says which version is prod; empty where something else says it.
    """

    of_version: tuple[str, ...] = ()
    of_prod: tuple[str, ...] = ()
    pointer: str = ""


class Engine(ABC):
    """A database, for one project.

    Attributes:
        type: dbt's name of the adapter.
        name: as people write it.
        atomicity: what readers see while a version is published, in a sentence. A release prints it.
        data_word: what messages call data that is named otherwise than by an environment.
        tools: the Python distributions that it needs. A release records their versions.
        dialect: its part of the comparison's SQL.
    """

    type: ClassVar[str]
    name: ClassVar[str]
    atomicity: ClassVar[str]
    data_word: ClassVar[str] = "file"
    tools: ClassVar[tuple[str, ...]] = ()
    dialect: ClassVar[Dialect]

    def __init__(self, project: Project):
        self.project = project

    # Where data is

    @abstractmethod
    def environment(self, environment: Environment) -> Data:
        """The warehouse of an environment, as profiles.yml has it. Prod is the version that is current, or the candidate while a
        release builds one (`Project.candidate`).

        Raises:
            DataopsError: profiles.yml cannot be read, or has no such target.
        """

    @abstractmethod
    def named(self, name: str) -> Data | None:
        """Data that a person names otherwise than by an environment, on DuckDB by the path of a file; None where there is none.

        Raises:
            DataopsError: the name is that of something else.
        """

    @abstractmethod
    def version(self, folder: Path) -> Data:
        """The data of a version of prod, or of a candidate."""

    @abstractmethod
    def prepare(self, environment: Environment) -> str | None:
        """Makes what must be there before dbt opens an environment. Returns None, or why that is not possible."""

    def missing_in_profile(self, environment: Environment) -> Missing | None:
        """What the target of an environment in profiles.yml lacks, with the lines to write; None where it is complete.

        Raises:
            DataopsError: the target cannot be read.
        """
        return None

    def written_files(self, environment: Environment) -> list[Path]:
        """The files that hold an environment, which git should ignore; none where it lies on a server."""
        return []

    @abstractmethod
    def workspace(self, base: Data, head: Data) -> Workspace:
        """A session that reads base and head.

        Raises:
            CannotOpen: one of them cannot be opened.
        """

    # Versions of prod

    @abstractmethod
    def current(self, environment: Environment) -> Pointer:
        """Which version is prod."""

    @abstractmethod
    def publish(self, environment: Environment, folder: Path) -> float:
        """Makes a version prod, at once. Returns how long that took, in milliseconds."""

    @abstractmethod
    def clean_up(self, environment: Environment) -> None:
        """Removes what a publish that was killed left behind."""

    @abstractmethod
    def start_candidate(self, base: Path, facts: Mapping[str, Any], folder: Path) -> Copy:
        """Puts a copy of a version's data into a folder, for a build to start from.

        Args:
            base: the version's folder.
            facts: the version's facts.
            folder: of the candidate.

        Raises:
            DataopsError: it cannot be read, or there is no room for the copy and the build.
        """

    @abstractmethod
    def reopen(self, folder: Path) -> None:
        """Makes a candidate that `finish` has closed writable again."""

    @abstractmethod
    def finish(self, folder: Path) -> None:
        """Closes a candidate: what was built is written whole, and nobody can write to it any more.

        Raises:
            CannotOpen: it cannot be opened or written.
        """

    def moved(self, folder: Path, to: Path) -> None:  # noqa: B027 - nothing to do is what most engines need
        """Called after the folder of a version or candidate was renamed. Data that lies in the folder needs nothing."""

    def forget(self, folder: Path) -> None:  # noqa: B027
        """Called before the folder of a version or candidate is removed. Data that lies in the folder needs nothing."""

    @abstractmethod
    def state(self, folder: Path) -> dict[str, Any]:
        """What tells later whether a version's data is as it was: facts such as its size in bytes (`size`)."""

    @abstractmethod
    def problem(self, folder: Path, facts: Mapping[str, Any]) -> str | None:
        """Why the data of a version is not what was released; None where nothing is known to be wrong."""

    @abstractmethod
    def made_with(self, name: str, facts: Mapping[str, Any]) -> str | None:
        """With which version of the engine a version was made, where another one is installed, in a sentence."""

    @abstractmethod
    def read_everything(self, data: Data) -> int:
        """Reads every row of every table and view, so that damage is found now. Returns the number of rows in tables.

        Raises:
            ViewFails: the SQL of a view fails on some row.
            CannotOpen: a table cannot be read.
        """

    @abstractmethod
    def views_reading_outside(self, data: Data) -> dict[Relation, str]:
        """The views that need something outside the data to be read, each with the engine's reason.

        Raises:
            EngineError: the data cannot be opened.
        """

    @abstractmethod
    def drop(self, data: Data, relations: Mapping[Relation, str]) -> None:
        """Drops relations.

        Args:
            data: a candidate.
            relations: `table` or `view` by schema and name.
        """

    # CI

    @abstractmethod
    def create_empty(self, folder: Path) -> None:
        """Creates empty data in a folder, for when prod has no version to copy."""

    def copy_variables(self, folder: Path) -> dict[str, str]:
        """The environment variables by which CI's target finds the copy of prod in a folder; none where it needs none.

        Keep their values the same from run to run, with or without a prod, or dbt discards its parse cache.
        """
        return {}

    @abstractmethod
    def remove(self, data: Data) -> None:
        """Removes data, so that a build starts from nothing. There may be none."""

    def remove_old_runs(self, environment: Environment, run: str, days: int) -> None:  # noqa: B027
        """Removes what earlier runs of CI built, where a runner keeps its disk.

        Args:
            environment: of CI.
            run: the id of this run, which is part of where its data is.
            days: how old data must be to be removed.
        """

    def portable(self, environment: Environment) -> Portable:
        """The files that hold prod, for CI jobs that lose their disk; none where the data lies on a server.

        Args:
            environment: prod.
        """
        return Portable()

    @abstractmethod
    def carry_over(
        self, prod: Data, target: Data, views: Mapping[Relation, Relation], tables: Mapping[Relation, Relation]
    ) -> None:
        """Fills a new environment with what dbt does not read from another one.

        Args:
            prod: a copy of prod's version, which dbt will see under prod's name.
            target: the environment, which does not exist yet.
            views: to make, each of a relation of prod; those that prod lacks are left out.
            tables: to copy with their constraints, each of a table of prod; those that prod lacks are left out.
        """

    @abstractmethod
    def source_files(self, source: Mapping[str, Any]) -> list[str] | None:
        """The paths of a source that lies in files; None for one in a database, or that comes from elsewhere.

        Args:
            source: of dbt's manifest.
        """

    # Monitoring

    @abstractmethod
    def monitoring(self, environment: Environment) -> Data:
        """Where Elementary keeps its tables of an environment."""

    @abstractmethod
    def monitoring_variables(self, data: Data) -> dict[str, str]:
        """The environment variables by which the profile `elementary` of profiles.yml finds monitoring data."""

    @abstractmethod
    def copy_into(self, data: Data, folder: Path) -> Data:
        """A copy of monitoring data that nobody else writes to, gone with its folder (`forget`).

        Args:
            data: whose copy is wanted.
            folder: for the copy.
        """

    def damage(self, data: Data, *, to_write: bool = False) -> Damage | str | None:
        """Waits while another process has monitoring data open, then looks for damage.

        Args:
            data: that is examined.
            to_write: whether to wait until it can be written.

        Returns:
            None if it is whole or missing, its damage, or why it cannot be read though it is not damaged.
        """
        return data.wait(to_write=to_write)

    def set_aside(self, damage: Damage) -> str:
        """Puts what is damaged out of the way, without overwriting anything. Returns how messages name where it is now.

        Raises:
            DataopsError: that is not possible.
        """
        raise NotImplementedError("An engine that finds damage says how to set it aside.")
