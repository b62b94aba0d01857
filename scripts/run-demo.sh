#!/usr/bin/env bash
# Run the demo: in a window, or where there is no screen headless on a virtual one.
# Usage: scripts/run-demo.sh COMMAND [ARGUMENT...]
set -euo pipefail

if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$(dirname "$0")/with-display.sh" "$@" --headless
fi
exec "$@"
