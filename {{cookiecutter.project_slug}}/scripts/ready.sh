# Runs before every task and git hook: checks that the tools in .venv are installed, and for this folder. Their first lines
# name the folder, so they stop working after a move, and a copy would run the original's tools. Needs only the shell.

stop() {
  echo "$1 Type: make setup" >&2
  exit 1
}

[ -f .venv/bin/dbt ] || stop "The tools are not installed yet."
[ -x .venv/bin/python ] || stop "The Python that the tools in .venv were installed with is gone."
{ read -r first; read -r second; } <.venv/bin/dbt
for tools in "$(pwd -P)/.venv" "$(cd .venv && pwd -P)"; do # .venv may be a link
  case $first in "#!$tools/bin/"*) exit 0 ;; esac
  case $second in "'''exec' '$tools/bin/"*) exit 0 ;; esac # a path with spaces, or a long one
done
stop "The project was moved or copied since its tools were installed in .venv."
