"""Elementary's Python, configured for one environment: its monitoring file, no telemetry, no network.

Its classes are called, not `edr` itself, which looks for a newer version of itself on every call.
"""

from __future__ import annotations

import os
from pathlib import Path

from dataops.installed import INSTALLED
from dataops.monitoring.history import monitoring_file, opened
from dataops.project import PROJECT

# An anomaly test keeps the figures of all days that it compared, and describes the last one that the database returned. With
# `seasonality` that can be any day, so the anomalous day is described here instead.
DESCRIBE_THE_ANOMALY = """
    update elementary_test_results
    set test_results_description = (
        select max_by(json_extract_string(row.result_row, 'anomaly_description'), json_extract_string(row.result_row, 'bucket_end'))
        from test_result_rows as row
        where
            row.elementary_test_results_id = elementary_test_results.id
            and json_extract_string(row.result_row, 'is_anomalous') = 'true'
    )
    where
        test_type = 'anomaly_detection'
        and test_sub_type != 'dimension'
        and id in (
            select elementary_test_results_id from test_result_rows
            where json_extract_string(result_row, 'is_anomalous') = 'true'
        )
"""


def describe_anomalies(target: str) -> None:
    """Rewrites the results of anomaly tests in an environment's monitoring file to describe the anomalous day."""
    with opened(target, read_only=False) as connection:
        connection.execute(DESCRIBE_THE_ANOMALY)


def configure(target: str, file: Path | None = None):
    """Prepares the process for one environment and returns Elementary's configuration of it. Its tables need not exist.

    Elementary runs dbt on a project inside its own package, from that folder, so every path is absolute.

    Args:
        target: the environment.
        file: read in place of its monitoring file.
    """
    folder = PROJECT / "target" / "edr" / target
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
        DBT_TARGET=target,
        DBT_TARGET_PATH=str(folder),
        DBT_USE_COLORS="false",
        DBT_PACKAGES_FOLDER=str(INSTALLED),
        EDR_INTERNAL_TARGET_PATH=str(folder),
        ELEMENTARY_PATH=str(file or monitoring_file(target)),
    )
    from elementary.config.config import Config
    from elementary.utils.log import set_root_logger_handlers

    set_root_logger_handlers("elementary", str(folder / "edr.log"), quiet_logs=True)
    return Config(
        config_dir=str(folder),  # not the user's own ~/.edr
        profiles_dir=str(PROJECT),
        profile_target=target,
        target_path=str(folder),
        env=target,
        run_dbt_deps_if_needed=False,
        quiet_logs=True,
    )
