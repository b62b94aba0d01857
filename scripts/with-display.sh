#!/usr/bin/env bash
# Run a command that opens windows; where there is no display, on a virtual one.
# Usage: scripts/with-display.sh COMMAND [ARGUMENT...]
set -euo pipefail

if [ "$(uname)" != Linux ] || [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; then
    exec "$@"
fi

# Qt's "offscreen" platform has no OpenGL, which napari's canvas needs: hence a virtual
# X server with Mesa. Libraries that Qt loads at run time, by soname and Debian package:
libraries="
    libEGL.so.1             libegl1
    libGL.so.1              libgl1
    libdbus-1.so.3          libdbus-1-3
    libfontconfig.so.1      libfontconfig1
    libglib-2.0.so.0        libglib2.0-0
    libxcb-cursor.so.0      libxcb-cursor0
    libxcb-icccm.so.4       libxcb-icccm4
    libxcb-keysyms.so.1     libxcb-keysyms1
    libxcb-shape.so.0       libxcb-shape0
    libxkbcommon-x11.so.0   libxkbcommon-x11-0
"

missing=()
command -v xvfb-run >/dev/null || missing+=(xvfb)
command -v xauth >/dev/null || missing+=(xauth)
compgen -G "/usr/lib/*/dri/swrast_dri.so" >/dev/null || missing+=(libgl1-mesa-dri)
present=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)
while read -r soname package; do
    [ -z "$soname" ] || [[ $present == *"$soname "* ]] || missing+=("$package")
done <<<"$libraries"
[ ${#missing[@]} -eq 0 ] || "$(dirname "$0")/apt-install.sh" "${missing[@]}"

exec xvfb-run --auto-servernum --server-args="-screen 0 1280x1024x24" "$@"
