"""python -m ops.crosscheck"""

from ops.crosscheck.command_line import run

run()
