# shellcheck shell=bash
# What `demo` and `smoke` share: both platforms' simulators and Orderbridge, running, with two tenants. Sourced after lib.sh.
#
# Everything of a run lives in $STAGE (.local/demo or .local/smoke), in a database of its own and on topics of its own.
# However a run ends, what it started ends with it; services that ran before go on.

STAGE_NAME=""
STAGE=""
STAGE_PIDS=()     # of process groups that were started, in that order
STAGE_SERVICES=() # that were started by us
STAGE_JOB=""      # what is being waited for
STAGE_JOB_SIGNAL=TERM

stage_begin() { # name
    STAGE_NAME=$1
    make_local
    STAGE=$LOCAL/$STAGE_NAME
    mkdir -p "$STAGE"
    exec 7>>"$STAGE/lock"
    flock -n 7 || die "another $STAGE_NAME runs already ($STAGE/lock)"
    find "$STAGE" -mindepth 1 ! -name lock -delete
    trap stage_end EXIT
    trap 'stage_interrupted 130' INT
    trap 'stage_interrupted 143' TERM
    trap 'stage_interrupted 129' HUP
}

stage_interrupted() { # exit code: the end is the same, but a second Ctrl-C must not cut it short
    trap '' INT TERM HUP
    # What is waited for may have a last word to say.
    if [[ -n $STAGE_JOB ]]; then stage_kill "$STAGE_JOB" "$STAGE_JOB_SIGNAL"; fi
    STAGE_JOB=""
    exit "$1"
}

