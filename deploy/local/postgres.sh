# shellcheck shell=bash
# PostgreSQL's part of the local services: an own cluster, apart from any that the distribution runs. Sourced by lib.sh.
#
# Everything is below $LOCAL/postgres (data/, log, socket). PostgreSQL refuses to run as root, so root hands that folder
# to the user `postgres`; where that user cannot reach it (a home folder, say), $LOCAL/postgres is a link into /var/tmp.

postgres_bin() { # the distribution's newest server, or the one that made the data folder
    local version="*" folder found=""
    if [[ -r $LOCAL/postgres/data/PG_VERSION ]]; then version=$(<"$LOCAL/postgres/data/PG_VERSION"); fi
    while read -r folder; do
        if [[ -x $folder/initdb ]]; then found=$folder; fi
    done < <(compgen -G "/usr/lib/postgresql/$version/bin" | sort -V)
    if [[ -z $found ]] && command -v initdb >/dev/null && command -v pg_ctl >/dev/null; then
        found=$(dirname "$(readlink -f "$(command -v initdb)")")
    fi
    [[ -n $found ]] && printf '%s' "$found"
}

# The user that owns the cluster: the caller, or for root an ordinary user.
postgres_user() {
    if ((EUID != 0)); then
        id -un
    elif [[ -d $LOCAL/postgres/data ]] && (($(stat -c %u "$LOCAL/postgres/data") != 0)); then
        stat -c %U "$LOCAL/postgres/data"
    elif id -u postgres >/dev/null 2>&1; then
        printf postgres
    else
        id -u orderbridge >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin orderbridge >&2
        printf orderbridge
    fi
}

as_postgres() { # from /, as the caller's folder may be closed to that user
    local user
    user=$(postgres_user)
    if [[ $(id -un) == "$user" ]]; then (cd / && "$@"); else (cd / && runuser -u "$user" -- "$@"); fi
}

postgres_pid() { # of our running server, told from a reused process id by its working folder
    local pid="" folder
    folder=$(readlink -f "$LOCAL/postgres/data") || return 1
    if [[ -r $folder/postmaster.pid ]]; then
        read -r pid <"$folder/postmaster.pid" || return 1
    elif [[ -d $folder && ! -x $folder ]]; then
        pid=$(cat "$LOCAL/postgres.pid" 2>/dev/null) # made by root, asked about by somebody else
        process_is_alive "$pid" && printf '%s' "$pid"
        return
    fi
    [[ -n $pid ]] && process_is_alive "$pid" && [[ $(readlink "/proc/$pid/cwd") == "$folder" ]] && printf '%s' "$pid"
}

postgres_answers() {
    local bin
    bin=$(postgres_bin) || return 1
    "$bin/psql" -XqAt -d "$(local_database_url)?connect_timeout=3" -c 'select 1' >/dev/null 2>&1
}

database_url_answers() {
    local bin
    if bin=$(postgres_bin); then bin=$bin/psql; else bin=psql; fi
    PGCONNECT_TIMEOUT=5 "$bin" -XqAt -d "$DATABASE_URL" -c 'select 1' >/dev/null
}

postgres_folder() { # makes $LOCAL/postgres, reachable by the cluster's user
    local user elsewhere
    user=$(postgres_user)
    [[ -e $LOCAL/postgres/. ]] && as_postgres test -w "$LOCAL/postgres" && return
    if ((EUID != 0)); then
        mkdir -p "$LOCAL/postgres"
        [[ -w $LOCAL/postgres ]] || die "$LOCAL/postgres belongs to $(stat -c %U "$LOCAL/postgres"): use sudo"
        return
    fi
    rm -f "$LOCAL/postgres" 2>/dev/null || true # a link whose target is gone
    mkdir -p "$LOCAL/postgres"
    chown "$user:" "$LOCAL/postgres"
    as_postgres test -w "$LOCAL/postgres" && return
    elsewhere=/var/tmp/orderbridge-$(printf '%s' "$LOCAL" | sha256sum | cut -c1-16)
    # Anybody may create names in /var/tmp: a folder that is not root's is not ours.
    mkdir -m 755 "$elsewhere" 2>/dev/null || [[ -d $elsewhere && ! -L $elsewhere && -O $elsewhere ]] ||
        die "$elsewhere exists and is not root's: remove it"
    mkdir -p "$elsewhere/postgres"
    chown "$user:" "$elsewhere/postgres"
    rmdir "$LOCAL/postgres"
    ln -s "$elsewhere/postgres" "$LOCAL/postgres"
    as_postgres test -w "$LOCAL/postgres/." || as_postgres test -w "$elsewhere/postgres" ||
        die "the user $user can write neither $LOCAL/postgres nor $elsewhere/postgres"
}

