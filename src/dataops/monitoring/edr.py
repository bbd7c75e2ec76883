"""Elementary's Python, configured for one environment: its history, no telemetry, no network.

Its classes are called, not `edr` itself, which looks for a newer version of itself on every call.
"""

from __future__ import annotations

import json
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

COMPARED_DAYS = """
    select result.id, compared.result_row from test_result_rows as compared
    inner join elementary_test_results as result on compared.elementary_test_results_id = result.id
    where result.test_type = 'anomaly_detection' and result.test_sub_type <> 'dimension'
"""


def describe_anomalies(project: Project, environment: Environment) -> None:
    """Rewrites the results of anomaly tests in an environment's history to describe the latest anomalous day.

    An anomaly test keeps the figures of every day that it compared, and describes the last one that the database returned. With
    `seasonality`, that can be any day.
    """
    with opened(project, environment, read_only=False) as session:
        latest: dict[str, tuple[str, str]] = {}
        for result, row in session.rows(COMPARED_DAYS):
            day = json.loads(row or "{}")
            if str(day.get("is_anomalous")).lower() == "true":
                found = (str(day["bucket_end"]), day["anomaly_description"])
                latest[result] = max(found, latest.get(result, found))
        for result, (_, description) in latest.items():
            session.run(
                "update elementary_test_results set test_results_description = ? where id = ?", [description, result]
            )


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
