# make setup: installs uv if it is missing, then the Python tools in .venv; `dataops setup` does the rest. Needs only the shell and
# Python. Never downloads a Python, and always installs into .venv in this folder, whatever the environment says.
UV_PYTHON_DOWNLOADS=${UV_PYTHON_DOWNLOADS:-never}
UV_PROJECT_ENVIRONMENT=.venv
export UV_PYTHON_DOWNLOADS UV_PROJECT_ENVIRONMENT

install_uv() {
  echo "uv is not installed: putting it into .tools/uv"
  for python in python3 python3.13 python3.12 python3.11 python; do
    if $python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      $python -m venv --clear .tools/uv && .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check uv && return
      echo "uv could not be installed with $python. Install uv yourself (docs.astral.sh/uv), then: make setup" >&2
      exit 1
    fi
  done
  echo "No Python 3.11, 3.12 or 3.13 is on the PATH, and dbt needs one of them. Install one, then: make setup" >&2
  exit 1
}

uv=$(command -v uv) || uv=.tools/uv/bin/uv
[ -x "$uv" ] || install_uv
if [ -f .venv/bin/dbt ] && ! problem=$(sh scripts/ready.sh 2>&1); then
  echo "${problem% Type: *} They are installed again."
  rm -rf .venv target
fi
echo "1/3 Python tools, into .venv"
exec "$uv" run --exact dataops setup
