"""The result of an anomaly test describes the anomalous day, whichever day Elementary's query returned last."""

from __future__ import annotations

import json

import duckdb

from dataops.monitoring.edr import describe_anomalies
from tests.helpers import project_at


def day(bucket_end: str, is_anomalous: bool | None, description: str = "as usual") -> str:
    return json.dumps({"bucket_end": bucket_end, "is_anomalous": is_anomalous, "anomaly_description": description})


def test_the_latest_anomalous_day_is_described(tmp_path):
    project = project_at(tmp_path)
    file = project.prod.folder / "monitoring.duckdb"
    file.parent.mkdir(parents=True)
    results = [
        ("rows", "anomaly_detection", "row_count"),
        ("quiet", "anomaly_detection", "row_count"),
        ("cities", "anomaly_detection", "dimension"),
        ("columns", "schema_change", "column_added"),
    ]
    compared = [
        ("rows", day("2026-11-20 00:00:00", True, "8 rows on Friday")),
        ("rows", day("2026-11-22 00:00:00", True, "9 rows on Sunday")),
        ("rows", day("2026-11-21 00:00:00", True, "7 rows on Saturday")),
        ("rows", day("2026-11-23 00:00:00", False)),
        ("rows", None),
        ("quiet", day("2026-11-23 00:00:00", None)),
        ("cities", day("2026-11-23 00:00:00", True, "no rows of Turku")),
        ("columns", day("2026-11-23 00:00:00", True, "never read")),
    ]
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema elementary")
        connection.execute("use elementary")
        connection.execute("create table metadata as select '0.25.1' as dbt_pkg_version")
        connection.execute("""
            create table elementary_test_results
                (id varchar, test_type varchar, test_sub_type varchar, test_results_description varchar default 'Elementary''s')
        """)
        connection.execute("create table test_result_rows (elementary_test_results_id varchar, result_row varchar)")
        insert = "insert into elementary_test_results (id, test_type, test_sub_type) values (?, ?, ?)"
        connection.executemany(insert, results)
        connection.executemany("insert into test_result_rows values (?, ?)", compared)
    describe_anomalies(project, project.prod)
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.sql("select id, test_results_description from elementary.elementary_test_results").fetchall()
    assert dict(found) == {
        "rows": "9 rows on Sunday",
        "quiet": "Elementary's",
        "cities": "Elementary's",
        "columns": "Elementary's",
    }
