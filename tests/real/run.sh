#!/bin/bash
# The scenes with real programs: starts those, runs the scenes, ends all.
#
#   run.sh POSTERN ARTIFACTS_DIR [PYTEST_ARGUMENT...]
set -eu
[ "$#" -ge 2 ] || {
    echo "usage: ${0##*/} POSTERN ARTIFACTS_DIR [PYTEST_ARGUMENT...]" >&2
    exit 2
}
here=$(cd "$(dirname "$0")" && pwd -P)
mkdir -p "$2"
POSTERN=$(readlink -f "$1")
POSTERN_ARTIFACTS=$(readlink -f "$2")
shift 2
PKI_DIR=$(mktemp -d "${TMPDIR:-/tmp}/postern-pki.XXXXXX")
trap 'rm -rf "$PKI_DIR"' EXIT
POSTERN_PKI=$PKI_DIR
PYTHONDONTWRITEBYTECODE=1
export POSTERN POSTERN_ARTIFACTS POSTERN_PKI PKI_DIR PYTHONDONTWRITEBYTECODE
components=(roundcube)
# sogod ends at once where it cannot read this, whatever its command line says.
if [ -r /etc/sogo/sogo.conf ]; then
    components+=(sogo)
fi
"$here/with.sh" "${components[@]}" -- /usr/bin/python3 -m pytest -q -p no:cacheprovider --color=no \
    --junitxml "$POSTERN_ARTIFACTS/real.xml" "$here" "$@"