postgres_configure() { # written at each start, so that a changed port or setting takes effect
    local folder=$1 socket=$1
    # A socket's path may have 107 bytes at most; a longer folder does without.
    if ((${#socket} > 85)); then socket=""; fi
    as_postgres tee "$folder/data/orderbridge.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $(port_of postgres)
unix_socket_directories = '$socket'
max_connections = 200
shared_buffers = ${ORDERBRIDGE_PG_SHARED_BUFFERS:-64MB}
max_wal_size = ${ORDERBRIDGE_PG_MAX_WAL_SIZE:-256MB}
huge_pages = off
jit = off
max_locks_per_transaction = 256
fsync = ${ORDERBRIDGE_PG_FSYNC:-on}
log_line_prefix = '%m [%p] %u@%d '
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
CONF
}

postgres_create() {
    local bin=$1 folder=$2
    [[ -d $folder/data ]] && return
    say "postgres: creating a cluster in $folder"
    as_postgres rm -rf "$folder/data.new" # of an initdb that was interrupted
    as_postgres "$bin/initdb" -D "$folder/data.new" -U orderbridge -A trust --encoding=UTF8 --locale=C --no-sync \
        >"$LOCAL/initdb.log" 2>&1 9>&- || { last_lines "$LOCAL/initdb.log"; die "initdb failed"; }
    as_postgres tee -a "$folder/data.new/postgresql.conf" <<<"include_if_exists = 'orderbridge.conf'" >/dev/null
    as_postgres mv "$folder/data.new" "$folder/data"
}

# Waits for what a killed server left behind. Its children end by themselves, but hold the shared memory until then; the
# server itself counts as running for PostgreSQL as long as nobody has collected it, which in a container may be never.
postgres_clear_remains() {
    local folder=$1 deadline=$((SECONDS + 30)) pid
    while postgres_works_in "$folder/data"; do
        ((SECONDS < deadline)) || die "processes of an earlier PostgreSQL still work in $folder/data"
        sleep 0.05
    done
    as_postgres find "$folder" -maxdepth 1 -name '.s.PGSQL.*' -delete
    pid=$(as_postgres sed -n 1p "$folder/data/postmaster.pid" 2>/dev/null || true)
    if [[ -n $pid && $(process_state "$pid") == Z ]]; then as_postgres rm -f "$folder/data/postmaster.pid"; fi
}

postgres_works_in() {
    local process
    for process in /proc/[0-9]*; do
        if [[ $(readlink "$process/cwd" 2>/dev/null) == "$1" && $(cat "$process/comm" 2>/dev/null) == postgres ]]; then
            return 0
        fi
    done
    return 1
}

postgres_launch() {
    local bin=$1 folder=$2
    postgres_clear_remains "$folder"
    if ! as_postgres "$bin/pg_ctl" start -s -w -t "$START_DEADLINE_SECONDS" -D "$folder/data" -l "$folder/log" \
        >"$LOCAL/pg_ctl.log" 2>&1 9>&- </dev/null; then
        last_lines "$LOCAL/pg_ctl.log"
        as_postgres tail -n 15 "$folder/log" >&2
        die "PostgreSQL did not start"
    fi
}

postgres_up() {
    local bin folder pid asked
    if database_is_external; then
        database_url_answers || die "DATABASE_URL names a database that does not answer"
        say "postgres: DATABASE_URL answers, left alone"
        return
    fi
    if pid=$(postgres_pid); then
        asked=$(asked_port postgres)
        [[ -z $asked || $asked == "$(port_of postgres)" ]] ||
            die "postgres already runs on port $(port_of postgres); run deploy/local/down before changing it to $asked"
        if [[ $(process_state "$pid") == T ]]; then kill -CONT "$pid"; fi
    fi
    if [[ -z $pid ]] || ! postgres_answers; then
        bin=$(postgres_bin) || die "PostgreSQL's server programs were not found"
        postgres_folder
        folder=$(readlink -f "$LOCAL/postgres")
        postgres_create "$bin" "$folder"
        if [[ -z $pid ]]; then
            choose_port postgres
            postgres_configure "$folder"
            postgres_launch "$bin" "$folder"
        fi
        postgres_make_database "$bin"
        pid=$(postgres_pid) || die "PostgreSQL ended right after its start; see $folder/log"
        printf '%s\n' "$pid" >"$LOCAL/postgres.pid"
    fi
    say "postgres: up, $(local_database_url)"
}

postgres_make_database() {
    local bin=$1 base
    base="postgres://orderbridge@127.0.0.1:$(port_of postgres)/postgres"
    if [[ -z $("$bin/psql" -XqAt -d "$base" -c "select 1 from pg_database where datname = 'orderbridge'") ]]; then
        "$bin/psql" -XqAt -d "$base" -c 'create database orderbridge'
    fi
}

postgres_down() { # [signal]: INT is PostgreSQL's fast shutdown
    local pid signal=${1:-INT}
    if database_is_external; then
        say "postgres: named by DATABASE_URL, left alone"
        return
    fi
    if ! pid=$(postgres_pid); then
        say "postgres: not running"
        return
    fi
    signal_process "$signal" "$pid" postgres
    wait_for_end "$pid" 30 || { kill -KILL "$pid"; wait_for_end "$pid" 10; } || die "PostgreSQL ($pid) does not end"
    rm -f "$LOCAL/postgres.pid"
    say "postgres: stopped"
}

postgres_purge() {
    local target
    if target=$(readlink "$LOCAL/postgres"); then # the link into /var/tmp: the folder around the target is ours too
        rm -rf "$target"
        rmdir "$(dirname "$target")" 2>/dev/null || true
    fi
    rm -rf "$LOCAL/postgres" "$LOCAL/initdb.log" "$LOCAL/pg_ctl.log"
}

postgres_status() {
    local pid
    if database_is_external; then
        if database_url_answers 2>/dev/null; then say "postgres  up    (DATABASE_URL)"; else say "postgres  DOWN  (DATABASE_URL)"; return 1; fi
    elif ! pid=$(postgres_pid); then
        say "postgres  down"
        return 1
    elif ! postgres_answers; then
        say "postgres  NOT ANSWERING  pid $pid  log $LOCAL/postgres/log"
        return 1
    else
        say "postgres  up    pid $pid  $(local_database_url)  log $LOCAL/postgres/log"
    fi
}
