#!/bin/bash
# Runs a command while some components are up, and ends them afterwards.
#
#   with.sh COMPONENT... -- COMMAND [ARGUMENT...]
#
# COMPONENT is a folder beside this file that holds a start.sh.  All share one
# set of certificates (PKI_DIR); what their env files say is exported to the
# command.  KEEP_STATE=DIR uses that folder and leaves it there for a look.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
# shellcheck source=lib.sh
. "$here/lib.sh"

wanted=()
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    [ -x "$here/$1/start.sh" ] || die "no such component: $1"
    wanted+=("$1")
    shift
done
shift || true
[ "$#" -ge 1 ] || die "usage: ${0##*/} COMPONENT... -- COMMAND [ARGUMENT...]"

if [ -n "${KEEP_STATE:-}" ]; then
    mkdir -p "$KEEP_STATE"
    root=$(cd "$KEEP_STATE" && pwd -P)
else
    root=$(mktemp -d "${TMPDIR:-/tmp}/postern-real.XXXXXX")
fi
[ "$(id -u)" -ne 0 ] || chmod 711 "$root"

finish() {
    local rc=$? c
    trap - EXIT INT TERM
    for c in "${wanted[@]}"; do
        if [ -x "$here/$c/stop.sh" ]; then
            "$here/$c/stop.sh" "$root/$c" &
        else
            "$here/stop.sh" "$root/$c" &
        fi
    done
    wait
    [ -n "${KEEP_STATE:-}" ] || rm -rf "$root"
    exit "$rc"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export PKI_DIR=${PKI_DIR:-$root/pki}
"$here/../pki/make-pki.sh" "$PKI_DIR"
jobs_=()
for c in "${wanted[@]}"; do
    "$here/$c/start.sh" "$root/$c" >/dev/null &
    jobs_+=("$!")
done
for j in "${jobs_[@]}"; do
    wait "$j"
done
set -a
for c in "${wanted[@]}"; do
    if [ -e "$root/$c/env" ]; then
        # Written by start.sh.
        # shellcheck source=/dev/null
        . "$root/$c/env"
    fi
done
set +a
"$@"
