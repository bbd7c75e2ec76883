"""One DuckDB connection that reads base and head.

A view names its own database, which is the stem of its file. So a file is attached under its stem; where both files have
the same one (every release is called prod.duckdb) the head's gets another name, and its views, which would silently read
the base's tables, are copied by a connection of their own.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb

from dataops.engines.base import CannotOpen, Data, Workspace, quote
from dataops.engines.duckdb.files import DuckDBFile, DuckDBSession, attach, engine_error, text

TAKEN = {"memory", "system", "temp", "main"}  # names of databases that DuckDB has itself


class DuckDBWorkspace(Workspace):
    """A connection in memory that has both files attached, and a folder for what does not fit into memory.

    Args:
        base: what is compared with.
        head: what is under test.
        config: settings of the connection.
    """

    def __init__(self, base: DuckDBFile, head: DuckDBFile, config: Mapping[str, str]):
        self._temporary = tempfile.TemporaryDirectory(prefix="crosscheck-")
        self._folder = Path(self._temporary.name)
        self._config = dict(config)
        connection = duckdb.connect(config=self._config)
        self.session = DuckDBSession(connection)
        connection.execute(f"set temp_directory = {text(self._folder / 'spill')}; set preserve_insertion_order = false")
        self._aliases: dict[Path, str] = {}
        taken = set(TAKEN)
        for data in (base, head):
            alias = data.file.stem
            while alias.lower() in taken:
                alias += "_head"
            taken.add(alias.lower())
            self._aliases[data.file] = alias
            try:
                attach(connection, data.file, alias)
            except duckdb.Error as error:
                self.close()
                raise CannotOpen(f"{data.shown} cannot be opened: {error}") from None

    def address(self, data: Data, schema: str, name: str, kind: str) -> str:
        alias = self._aliases[data.file]
        if kind == "view" and alias != data.file.stem:
            return self._copied(data, schema, name)
        return ".".join(map(quote, (alias, schema, name)))

    def _copied(self, data: DuckDBFile, schema: str, name: str) -> str:
        """A copy of a view, made where its file has its own name."""
        file = self._folder / "view.duckdb"
        self.session.run("detach database if exists copied_view")
        file.unlink(missing_ok=True)
        try:
            with duckdb.connect(config=self._config) as own:
                attach(own, data.file, data.file.stem)
                own.execute(f"attach {text(file)} as copied_view")
                view = ".".join(map(quote, (data.file.stem, schema, name)))
                own.execute(f"create table copied_view.main.rows_of_view as from {view}")
            attach(self.session.own, file, "copied_view")
        except duckdb.Error as error:
            raise engine_error(error) from error
        return '"copied_view"."main"."rows_of_view"'

    def is_view(self, address: str) -> bool:
        database, schema, name = (part.replace('""', '"') for part in re.findall(r'"((?:[^"]|"")*)"', address))
        (views,) = self.session.row(
            "select count(*) from duckdb_views() where database_name = ? and schema_name = ? and view_name = ?",
            [database, schema, name],
        )
        return bool(views)

    def close(self) -> None:
        self.session.close()
        self._temporary.cleanup()
