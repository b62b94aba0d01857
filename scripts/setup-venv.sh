#!/usr/bin/env bash
# Make .venv hold the tested versions and this checkout. `make` runs it; it may be run
# again at any time and completes what is there.
# Usage: scripts/setup-venv.sh [EXTRAS]        (default: dev)
#   PYTHON            the interpreter to build on (default: python3)
#   TORCH_INDEX_URL   a package index that has the build of torch you want, for example
#                     https://download.pytorch.org/whl/cpu
set -euo pipefail
cd "$(dirname "$0")/.."

extras=${1:-dev}
python=${PYTHON:-python3}
venv_python=.venv/bin/python

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3" >&2
    exit 1
fi

# Debian ships the standard library's venv in a package of its own.
if ! "$venv_python" -m pip --version >/dev/null 2>&1; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null \
        || scripts/apt-install.sh python3-venv
    "$python" -m venv .venv
fi

install() {
    "$venv_python" -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt "$@"
}

echo "Setting up .venv with extras [$extras]; the first time takes some minutes." >&2
# torch goes first and alone: asked for by another package, pip would take the newest
# build instead of the tested one, with gigabytes of CUDA on a machine without a GPU.
install ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} torch
install --editable ".[$extras]"