stage_end() {
    local code=$? at
    trap '' INT TERM HUP
    trap - EXIT
    if [[ -n $STAGE_JOB ]]; then stage_kill "$STAGE_JOB" TERM; fi
    for ((at = ${#STAGE_PIDS[@]} - 1; at >= 0; at--)); do stage_kill "-${STAGE_PIDS[at]}" TERM; done
    rm -f "$STAGE/env"
    stage_forget_topics "$STAGE_NAME-"
    # Quietly, as the last line of a smoke run is its result; and by the services' own names, not by this run's database.
    for service in "${STAGE_SERVICES[@]}"; do env -u DATABASE_URL -u KAFKA_BROKERS "$HERE/down" "$service" >/dev/null 7>&- || true; done
    exit "$code"
}

# Asks by a signal, and in the end does not ask any more. TERM is sent once, as a second one cuts an orderly end short; an INT
# before a program listens is lost, so that TERM follows.
stage_kill() { # pid or -group, signal
    local target=$1 signal=$2 start=$SECONDS
    kill "-$signal" -- "$target" 2>/dev/null || return 0
    while stage_is_alive "$target"; do
        if [[ $signal == INT ]] && ((SECONDS - start >= 3)); then
            signal=TERM
            kill -TERM -- "$target" 2>/dev/null || true
        elif ((SECONDS - start >= 20)); then
            kill -KILL -- "$target" 2>/dev/null || true
        fi
        sleep 0.05
    done
}

stage_is_alive() { # pid or -group
    if [[ $1 == -* ]]; then kill -0 -- "$1" 2>/dev/null; else process_is_alive "$1"; fi
}

# Runs a command so that a signal to this script is acted on at once and not when the command has ended.
stage_run() { # [--signal NAME] command…
    local code=0
    STAGE_JOB_SIGNAL=TERM
    if [[ $1 == --signal ]]; then
        STAGE_JOB_SIGNAL=$2
        shift 2
    fi
    "$@" 7>&- &
    STAGE_JOB=$!
    wait "$STAGE_JOB" || code=$?
    STAGE_JOB=""
    return "$code"
}

# Starts a command in a process group of its own: a Ctrl-C reaches this script only, which ends things in the right order.
stage_start() { # log command…
    local log=$STAGE/$1.log
    shift
    # In a script a background command leads no group, so that setsid does not fork and this is the command's own id.
    setsid "$@" </dev/null >"$log" 2>&1 7>&- &
    STAGE_PIDS+=($!)
}

stage_services() {
    local service
    for service in postgres kafka; do
        "$HERE/status" "$service" >/dev/null 2>&1 || is_external "$service" || STAGE_SERVICES+=("$service")
    done
    stage_run "$HERE/up"
}

stage_build() { # ORDERBRIDGE_BIN names a folder with executables that are built already
    cd "$REPOSITORY" || exit
    local groups=(demo postgres kafka)
    BIN=${ORDERBRIDGE_BIN:-}
    # All packages at once: nobody wants to be asked for more after a long build.
    [[ -n $BIN ]] || groups+=(build)
    "$HERE/packages" "${groups[@]}"
    [[ -z $BIN ]] || return 0
    stage_run cargo build --workspace --bins --locked
    BIN=${CARGO_TARGET_DIR:-$REPOSITORY/target}/debug
}

# A port that is free now, the wanted one if it is.
stage_port() { # wanted
    local port=$1 try
    for ((try = 0; try < 50; try++)); do
        if port_is_free "$port"; then
            printf '%s' "$port"
            return
        fi
        port=$((20000 + RANDOM % 10000))
    done
    die "found no free port"
}

stage_psql() { # url command
    local bin
    if bin=$(postgres_bin); then bin=$bin/psql; else bin=psql; fi
    PGCONNECT_TIMEOUT=5 PGOPTIONS='-c client_min_messages=warning' "$bin" -XqAt -v ON_ERROR_STOP=1 -d "$1" -c "$2"
}

stage_database() { # a new one beside the usual one; the URL's other parts stay
    local base name=orderbridge_$STAGE_NAME
    eval "$("$HERE/env")"
    base=$DATABASE_URL
    stage_psql "$base" "drop database if exists $name with (force)"
    stage_psql "$base" "create database $name"
    DATABASE_URL=$(python - "$base" "$name" <<'PY'
import sys
from urllib.parse import urlsplit
url, name = sys.argv[1:]
print(urlsplit(url)._replace(path="/" + name).geturl() if "://" in url else f"{url} dbname={name}")
PY
    )
}

# Topics of earlier runs. Those of somebody else's brokers are theirs to keep.
stage_forget_topics() { # prefix
    kafka_is_external || ! kafka_pid >/dev/null || python "$HERE/kafka/delete-topics" "$(local_kafka_brokers)" "$1" || true
}

stage_wait() { # what url
    local deadline=$((SECONDS + 60))
    until curl -fsS -m 2 -o /dev/null "$2" 2>/dev/null; do
        if ((SECONDS >= deadline)) || ! stage_is_alive "-${STAGE_PIDS[-1]}"; then
            last_lines "$STAGE/$1.log"
            die "$1 did not start; see $STAGE/$1.log"
        fi
        sleep 0.1
    done
}

stage_platforms() {
    BIGCOMMERCE_URL=http://127.0.0.1:$(stage_port 9081)
    BRIGHTPEARL_URL=http://127.0.0.1:$(stage_port 9082)
    stage_start platforms "$BIN/platforms" --bigcommerce "${BIGCOMMERCE_URL#http://}" --brightpearl "${BRIGHTPEARL_URL#http://}" --seed "${1:-1}"
    stage_wait platforms "$BIGCOMMERCE_URL/_sim/health"
    stage_wait platforms "$BRIGHTPEARL_URL/_sim/health"
}

stage_seed() { # [option of shop seed]…
    "$BIN/shop" seed --bigcommerce "$BIGCOMMERCE_URL" --brightpearl "$BRIGHTPEARL_URL" --templates "$REPOSITORY/deploy/demo" --out "$STAGE/tenants" "$@"
}

# Settings of this run, for our own commands and for a person's. It holds the master key, so nobody else may read it.
stage_environment() {
    local run
    run=$STAGE_NAME-$(date +%s)
    INGEST_URL=http://127.0.0.1:$(stage_port 8080)
    PROCESSOR_URL=http://127.0.0.1:$(stage_port 8081)
    (
        umask 077
        cat >"$STAGE/env" <<ENV
export DATABASE_URL='$DATABASE_URL'
export KAFKA_BROKERS='$KAFKA_BROKERS'
export ORDERBRIDGE__KAFKA__TOPIC_PREFIX='$run.'
export ORDERBRIDGE__PROCESSOR__CONSUMER_GROUP='$run'
export ORDERBRIDGE__INGEST__HTTP__LISTEN='${INGEST_URL#http://}'
export ORDERBRIDGE__INGEST__DIRECTORY__FILE='$STAGE/directory'
export ORDERBRIDGE__PROCESSOR__LISTEN='${PROCESSOR_URL#http://}'
export ORDERBRIDGE__PUBLIC_URL='$INGEST_URL'
export ORDERBRIDGE__KEYS='$("$BIN/orderbridge" keys generate)'
export ORDERBRIDGE_CONFIG='$REPOSITORY/deploy/demo/settings/orderbridge.toml'
export PATH='$BIN':"\$PATH"
# The addresses of this run, for curl.
export INGEST='$INGEST_URL' PROCESSOR='$PROCESSOR_URL' STORES='$BIGCOMMERCE_URL' ACCOUNTS='$BRIGHTPEARL_URL'
ENV
    )
    # shellcheck disable=SC1091
    source "$STAGE/env"
}

stage_orderbridge() {
    orderbridge migrate up >"$STAGE/setup.log"
    orderbridge topics create >>"$STAGE/setup.log"
    orderbridge tenant import "$STAGE"/tenants/*.toml
    stage_start orderbridge "$BIN/orderbridge" all
    stage_wait orderbridge "$INGEST_URL/readyz"
    stage_wait orderbridge "$PROCESSOR_URL/readyz"
    orderbridge hooks sync >>"$STAGE/setup.log" || { last_lines "$STAGE/setup.log"; die "the webhooks could not be registered"; }
}
