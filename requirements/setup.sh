#!/bin/sh
# Bring this checkout's own environment in line with the pins; do nothing where it already is.
#   setup.sh run        .venv with the gateway and what it runs on
#   setup.sh dev        the same and the tools of `make check`
#   setup.sh corpus     the same, the SDKs that judge what we write, and a reader of what we export
#   setup.sh fuzz       the same and the fuzzer
#   setup.sh journeys   the same, a real model, real collectors of metrics and traces, a browser, and the real clients (npm) in .clients
# Each set leaves a mark: a checksum of its pins. A venv that is broken, moved or of an old Python is made anew.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd)

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }

# patiently COMMAND...: what did not answer is asked again a little later; what stays wrong is told the third time
patiently() {
    for pause in 5 20; do
        if "$@"; then return; fi
        say "setup: that failed; once more in $pause s"
        sleep "$pause"
    done
    "$@"
}

# quietly COMMAND...: what it said is shown only if it failed
quietly() {
    if said=$("$@" 2>&1); then return; fi
    say "$said"
    return 1
}

find_python() {
    for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3.14 python3 python; do
        command -v "$name" >/dev/null 2>&1 || continue
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        "$name" -c 'import ensurepip, venv' 2>/dev/null || { bare=$name; continue; }
        printf '%s\n' "$name"
        return
    done
    [ -z "${bare:-}" ] || fail "\`$bare\` has no \`venv\` module; install it (on Debian: apt-get install python3-venv) and try again"
    fail "no Python of version 3.11 or later was found; install one (on Debian: apt-get install python3 python3-venv) or name it with PYTHON=/path/to/python"
}

venv_is_sound() {
    [ "$(cat .venv/.place 2>/dev/null)" = "$here" ] && .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

ensure_venv() {
    if venv_is_sound; then return; fi
    python=$(find_python)
    say "setup: making .venv with $("$python" --version)"
    # Python would show where it stood when it is interrupted.
    "$python" -c 'import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
import runpy, sys
sys.argv[1:] = ["--clear", ".venv"]
runpy.run_module("venv", run_name="__main__")' || fail "\`.venv\` cannot be made here; is there room, and may this folder be written?"
    printf '%s\n' "$here" > .venv/.place
}

# is_current MARK FILE...: were these files what stood here when the mark was left?
is_current() {
    mark=$1; shift
    [ "$(cat "$mark" 2>/dev/null)" = "$(cat "$@" | cksum)" ]
}

leave_mark() {
    mark=$1; shift
    cat "$@" | cksum > "$mark"
}

pip_install() { patiently .venv/bin/python -m pip --disable-pip-version-check --no-input --timeout 60 install --quiet --no-deps "$@"; }

# The pins are whole closures, so nothing is left to resolve: --no-deps is faster and always the same.
install_pins() {
    name=$1
    if is_current ".venv/.$name" "requirements/$name.txt"; then return; fi
    say "setup: installing requirements/$name.txt"
    pip_install -r "requirements/$name.txt" ||
        fail "not all of requirements/$name.txt could be installed (pip says why above); see to the network, or to PIP_INDEX_URL, and type the same again"
    leave_mark ".venv/.$name" "requirements/$name.txt"
}

install_project() {
    if is_current .venv/.project pyproject.toml requirements/build.txt; then return; fi
    pip_install -r requirements/build.txt && pip_install --no-build-isolation -e . ||
        fail "Dragoman itself could not be installed (pip says why above); see to the network, or to PIP_INDEX_URL, and type the same again"
    leave_mark .venv/.project pyproject.toml requirements/build.txt
}

install_clients() {
    command -v npm >/dev/null 2>&1 || fail "the journeys run real clients and need node with npm (on Debian: apt-get install nodejs npm)"
    install_client_set tests/clients .clients
    # An old release of a client has a folder of its own, as both want to be called the same.
    install_client_set tests/clients/codex-0.42 .clients/codex-0.42
}

# install_client_set FROM TO: what the lock file in FROM names, into TO
install_client_set() {
    if is_current "$2/.mark" "$1/package-lock.json"; then return; fi
    say "setup: installing $1"
    mkdir -p "$2"
    cp "$1/package.json" "$1/package-lock.json" .npmrc "$2/"
    (cd "$2" && patiently npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) ||
        fail "not all of $1/package-lock.json could be installed (npm says why above); see to the network, and type the same again"
    leave_mark "$2/.mark" "$1/package-lock.json"
}

# Another who installs something has a lock, which is waited for.
apt_get() { apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"; }

updated() { apt_get update && apt_get "$@"; }

# Prometheus and its promtool, unpacked beside everything else: no root, and nothing of the system is changed. A machine that has them
# uses its own; no journey is skipped in silence, so one that has neither them nor apt is told what is missing.
install_prometheus() {
    if command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1; then return; fi
    if [ -x .tools/prometheus/promtool ] && [ -x .tools/prometheus/prometheus ]; then return; fi
    command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 ||
        fail "the journeys run a real Prometheus; put \`prometheus\` and \`promtool\` on the PATH and try again"
    say "setup: unpacking prometheus into .tools"
    rm -rf .tools/prometheus && mkdir -p .tools/prometheus
    (
        cd .tools/prometheus
        apt_get download prometheus 2>/dev/null || quietly patiently updated download prometheus || exit 0
        dpkg-deb -x prometheus_*.deb unpacked
        mv unpacked/usr/bin/prometheus unpacked/usr/bin/promtool .
        rm -rf unpacked prometheus_*.deb
    )
    [ -x .tools/prometheus/promtool ] || fail "prometheus cannot be downloaded; install it (on Debian: apt-get install prometheus) and try again"
}

# A browser, for the journeys through the pages. It needs many libraries of the system, so only root can bring it.
install_chromium() {
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name" >/dev/null 2>&1; then return; fi
    done
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 ||
        fail "the journeys look at the pages in a real Chromium; install it (on Debian: apt-get install chromium) and try again"
    say "setup: installing chromium"
    export DEBIAN_FRONTEND=noninteractive
    apt_get install --no-install-recommends chromium >/dev/null 2>&1 ||
        quietly patiently updated install --no-install-recommends chromium ||
        fail "chromium cannot be installed; install it (on Debian: apt-get install chromium) and try again"
}

want_run() { ensure_venv; install_pins run; install_project; }
want_dev() { want_run; install_pins dev; }
want_corpus() { want_dev; install_pins corpus; }
want_fuzz() { want_dev; install_pins fuzz; }
want_journeys() { want_corpus; install_pins journeys; install_prometheus; install_chromium; install_clients; }

case ${1:-run} in
    run) want_run ;;
    dev) want_dev ;;
    fuzz) want_fuzz ;;
    corpus) want_corpus ;;
    journeys) want_journeys ;;
    *) fail "knows \`run\`, \`dev\`, \`corpus\`, \`fuzz\` and \`journeys\`, not \`$1\`" ;;
esac
