"""Arguments that a macro refuses, each with one clear message that says what to write instead.

Every call is a model of its own, so one `dbt run` reports on all of them.
"""

from __future__ import annotations

import pytest

GOOD = {"name": "readable_date", "condition": "day is not null", "message": "The date cannot be read."}
NOT_A_LIST_OF_RULES = "needs a list of at least one rule, for example"
NOT_A_RULE = "a rule needs a name, a condition and a message, all texts"
CALLS = {
    "surrogate_key('order_id')": "dataops.surrogate_key needs a list of at least one column",
    "surrogate_key([])": "dataops.surrogate_key needs a list of at least one column",
    "surrogate_key(12)": "dataops.surrogate_key needs a list of at least one column",
    "default__try_cast('a', 'date')": "does not know how duckdb",
    "default__matches('a', 'b')": "does not know how duckdb",
    "deduplicate('t', 'a', ['b'])": "dataops.deduplicate needs two lists of at least one column",
    "deduplicate('t', ['a'], 'b')": "dataops.deduplicate needs two lists of at least one column",
    "deduplicate('t', [], ['b'])": "dataops.deduplicate needs two lists of at least one column",
    "deduplicate('t', ['a'], [])": "dataops.deduplicate needs two lists of at least one column",
    "as_of('t', '2026-01-01')": "Write: \"cast('2026-01-01' as timestamp)\"",
    "as_of('t', 'now()', {'valid_to': 'x'})": "column_names must have the names of the snapshot's snapshot_meta_column_names",
    "as_of('t', 'now()', {}, 'deleted')": "ignore, invalidate or new_record; got: deleted",
    "quarantine_columns([])": NOT_A_LIST_OF_RULES,
    f"quarantine_columns({GOOD})": NOT_A_LIST_OF_RULES,
    "quarantine_columns('day is not null')": NOT_A_LIST_OF_RULES,
    "quarantine_columns(['day is not null'])": NOT_A_RULE,
    f"quarantine_columns({[{**GOOD, 'message': ''}]})": NOT_A_RULE,
    f"quarantine_columns({[{**GOOD, 'condition': True}]})": NOT_A_RULE,
    f"quarantine_columns({[{**GOOD, 'mesage': 'x'}]})": NOT_A_RULE,
    f"quarantine_columns({[{**GOOD, 'name': 'Readable date'}]})": "Try readable_date; got: Readable date",
    f"quarantine_columns({[GOOD, GOOD]})": "two rules have the name readable_date",
    "drop_orphans(dry_run='no')": "dry_run and drop_snapshots are true or false; got: no",
    "drop_orphans(target_name='prod')": "target_name says prod, and the target is dev",
    "drop_closed_schemas(prefix='')": "A prefix starts with the target's schema and an underscore",
    "drop_closed_schemas(prefix='dev_')": "what starts with 'dev_' need not be this target's",
    "drop_closed_schemas(prefix='dev_ada')": "for example: prefix: dev_ada_",
    "drop_closed_schemas(keep='dev_ada_12')": "keep is a list of schemas",
    "drop_closed_schemas(keep=[''])": "keep is a list of schemas",
    "drop_closed_schemas(dry_run=0)": "dry_run and drop_snapshots are true or false; got: 0",
    "rejected_rows(ref('base_orders'), keys='order_id')": "keys must be a list of columns, for example ['order_id']; got: order_id",
}


@pytest.fixture(scope="module")
def messages(installed, tmp_path_factory) -> dict[str, str]:
    """What dbt reports of each call."""
    project = installed.copy(tmp_path_factory.mktemp("wrong_arguments"))
    folder = project.folder / "models/wrong"
    folder.mkdir()
    for number, call in enumerate(CALLS):
        # dbt runs macros while it parses too, and stops at the first error there.
        sql = f"-- depends_on: {{{{ ref('base_orders') }}}}\n{{% if execute %}}{{{{ dataops.{call} }}}}{{% endif %}}\n"
        (folder / f"wrong_{number}.sql").write_text(sql, encoding="utf-8")
    found = project.dbt("run", "--select", "path:models/wrong").messages()
    return {call: found[f"wrong_{number}"] for number, call in enumerate(CALLS)}


@pytest.mark.parametrize("call", CALLS)
def test_wrong_arguments_are_refused_with_one_clear_message(call, messages):
    assert "Compilation Error" in messages[call]
    assert CALLS[call] in messages[call]
