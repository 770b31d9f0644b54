#!/bin/bash
# Another release of Debian in a folder of this machine, and a command in there.
#
#   release.sh RELEASE FOLDER COMMAND...
#
# The folder is made by debootstrap if it is not there, from the mirror that this
# machine's apt uses, and kept. The command runs as root in a copy of this tree,
# below a folder that is root's alone; what it builds stays there for the next run.
# Mounts and processes have namespaces of their own: when this script ends, however
# it ends, the kernel takes both away. Needs root; POSTERN_MIRROR=URI names a mirror
# where apt's configuration has none of Debian.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
copy=root/postern # in the folder; 0700 above it, as in many an administrator's home

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# What apt would ask for this machine's own release; others, too, call theirs so, but
# Debian's place is mostly called debian. A list of mirrors (mirror+file:, as in
# Debian's cloud images) is read up to its first line.
mirror() {
    local codename uri
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # the variables are apt's
    uri=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
        awk -v own="$codename" '$2 != "main" || $1 != own && $1 !~ /^(old)?stable$/ { next }
            first == "" { first = $3 }
            $3 ~ /\/debian\/?$/ { named = $3; exit }
            END { print named == "" ? first : named }')
    case $uri in
    mirror+file:*)
        uri=${uri#mirror+file:}
        uri=$(grep -m 1 -oE '^[a-z]+:[^[:space:]]+' "${uri%/}" || true)
        ;;
    esac
    printf '%s' "${POSTERN_MIRROR:-$uri}"
}

# debootstrap asks through wget, which does not read apt's configuration.
use_proxy_of_apt() {
    local http='' https=''
    eval "$(apt-config shell http Acquire::http::Proxy https Acquire::https::Proxy)"
    for_wget() { [ -z "$2" ] || [ "$2" = DIRECT ] || [ -n "${!1:-}" ] || export "$1=$2"; }
    for_wget http_proxy "$http"
    for_wget https_proxy "${https:-$http}"
}

# What the folder's own apt needs of this machine: how it gets out, not its sources.
configure() {
    local folder=$1
    apt-config dump --no-empty --format '%F "%v";%n' |
        grep -E '^Acquire::(http|https|Retries|ForceIPv|Check-|Languages)' >"$folder/etc/apt/apt.conf.d/00machine" || true
    cp -L /etc/resolv.conf /etc/hosts "$folder/etc/"
    if [ ! -e "$folder/etc/ssl/certs/ca-certificates.crt" ] && [ -e /etc/ssl/certs/ca-certificates.crt ]; then
        mkdir -p "$folder/etc/ssl/certs"
        cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
    fi
}

# Half a folder is none: it gets its name when it is whole.
make_folder() {
    local release=$1 folder=$2 from
    [ ! -e "$folder/etc/debian_version" ] || return 0
    from=$(mirror)
    [ -n "$from" ] || die "apt knows no mirror of Debian here; say POSTERN_MIRROR=URI"
    rm -rf --one-file-system "$folder.part"
    debootstrap --variant=minbase "$release" "$folder.part" "$from" || die "no $release from $from"
    mv "$folder.part" "$folder"
}

# What is the same keeps its time, so that it is not built again. What is not is new as
# of now: by the time that it has here it may be older than what was built of its elder.
copy_tree() {
    local copy=$1 fresh=$1.new file
    rm -rf "$fresh"
    mkdir -p "$copy" "$fresh"
    tar -C "$here/.." --exclude='./build*' --exclude=./.git -cf - . | tar -C "$fresh" -xmf - --no-same-owner
    (cd "$fresh" && find . -type f -print0) | while read -rd '' file; do
        ! cmp -s "$fresh/$file" "$copy/$file" || touch -r "$copy/$file" "$fresh/$file"
    done
    find "$copy" -mindepth 1 -maxdepth 1 -name 'build*' -exec mv -t "$fresh" {} +
    rm -rf "$copy"
    mv "$fresh" "$copy"
}

# In the new namespaces, as their first process.
run_inside() {
    local folder=$1 name passed=()
    shift
    mount -t proc proc "$folder/proc"
    mount --rbind /sys "$folder/sys"
    mount --rbind /dev "$folder/dev"
    mount -t tmpfs -o mode=0755 tmpfs "$folder/run"
    mount -t tmpfs -o mode=1777 tmpfs "$folder/tmp"
    for name in http_proxy https_proxy no_proxy POSTERN_SKIP_REAL TERM; do
        [ -z "${!name:-}" ] || passed+=("$name=${!name}")
    done
    # Not by exec: the first process of a namespace is deaf to most signals.
    chroot "$folder" /usr/bin/env -i "${passed[@]}" HOME=/root LC_ALL=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        bash -c "cd /$copy"' && exec "$@"' bash "$@"
}

if [ "${1:-}" = --inside ]; then
    shift
    run_inside "$@"
    exit
fi

[ "$#" -ge 3 ] || {
    echo "usage: ${0##*/} RELEASE FOLDER COMMAND..." >&2
    exit 2
}
[ "$(id -u)" -eq 0 ] || die 'needs root'
release=$1 folder=$2
shift 2
mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9 # one run at a time in one folder
use_proxy_of_apt
make_folder "$release" "$folder"
configure "$folder"
copy_tree "$folder/$copy"

set -m # or what is started below would ignore an interrupt for good
setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child \
    "$here/${0##*/}" --inside "$folder" "$@" </dev/null 9>&- &
inside=$!
trap 'kill -KILL "$inside" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
wait "$inside"
