# shellcheck shell=bash
# What the scripts of this folder share. Sourced, never run.
#
# Settings, all optional:
#   ORDERBRIDGE_LOCAL                  folder of this instance's data (default: .local in the repository)
#   ORDERBRIDGE_PG_PORT                PostgreSQL's port
#   ORDERBRIDGE_KAFKA_PORT             the broker's port
#   ORDERBRIDGE_KAFKA_CONTROLLER_PORT  the KRaft controller's port
#   ORDERBRIDGE_PG_FSYNC=off           faster, loses data when the machine (not the process) crashes
#   DATABASE_URL, KAFKA_BROKERS        existing services to use instead: checked, never started or stopped

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
REPOSITORY=$(cd "$HERE/../.." && pwd -P)
LOCAL=${ORDERBRIDGE_LOCAL:-$REPOSITORY/.local}
case $LOCAL in /*) ;; *) LOCAL=$PWD/$LOCAL ;; esac
if [[ -d $LOCAL ]]; then LOCAL=$(cd "$LOCAL" && pwd -P); fi # processes are recognised by this path
# Kept outside the instance: a second one needs the same 45 MB of jars, and `down --purge` deletes data, not downloads.
KAFKA_LIBS=$REPOSITORY/.local/kafka-libs
PORTS_FILE=$LOCAL/ports
START_DEADLINE_SECONDS=90
# One locale for all that is started here. Java can open no path outside ASCII in a locale that the machine lacks (as after ssh),
# and Kafka does not start in a Turkish one, whose capital i has a dot.
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*"; }
die() {
    printf 'deploy/local: %s\n' "$*" >&2
    exit 1
}

python() {
    local interpreter=/usr/bin/python3
    # A version switcher's shim in front of the PATH costs a tenth of a second per call.
    [[ -x $interpreter ]] || interpreter=python3
    "$interpreter" -SE "$@"
}

make_local() {
    mkdir -p "$LOCAL" 2>/dev/null || die "cannot create $LOCAL; set ORDERBRIDGE_LOCAL to a folder of yours"
    LOCAL=$(cd "$LOCAL" && pwd -P)
    PORTS_FILE=$LOCAL/ports
    [[ -w $LOCAL ]] ||
        die "$LOCAL belongs to $(stat -c %U "$LOCAL"): run this with sudo, or set ORDERBRIDGE_LOCAL to a folder of yours"
}

# Serialises up, down and restart of one instance; started services must not inherit the lock (`9>&-`).
take_lock() {
    make_local
    { exec 9>>"$LOCAL/lock"; } 2>/dev/null || die "$LOCAL/lock belongs to $(stat -c %U "$LOCAL/lock"): run this with sudo"
    flock -w 300 9 || die "another up, down or restart has held $LOCAL/lock for 5 minutes"
}

# --- Ports ----------------------------------------------------------------------------------------------------------

declare -A DEFAULT_PORT=([postgres]=54329 [kafka]=19092 [controller]=19093)
declare -A PORT_SETTING=(
    [postgres]=ORDERBRIDGE_PG_PORT [kafka]=ORDERBRIDGE_KAFKA_PORT [controller]=ORDERBRIDGE_KAFKA_CONTROLLER_PORT
)

asked_port() { # postgres|kafka|controller: the port that the environment asks for, if any
    local setting=${PORT_SETTING[$1]}
    printf '%s' "${!setting:-}"
}

recorded_port() {
    [[ -r $PORTS_FILE ]] || return 0
    sed -n "s/^$1=//p" "$PORTS_FILE" | tail -n 1
}

# The port that this instance uses, or would: recorded at its last start, else asked for, else the default.
port_of() {
    local port
    port=$(recorded_port "$1")
    [[ -n $port ]] || port=$(asked_port "$1")
    printf '%s' "${port:-${DEFAULT_PORT[$1]}}"
}

record_port() {
    local others=""
    if [[ -r $PORTS_FILE ]]; then others=$(grep -v "^$1=" "$PORTS_FILE" || true); fi
    printf '%s\n' ${others:+"$others"} "$1=$2" >"$PORTS_FILE.new"
    mv "$PORTS_FILE.new" "$PORTS_FILE"
}

port_is_free() {
    python - "$1" <<'PY' 2>/dev/null
import socket, sys
with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen()
PY
}

# Chooses and records a port for a service that is about to start. A port that was asked for is used or refused; the
# default, if something else has it, gives way to a free one (below the range that outgoing connections use).
choose_port() {
    local name=$1 asked port try
    asked=$(asked_port "$name")
    if [[ -n $asked ]]; then
        if ! [[ $asked =~ ^[1-9][0-9]{0,4}$ ]] || ((asked > 65535)); then die "${PORT_SETTING[$name]}=$asked is not a port"; fi
        port_is_free "$asked" || die "port $asked (${PORT_SETTING[$name]}) is taken by another program; choose another"
        record_port "$name" "$asked"
        return
    fi
    port=$(port_of "$name")
    for ((try = 0; try < 50; try++)); do
        if port_is_free "$port"; then
            record_port "$name" "$port"
            return
        fi
        port=$((20000 + RANDOM % 10000))
    done
    die "found no free port for $name; set ${PORT_SETTING[$name]}"
}

# --- Ours or somebody else's ----------------------------------------------------------------------------------------

local_database_url() { printf 'postgres://orderbridge@127.0.0.1:%s/orderbridge' "$(port_of postgres)"; }
local_kafka_brokers() { printf '127.0.0.1:%s' "$(port_of kafka)"; }

# A shell that has evaluated `deploy/local/env` has the variables set to our own services; those stay ours.
database_is_external() { [[ -n ${DATABASE_URL:-} && $DATABASE_URL != "$(local_database_url)" ]]; }
kafka_is_external() { [[ -n ${KAFKA_BROKERS:-} && $KAFKA_BROKERS != "$(local_kafka_brokers)" ]]; }

is_external() { if [[ $1 == postgres ]]; then database_is_external; else kafka_is_external; fi; }

# The services named as arguments, or both.
services_from() {
    SERVICES=()
    local name
    for name in "$@"; do
        case $name in
        postgres | kafka) SERVICES+=("$name") ;;
        *) die "unknown service '$name' (postgres or kafka)" ;;
        esac
    done
    ((${#SERVICES[@]})) || SERVICES=(postgres kafka)
}

# --- Processes ------------------------------------------------------------------------------------------------------

process_is_alive() { # a zombie has ended too
    local state
    state=$(process_state "$1")
    [[ -n $state && $state != Z && $state != X ]]
}

process_state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null || true; }

# Waits until a process has ended; fails after the given seconds.
wait_for_end() {
    local pid=$1 deadline=$((SECONDS + $2))
    while process_is_alive "$pid"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

# Sends a signal; a frozen process is thawed, as it could not act on it (but for KILL).
signal_process() {
    local signal=$1 pid=$2 name=$3
    kill "-$signal" "$pid" 2>/dev/null || die "may not stop $name ($pid): use sudo"
    kill -CONT "$pid" 2>/dev/null || true
}

last_lines() { if [[ -r $1 ]]; then tail -n "${2:-15}" "$1" >&2; fi; }

# shellcheck source=deploy/local/postgres.sh
source "$HERE/postgres.sh"
# shellcheck source=deploy/local/kafka.sh
source "$HERE/kafka.sh"
