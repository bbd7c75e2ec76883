"""The SQL of a comparison, as text. What differs between engines comes from the dialect.

Three temporary tables carry it: `probed` has the last rows of base, `differing` the keys (k0, k1, ...) and fingerprints of the
rows that differ (without a key: fingerprints and by how much their counts differ), `found_base` and `found_head` these rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dataops.engines import Dialect

BASE, HEAD = "base", "head"
DATASETS = (BASE, HEAD)
IN_BOTH = "base_f is not null and head_f is not null"
ONLY_IN = {BASE: "head_f is null", HEAD: "base_f is null"}
MORE_IN = {BASE: "count_delta < 0", HEAD: "count_delta > 0"}


@dataclass(frozen=True)
class CommonColumn:
    """A column that base and head both have.

    Attributes:
        name: as head spells it.
        type: in which it is compared.
        spelling: its name in base and head.
        own_type: its type in base and head.
    """

    name: str
    type: str
    spelling: dict[str, str]
    own_type: dict[str, str]


class Queries:
    """The queries that compare two relations.

    Args:
        dialect: the engine's part of them.
        relations: base and head, as they stand in SQL.
        columns: the columns that are compared.
        key: those of them that identify a row; may be empty.

    Attributes:
        found: what holds the rows that differ, in base and head: all rows, or a copy of those that differ.
    """

    def __init__(self, dialect: Dialect, relations: dict[str, str], columns: list[CommonColumn], key: tuple[str, ...]):
        self.dialect = dialect
        self.relations = relations
        self.found = relations
        self.columns = {column.name: column for column in columns}
        self.key = key
        self.key_columns = [f"k{number}" for number in range(len(key))]

    @property
    def values(self) -> list[str]:
        """The columns that are compared and do not belong to the key."""
        return [name for name in self.columns if name not in self.key]

    # Parts of queries

    def read(self, name: str, which: str, alias: str = "") -> str:
        """A column of base or head, in the type in which it is compared."""
        column = self.columns[name]
        expression = self.dialect.column(column.spelling[which], alias)
        return expression if column.own_type[which] == column.type else f"cast({expression} as {column.type})"

    def differs(self, name: str) -> str:
        """The condition that a column differs between a row `b` of base and a row `h` of head."""
        return f"{self.read(name, BASE, 'b')} is distinct from {self.read(name, HEAD, 'h')}"

    def _fingerprint(self, which: str) -> str:
        return self.dialect.fingerprint(self.read(name, which) for name in self.columns)

    def _keys(self, which: str) -> str:
        return ", ".join(f"{self.read(name, which)} as k{number}" for number, name in enumerate(self.key))

    def _keys_and_fingerprints(self, which: str) -> str:
        return f"select {self._keys(which)}, {self._fingerprint(which)} as f from {self.relations[which]}"

    def _same_key(self, which: str, alias: str) -> str:
        """The condition that a row of base or head has the key of a row `d`."""
        return " and ".join(f"{self.read(name, which, alias)} = d.k{number}" for number, name in enumerate(self.key))

    def _no_null_in_key(self) -> str:
        return " and ".join(f"{name} is not null" for name in self.key_columns)

    # All rows

    def count(self, which: str) -> str:
        """How many rows there are."""
        return f"select count(*) from {self.relations[which]}"

    def copy(self, which: str, table: str) -> str:
        """Copies all rows into a temporary table."""
        return self.dialect.temp_table(table, f"select * from {self.relations[which]}")

    def count_and_fingerprint(self, which: str) -> str:
        """How many rows there are, and the sum of their fingerprints."""
        return f"select count(*), {self.dialect.total(self._fingerprint(which))} from {self.relations[which]}"

    # The probe

    def probe_base(self, rows_base: int, probed_rows: int) -> str:
        """Keeps keys and fingerprints of the last rows of base in `probed`."""
        last = f"{self.dialect.row_number} >= {rows_base - probed_rows} limit {probed_rows}"
        rows = f"select * from ({self._keys_and_fingerprints(BASE)} where {last}) as last_rows"
        return self.dialect.temp_table("probed", f"{rows} where {self._no_null_in_key()}")

    def probe_head(self) -> str:
        """Keeps the rows of head that have one of these keys, so that fingerprints are taken of those few rows only."""
        semi_join = self.dialect.semi_join("probed as d", self._same_key(HEAD, "t"))
        return self.dialect.temp_table("probed_head", f"select t.* from {self.relations[HEAD]} as t {semi_join}")

    def count_probed_only_in_base(self) -> str:
        """How many of the probed rows head does not have."""
        return f"select count(*) from probed where f not in (select {self._fingerprint(HEAD)} from probed_head)"

    # By key

    def count_repeated_keys(self, which: str, sampled: bool) -> str:
        """1 if a key occurs twice, else 0; among all rows or a sample of them."""
        relation = f"{self.relations[which]} {self.dialect.sample()}" if sampled else self.relations[which]
        return (
            f"select count(*) from (select 1 from (select {self._keys(which)} from {relation}) as all_keys"
            f" where {self._no_null_in_key()} group by {', '.join(self.key_columns)} having count(*) > 1 limit 1) as repeated"
        )

    def find_by_key(self) -> str:
        """Keeps the keys of the rows that differ in `differing`, with the fingerprints of base and head."""
        keys = ", ".join(f"coalesce(b.{name}, h.{name}) as {name}" for name in self.key_columns)
        same_key = " and ".join(f"b.{name} = h.{name}" for name in self.key_columns)
        return self.dialect.temp_table(
            "differing",
            f"select {keys}, b.f as base_f, h.f as head_f from ({self._keys_and_fingerprints(BASE)}) as b"
            f" full join ({self._keys_and_fingerprints(HEAD)}) as h on {same_key} where b.f is distinct from h.f",
        )

    def summarize_differing(self) -> str:
        """How many rows were removed, added and changed, the sums of their keys' hashes in base and head, and how many have a
        null in the key."""
        keys = self.dialect.fingerprint(self.key_columns)
        any_null = " or ".join(f"{name} is null" for name in self.key_columns)
        counts = (f"count(*) filter (where {condition})" for condition in (*ONLY_IN.values(), IN_BOTH))
        sums = (self.dialect.total(f"case when {which}_f is not null then {keys} end") for which in DATASETS)
        return f"select {', '.join((*counts, *sums))}, count(*) filter (where {any_null}) from differing"

    def count_repeated_differing_keys(self) -> str:
        """How many keys occur twice among the rows that differ."""
        keys = ", ".join(self.key_columns)
        return f"select count(*) from (select 1 from differing group by {keys} having count(*) > 1) as repeated"

    def sum_keys(self, which: str) -> str:
        """The sum of the hashes of all keys."""
        keys = self.dialect.fingerprint(self.read(name, which) for name in self.key)
        return f"select {self.dialect.total(keys)} from {self.relations[which]}"

    def copy_found(self, which: str, table: str) -> str:
        """Copies the rows that differ into a temporary table."""
        semi_join = self.dialect.semi_join("differing as d", self._same_key(which, "t"))
        return self.dialect.temp_table(table, f"select t.* from {self.relations[which]} as t {semi_join}")

    def count_changes(self) -> str:
        """In how many of the changed rows each column differs."""
        counts = ", ".join(f"count(*) filter (where {self.differs(name)})" for name in self.values)
        return f"select {counts} from {self._changed_rows()}"

    def _changed_rows(self, first: int | None = None) -> str:
        """The changed rows `b` of base and `h` of head, for a from clause: all, or the first by key."""
        order = f" order by {', '.join(self.key_columns)} limit {first}" if first is not None else ""
        joins = (f" join {self.found[which]} as {which[0]} on {self._same_key(which, which[0])}" for which in DATASETS)
        return f"(select * from differing where {IN_BOTH}{order}) as d{''.join(joins)}"

    # By whole rows

    def find_whole_rows(self) -> str:
        """Keeps the fingerprints that occur more often in base or in head in `differing`, with the difference."""
        return self.dialect.temp_table(
            "differing",
            "select f, sum(count_delta) as count_delta from"
            f" (select {self._fingerprint(BASE)} as f, -1 as count_delta from {self.relations[BASE]}"
            f" union all select {self._fingerprint(HEAD)}, 1 from {self.relations[HEAD]}) as all_rows"
            " group by f having sum(count_delta) <> 0",
        )

    def count_whole_rows(self) -> str:
        """How many rows were removed and added."""
        sums = (f"coalesce(sum(abs(count_delta)) filter (where {MORE_IN[which]}), 0)" for which in DATASETS)
        return f"select {', '.join(sums)} from differing"

    # How values are distributed

    def fingerprint_columns(self, which: str, names: list[str]) -> str:
        """How many rows there are, and for each column the sum of the hashes of its values."""
        sums = (self.dialect.total(self.dialect.fingerprint([self.read(name, which)])) for name in names)
        return f"select {', '.join(('count(*)', *sums))} from {self.relations[which]}"

    def extremes(self, which: str, names: list[str]) -> str:
        """How many rows there are, and for each column the number of values, the lowest and the highest as text. Apart from
        the means: DuckDB answers it from statistics and reads no rows."""
        columns = [self.read(name, which) for name in names]
        figures = ", ".join(
            f"count({one}) as c{at}, min({one}) as l{at}, max({one}) as h{at}" for at, one in enumerate(columns)
        )
        texts = ", ".join(
            f"c{at}, {self.dialect.text(f'l{at}')}, {self.dialect.text(f'h{at}')}" for at in range(len(columns))
        )
        return f"select n, {texts} from (select count(*) as n, {figures} from {self.relations[which]}) as figures"

    def means(self, which: str, names: list[str]) -> str:
        """The mean of each column."""
        means = (f"avg({self.dialect.number(self.read(name, which))})" for name in names)
        return f"select {', '.join(means)} from {self.relations[which]}"

    # Examples

    def changed_examples(self, selected: Iterable[str], count: int, first_by_key: bool) -> str:
        """Rows that changed, as base has them (`b`), head (`h`), and with their key (`d`).

        Args:
            selected: what is read of each.
            count: how many rows.
            first_by_key: the first by key, for which only these few are joined; else those with the most changes.
        """
        order = ", ".join(f"d.{name}" for name in self.key_columns)
        rows = self._changed_rows(count if first_by_key else None)
        if not first_by_key:
            changes = (f"cast({self.differs(name)} as integer)" for name in self.values)
            order = f"{' + '.join(changes)} desc, {order}"
        return f"select {', '.join(selected)} from {rows} order by {order} limit {count}"

    def one_sided_examples(self, selected: Iterable[str], which: str, count: int) -> str:
        """Rows that only base (`b`) or only head (`h`) has, with their key (`d`)."""
        order, alias = ", ".join(f"d.{name}" for name in self.key_columns), which[0]
        keys = f"select * from differing as d where {ONLY_IN[which]} order by {order} limit {count}"
        return (
            f"select {', '.join(selected)} from ({keys}) as d join {self.found[which]} as {alias}"
            f" on {self._same_key(which, alias)} order by {order}"
        )

    def whole_row_examples(self, selected: Iterable[str], which: str, count: int) -> str:
        """Rows that base or head has more often than the other, found without a key."""
        return (
            f"select {', '.join(selected)} from {self.relations[which]} where {self._fingerprint(which)} in"
            f" (select f from differing where {MORE_IN[which]}) order by {self._fingerprint(which)} limit {count}"
        )
