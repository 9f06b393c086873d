#!/bin/sh
# Everything a developer of this SDK runs before a commit: sdk-python/check.sh
#   --setup   only makes the virtual environment with the pinned tools, and stops
#   --fix     formats and fixes what can be fixed before it checks
set -eu
cd "$(dirname "$0")"
say() { printf '\n== %s\n' "$1"; }

stamp=.venv/.requirements
if ! cmp -s requirements-dev.txt "$stamp" 2>/dev/null; then
  say "set-up: .venv with the pinned tools"
  python=${PYTHON:-python3}
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "Python 3.11 or newer is needed: set PYTHON" >&2; exit 1; }
  "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
  # The SDK itself, from its sources, without an installer: a .pth file is all it takes.
  site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  pwd | sed 's|$|/src|' > "$site/stellaops_orchestrator_source.pth"
  cp requirements-dev.txt "$stamp"
fi
[ "${1:-}" = --setup ] && exit 0

bin=$PWD/.venv/bin
if [ "${1:-}" = --fix ]; then
  "$bin/ruff" format .
  "$bin/ruff" check --fix .
fi
say "format"; "$bin/ruff" format --check .
say "lint"; "$bin/ruff" check .
say "types"; "$bin/mypy"
say "reference docs"; "$bin/python" tools/check_docs.py
say "tests"; "$bin/pytest"
say "sdk-python: all checks passed"
