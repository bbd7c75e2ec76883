"""The rules of dbt-bouncer.yml, checked on dbt's manifest: one line for each thing that they refuse.

dbt-bouncer prints a table as wide as the terminal, which cuts its messages and file names off.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [Path(sys.executable).with_name("dbt-bouncer"), "--output-file", report, "--output-only-failures"]
        done = subprocess.run(
            list(map(str, command)), check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
        failures = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else []
    for failure in failures:
        rule = failure["check_run_id"].split(":")[0]
        print(f"{failure['file_path']}: {failure['failure_message']} ({rule})")
    if done.returncode and not failures:  # it could not check: a wrong rule, no manifest
        print(done.stdout)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
