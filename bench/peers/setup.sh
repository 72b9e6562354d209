#!/bin/sh
# Install the peers under .peers/, each by itself and by its pins; do nothing where they already are.
# One that cannot be installed is told in a line and left out: this never fails.
set -u
cd "$(dirname "$0")/../.."
pins=bench/peers/pins
# The project's own Python makes the environments; none of them sees another.
python=.venv/bin/python

say() { printf '%s\n' "$*" >&2; }

leave_out() { rm -rf ".peers/$1"; say "peers: $1 is left out: it could not be installed (${2:-see .peers/$1.log})"; }

is_current() { [ "$(cat ".peers/$1/.mark" 2>/dev/null)" = "$(cat "$2" | cksum)" ]; }

# install_wheels NAME: what pins/NAME.txt names, as a whole closure
install_wheels() {
    if is_current "$1" "$pins/$1.txt"; then return; fi
    say "peers: installing $1"
    rm -rf ".peers/$1"
    {
        "$python" -m venv ".peers/$1" &&
            ".peers/$1/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps -r "$pins/$1.txt"
    } > ".peers/$1.log" 2>&1 || { leave_out "$1"; return; }
    cksum < "$pins/$1.txt" > ".peers/$1/.mark"
}

# install_packages NAME: what the lock file in pins/NAME names
install_packages() {
    if is_current "$1" "$pins/$1/package-lock.json"; then return; fi
    command -v npm >/dev/null 2>&1 || { leave_out "$1" "it needs node with npm"; return; }
    say "peers: installing $1"
    rm -rf ".peers/$1"
    mkdir -p ".peers/$1"
    cp "$pins/$1/package.json" "$pins/$1/package-lock.json" .npmrc ".peers/$1/"
    (cd ".peers/$1" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) > ".peers/$1.log" 2>&1 ||
        { leave_out "$1"; return; }
    cksum < "$pins/$1/package-lock.json" > ".peers/$1/.mark"
}

mkdir -p .peers
install_wheels litellm
install_wheels tensorzero
install_packages portkey
