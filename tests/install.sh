#!/bin/bash
# Installs what parts of the work need, without starting any service.
#
#   install.sh PART...        parts and packages stand in packages.txt
#
# Says and does nothing when all is there, so that it can run every time. Needs
# root, or sudo, only when something is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
[ "$#" -gt 0 ] || {
    echo "usage: ${0##*/} PART..." >&2
    exit 2
}

# packages_of PART: its packages, one "A|B" per line, other parts resolved.
packages_of() {
    local name word words found=
    while read -r name words; do
        [ "$name" = "$1" ] || continue
        found=1
        for word in $words; do
            case $word in
            @*) packages_of "${word#@}" ;;
            *) printf '%s\n' "$word" ;;
            esac
        done
    done <"$here/packages.txt"
    [ -n "$found" ] || {
        echo "${0##*/}: packages.txt has no part '$1'" >&2
        return 1
    }
}

declare -A installed=()
while read -r state package; do
    [ "$state" != installed ] || installed[$package]=1
done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n')

is_offered() {
    LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'
}

missing=()
list=$(for part in "$@"; do packages_of "$part"; done | sort -u)
for alternatives in $list; do
    there=
    for package in ${alternatives//|/ }; do
        there+=${installed[$package]:-}
    done
    [ -n "$there" ] || missing+=("$alternatives")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        printf '%s: as root, please: apt-get install %s\n' "${0##*/}" "${missing[*]}" >&2
        exit 1
    }
    exec sudo "$here/${0##*/}" "$@"
fi

export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    # Every package asks here before it starts a service. The answer is no.
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt=(apt-get -q -o DPkg::Lock::Timeout=300)
"${apt[@]}" update
chosen=()
for alternatives in "${missing[@]}"; do
    for package in ${alternatives//|/ }; do
        # The last one is taken as it is: apt says best what is wrong with it.
        if is_offered "$package" || [ "$package" = "${alternatives##*|}" ]; then
            chosen+=("$package")
            break
        fi
    done
done
case " ${chosen[*]} " in
*' roundcube-core '*)
    # It must not ask about a database of its own.
    echo 'roundcube-core roundcube/dbconfig-install boolean false' | debconf-set-selections
    ;;
esac
"${apt[@]}" install -y --no-install-recommends "${chosen[@]}"
