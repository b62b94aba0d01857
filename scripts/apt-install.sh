#!/usr/bin/env bash
# Install Debian packages when run as root; otherwise say in one line what to install.
# Usage: scripts/apt-install.sh PACKAGE...
set -euo pipefail

if ! command -v apt-get >/dev/null; then
    echo "Missing on this machine: install the equivalents of these Debian packages: $*" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Missing on this machine: run 'sudo apt-get install $*' and try again." >&2
    exit 1
fi

echo "Installing Debian packages: $*" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet --quiet >&2
apt-get install --quiet --quiet --yes --no-install-recommends "$@" >&2
