"""Reads dbt macros from their files and makes them callable from SQLFluff's templates."""

from __future__ import annotations

import datetime
import itertools
import re
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

from jinja2 import Environment, UndefinedError
from jinja2.ext import Extension, do
from jinja2.nodes import CallBlock

ADAPTER = "duckdb"
DEFINITION = re.compile(r"\{%-?\s*macro\s+(\w+)\s*\(")


class Returned(Exception):
    """Carries the value of dbt's `return` out of a macro."""

    def __init__(self, value):
        self.value = value


def return_value(value=None):
    """dbt's `return`: ends the macro and hands back a value that need not be text."""
    raise Returned(value)


class _SkippedBlock(Extension):
    """Blocks that stand between dbt's macros and are not macros: passed over."""

    tags: ClassVar = {"materialization", "test", "data_test", "docs", "snapshot"}

    def parse(self, parser):
        token = next(parser.stream)
        while parser.stream.current.type != "block_end":
            next(parser.stream)
        body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
        return CallBlock(self.call_method("_nothing"), [], [], body).set_lineno(token.lineno)

    def _nothing(self, caller):
        return ""


class MacroFolder:
    """A package's macros as attributes. A file is compiled when a macro of it is first asked for."""

    def __init__(self, package: str, *folders: Path):
        self._package = package
        self._folders = folders

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Which file defines a macro. A later folder wins: an adapter's own version over dbt's."""
        return {
            name: path
            for folder in self._folders
            for path in sorted(folder.rglob("*.sql"))
            for name in DEFINITION.findall(path.read_text(encoding="utf-8"))
        }

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._files:
            raise UndefinedError(f"the package {self._package} has no macro {name}")
        macro = getattr(_compiled(self._files[name]), name)

        def call(*args, **kwargs):
            try:
                return macro(*args, **kwargs)
            except Returned as returned:
                return returned.value

        return call

    def has(self, name: str) -> bool:
        """Whether the package defines a macro."""
        return name in self._files


@cache
def _compiled(path: Path):
    template = _environment().from_string(path.read_text(encoding="utf-8"))
    return template.make_module()


@cache
def _environment() -> Environment:
    environment = Environment(extensions=[do, _SkippedBlock])
    environment.globals |= {"return": return_value, **PACKAGES, **CONTEXT}
    # Macros call each other by bare name within dbt.
    for name in DBT._files:
        environment.globals.setdefault(name, _later(name))
    return environment


def _later(name: str):
    return lambda *args, **kwargs: getattr(DBT, name)(*args, **kwargs)


class _Adapter:
    """dbt's `adapter`, as far as it answers without a warehouse."""

    def dispatch(self, name: str, package: str = "dbt"):
        macros = PACKAGES.get(package, DBT)
        for prefix in (ADAPTER, "default"):
            if macros.has(f"{prefix}__{name}"):
                return getattr(macros, f"{prefix}__{name}")
        raise AttributeError(f"no macro {ADAPTER}__{name} or default__{name} in {package}")

    def quote(self, name: str) -> str:
        return f'"{name}"'


def _raise(message: str = ""):
    raise ValueError(message)


def _dbt_folders() -> list[Path]:
    """Where dbt and its adapter keep their macros, found without importing dbt."""
    spec = find_spec("dbt")
    roots = [Path(root) / "include" for root in (spec.submodule_search_locations or [])] if spec else []
    return [
        folder for name in ("global_project", ADAPTER) for root in roots if (folder := root / name / "macros").is_dir()
    ]


adapter = _Adapter()
exceptions = SimpleNamespace(raise_compiler_error=_raise, warn=lambda message: "")
target = SimpleNamespace(name="dev", schema="dev", type=ADAPTER, database="dev", threads=1)
api = SimpleNamespace(
    Column=SimpleNamespace(
        translate_type=lambda name: {"string": "text", "integer": "int", "numeric": "numeric"}.get(name, name)
    )
)
CONTEXT = {
    "adapter": adapter,
    "api": api,
    "exceptions": exceptions,
    "target": target,
    "env_var": lambda name, default="": default,
    "var": lambda name, default="0": default,
    "run_started_at": datetime.datetime(2026, 1, 1),
    "invocation_id": "00000000-0000-0000-0000-000000000000",
    "modules": SimpleNamespace(datetime=datetime, itertools=itertools, re=re),
    "execute": False,
}
DBT = MacroFolder("dbt", *_dbt_folders())
# Of the project that is linted: SQLFluff runs in its root.
PACKAGES = {
    "dbt": DBT,
    "dataops": MacroFolder("dataops", Path("dbt_packages", "dataops", "macros"), Path("packages", "dataops", "macros")),
}
