"""What the macros become on other engines."""

from __future__ import annotations

import re
import sys
import unicodedata

from tests.dbt_package.test_macro_files import MACRO_FILES, signatures

SPACES = "".join(chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)) == "Zs")

# The text alone is checked: no such engine ran. Each is what the engine's manual says of a cast that gives null.
IN_THE_WORDS_OF = {
    "try_cast('a', 'date')": {
        "duckdb": "try_cast(a as date)",
        "postgres": "cast(case when pg_input_is_valid(cast(a as text), 'date') then cast(a as text) end as date)",
        "redshift": "try_cast(nullif(trim(cast(a as varchar)), '') as date)",
        "snowflake": "try_cast(cast(a as varchar) as date)",
        "bigquery": "safe_cast(a as date)",
        "spark": "try_cast(a as date)",
    },
    "trim('a')": {
        "default": f"trim(both '{SPACES}' from a)",
        "duckdb": "trim(a)",
        "snowflake": f"trim(a, '{SPACES}')",
        "bigquery": f"trim(a, '{SPACES}')",
    },
    "matches('a', '^it\\'s \\\\d$')": {
        "duckdb": r"regexp_matches(a, '^it''s \d$')",
        "postgres": r"a ~ '^it''s \d$'",
        "redshift": r"a ~ '^it''s \\d$'",
        "snowflake": r"regexp_instr(a, '^it''s \\d$') > 0",
        "bigquery": r"regexp_contains(a, '^it\'s \\d$')",
        "spark": r"a rlike '^it\'s \\d$'",
    },
    "deduplicate('t', ['a', 'b'], ['c desc', 'd'])": {
        "default": "select * from t qualify row_number() over (partition by a, b order by c desc, d) = 1",
        "postgres": "select distinct on (a, b) * from t order by a, b, c desc, d",
        "redshift": "select * from t qualify row_number() over (partition by a, b order by c desc, d) = 1",
        "spark": "select kept_row.* from ( select struct(*) as kept_row, row_number() over (partition by a, b order by c"
        " desc, d) as place from t ) as numbered where place = 1",
    },
    "grant_schema_usage(['marts'], ['reporting', 'ada'])": {
        "default": 'grant usage on schema "marts" to reporting, ada;',
        "snowflake": 'grant usage on schema "marts" to role reporting; grant usage on schema "marts" to role ada;',
        "databricks": 'grant use schema on schema "marts" to reporting; grant use schema on schema "marts" to ada;',
        "duckdb": "",
        "spark": "",
        "bigquery": "",
    },
}


def test_other_engines_get_their_own_words(copy):
    calls = [(f"{adapter}__{call}", text) for call, texts in IN_THE_WORDS_OF.items() for adapter, text in texts.items()]
    found = copy.compiled(*(call for call, _ in calls))
    assert {call: re.sub(r"[ \n]+", " ", text).strip() for (call, _), text in zip(calls, found, strict=True)} == dict(
        calls
    )
    versions = {call.partition("(")[0]: set(texts) for call, texts in IN_THE_WORDS_OF.items()}
    for name, adapters in versions.items():
        (file,) = (file for file in MACRO_FILES if file.stem == name)
        own = {macro.partition("__")[0] for macro in signatures(file) if "__" in macro} - {"default"}
        assert adapters - {"default"} == own, f"{name}: an adapter's version that no test looks at"
