# shellcheck shell=bash
# Helpers shared by the scripts beside this file.  Source it; do not run it.
#
# A component keeps everything it owns under one state folder, $STATE:
#   $STATE/pids/NAME   "PID STARTTIME SIGNAL" of each process it began
#   $STATE/log/        what those processes print
#   $STATE/env         NAME='value' lines that a test can source
# STARTTIME is field 22 of /proc/PID/stat.  It is compared before a signal is
# sent, so a number that the kernel has given to someone else is left alone.

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

need() {
    local c
    for c in "$@"; do
        command -v "$c" >/dev/null 2>&1 || die "needs '$c', which is not installed"
    done
}

# state_init DIR: makes the folder if it is missing and leaves its absolute
# path in STATE.  Daemons that give up root must be able to pass through it.
state_init() {
    [ -n "${1:-}" ] || die "usage: ${0##*/} STATE_DIR"
    case $1 in
    *[[:space:]\'\"\;\{\}]*) die "state folder with a blank or quote in its name: $1" ;;
    esac
    mkdir -p "$1"
    STATE=$(cd "$1" && pwd -P)
    # A unix socket's path holds at most 107 bytes.
    [ "${#STATE}" -le 70 ] || die "state folder path too long for unix sockets: $STATE"
    mkdir -p "$STATE/pids" "$STATE/log" "$STATE/run"
    [ "$(id -u)" -ne 0 ] || chmod 711 "$STATE" "$STATE/run"
}

# proc_identity PID: "STATE STARTTIME", or nothing when there is no such process.
proc_identity() {
    # The command name (field 2) may hold blanks and brackets: cut it off first.
    sed -n 's/^.*) //p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f1,20
}

# is_mine PIDFILE: true while the very process named there is alive.
is_mine() {
    local pid started state now
    [ -s "$1" ] || return 1
    read -r pid started _ <"$1" || return 1
    read -r state now <<<"$(proc_identity "$pid")"
    # A zombie (Z) has ended; nobody has collected it yet.
    [ -n "$started" ] && [ "$now" = "$started" ] && [ "$state" != Z ]
}

# spawn NAME COMMAND...: starts a foreground-mode daemon in its own session.
# STOP_SIGNAL before it names the signal that asks it to end (TERM).
spawn() {
    local name=$1 pid started
    shift
    if is_mine "$STATE/pids/$name"; then
        return 0
    fi
    setsid "$@" </dev/null >"$STATE/log/$name.out" 2>&1 &
    pid=$!
    started=$(proc_identity "$pid")
    printf '%s %s %s\n' "$pid" "${started#* }" "${STOP_SIGNAL:-TERM}" >"$STATE/pids/$name"
}

# stop_some PIDFILE...: asks all of them to end, gives them up to five seconds,
# then ends those that are still there, with their children: spawn made each
# the head of a process group.
stop_some() {
    local f pid signal i left
    for f in "$@"; do
        if is_mine "$f"; then
            read -r pid _ signal <"$f"
            kill -s "${signal:-TERM}" "$pid" 2>/dev/null || true
        fi
    done
    for ((i = 0; i < 100; i++)); do
        left=0
        for f in "$@"; do
            if is_mine "$f"; then left=1; fi
        done
        [ "$left" -eq 1 ] || break
        sleep 0.05
    done
    for f in "$@"; do
        if is_mine "$f"; then
            read -r pid _ <"$f"
            printf '%s: %s had to be killed\n' "${0##*/}" "${f##*/}" >&2
            kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
        fi
        rm -f "$f"
    done
}

# stop_all: ends what this state folder began.
stop_all() {
    local f files=()
    for f in "$STATE"/pids/*; do
        [ -e "$f" ] && files+=("$f")
    done
    [ "${#files[@]}" -eq 0 ] || stop_some "${files[@]}"
}

# fail_stop: installed with 'trap fail_stop EXIT' while a start is under way,
# so that a start which breaks halfway leaves nothing behind.  A script with a
# handler of its own calls it with the status as argument.
fail_stop() {
    local rc=${1:-$?}
    trap - EXIT
    if [ "$rc" -ne 0 ]; then
        printf '%s: start failed, last lines of the logs:\n' "${0##*/}" >&2
        tail -n 15 "$STATE"/log/* >&2 2>/dev/null || true
        stop_all
    fi
    exit "$rc"
}

port_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# wait_for SECONDS WHAT COMMAND...: polls 20 times a second.
wait_for() {
    local limit=$(($1 * 20)) what=$2 i f
    shift 2
    for ((i = 0; i < limit; i++)); do
        if "$@" >/dev/null 2>&1; then
            return 0
        fi
        # One of our processes died: waiting on is pointless.
        for f in "$STATE"/pids/*; do
            [ -e "$f" ] || continue
            is_mine "$f" || die "${f##*/} ended while waiting for $what"
        done
        sleep 0.05
    done
    die "gave up waiting for $what"
}

wait_port() {
    wait_for "${2:-10}" "port $1" port_open "$1"
}

# free_ports COUNT: so many ports of 127.0.0.1 that nobody holds. They lie below
# the ephemeral range, so no outgoing connection takes one before its owner does.
free_ports() {
    /usr/bin/python3 - "$1" <<'PYTHON'
import random, socket, sys

held = []
for port in random.sample(range(20000, 32000), 2000):
    probe = socket.socket()
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        continue
    held.append(probe)
    if len(held) == int(sys.argv[1]):
        break
print(*(probe.getsockname()[1] for probe in held))
PYTHON
}

# put_env NAME VALUE: one line of $STATE/env, safe to source.
put_env() {
    local v=${2//\'/\'\\\'\'}
    printf "%s='%s'\n" "$1" "$v" >>"$STATE/env"
}
