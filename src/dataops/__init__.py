"""DataOps for dbt projects: releases, crosscheck, quarantine, CI and monitoring, as the `dataops` command and for scripts.

>>> from dataops import release  # doctest: +SKIP
>>> release.open(42).sql("select count(*) from marts.orders")  # doctest: +SKIP
"""

__version__ = "0.1.0"
