"""What SQLFluff's Jinja sees of dbt: every name here is a name in a template (its `library_path`, set by sqlfluff_plugin.py).

SQLFluff itself supplies ref, source, config, var, this and is_incremental. The macros of dbt and of the dataops package
are the real ones, read from their files, so the SQL that is linted is the SQL that dbt would run. No warehouse is
opened. What this cannot know (does a ref exist, is a package installed) `dbt parse` finds before a push.
"""

from .macros import DBT, PACKAGES, adapter, exceptions, return_value, target

dbt = DBT
dataops = PACKAGES["dataops"]

globals()["return"] = return_value

invocation_id = "00000000-0000-0000-0000-000000000000"
execute = True
flags = {"FULL_REFRESH": False}
project_name = "project"

__all__ = ["adapter", "dataops", "dbt", "exceptions", "execute", "flags", "invocation_id", "project_name", "target"]


def env_var(name, default=""):
    """The default, never the environment: a lint must not depend on the machine."""
    return default


def run_query(_sql):
    """No warehouse is asked, so there is no result."""
