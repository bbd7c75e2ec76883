"""Elementary's Python, configured for one environment: its history, no telemetry, no network.

Its classes are called, not `edr` itself, which looks for a newer version of itself on every call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dataops.dbt import environ, variables_of
from dataops.engines import Data, engine_of
from dataops.installed import installed_packages
from dataops.monitoring.history import opened
from dataops.project import Environment, Project

if TYPE_CHECKING:
    from elementary.config.config import Config

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


def describe_anomalies(project: Project, environment: Environment) -> None:
    """Rewrites the results of anomaly tests in an environment's history to describe the anomalous day."""
    with opened(project, environment, read_only=False) as session:
        session.run(DESCRIBE_THE_ANOMALY)


def folder_of(project: Project, environment: Environment) -> Path:
    """The folder of what Elementary's Python writes for an environment. It may be missing."""
    return project.path("target", "edr", environment.name)


@contextmanager
def configured(project: Project, environment: Environment, data: Data | None = None) -> Iterator[Config]:
    """Elementary's configuration of one environment, with the environment variables that its dbt reads while the block runs.

    Its tables need not exist. Elementary runs dbt on a project inside its own package, from that folder, so every path is
    absolute.

    Args:
        project: the project.
        environment: that is read.
        data: read in place of its history.
    """
    folder = folder_of(project, environment)
    folder.mkdir(parents=True, exist_ok=True)
    engine = engine_of(project, environment)
    variables = variables_of(project, environment, folder) | {
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        "DBT_PACKAGES_FOLDER": str(installed_packages(project)),
        "EDR_INTERNAL_TARGET_PATH": str(folder),
        **engine.monitoring_variables(data or engine.monitoring(environment)),
    }
    with environ(variables):
        from elementary.config.config import Config
        from elementary.utils.log import set_root_logger_handlers

        set_root_logger_handlers("elementary", str(folder / "edr.log"), quiet_logs=True)
        yield Config(
            config_dir=str(folder),  # not the user's own ~/.edr
            profiles_dir=str(project.root),
            profile_target=environment.name,
            target_path=str(folder),
            env=environment.name,
            run_dbt_deps_if_needed=False,
            quiet_logs=True,
        )
