#!/bin/sh
# Makes what main.py needs: the virtual environment. The generated code is checked in.
set -eu
cd "$(dirname "$0")/.."
exec ./check.sh --setup
