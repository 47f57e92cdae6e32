# shellcheck shell=bash
# Apache Kafka's part of the local services: one KRaft node on the installed JDK. Sourced by lib.sh.
#
# Below $LOCAL/kafka: data/, logs/, server.properties, pid. The jars are in $KAFKA_LIBS.

kafka_pid() { # of our running broker, told from a reused process id by the settings file in its command line
    local pid=""
    [[ -r $LOCAL/kafka/pid ]] && read -r pid <"$LOCAL/kafka/pid"
    [[ -n $pid ]] && process_is_alive "$pid" &&
        grep -qaF "$LOCAL/kafka/server.properties" "/proc/$pid/cmdline" 2>/dev/null && printf '%s' "$pid"
}

kafka_answers() { python "$HERE/kafka/ready" "$(local_kafka_brokers)" 2 2>/dev/null; }

kafka_java() { # a JDK 17 or newer
    local candidate
    for candidate in "${JAVA_HOME:-/nonexistent}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        [[ -x $candidate ]] || continue
        if (($(java_major "$candidate") >= 17)); then
            printf '%s' "$candidate"
            return
        fi
    done
    return 1
}

java_major() { # 17 for "17.0.15", 8 for "1.8.0_392"
    local version
    version=$("$1" -version 2>&1 | sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' | head -n 1)
    printf '%s' "${version:-0}"
}

kafka_libs_complete() {
    [[ -r $KAFKA_LIBS/.pom ]] && cmp -s "$KAFKA_LIBS/.pom" "$HERE/kafka/pom.xml"
}

kafka_libs() { # resolves the jars once per pom.xml
    kafka_libs_complete && return
    mkdir -p "$(dirname "$KAFKA_LIBS")"
    exec 8>>"$KAFKA_LIBS.lock" # two instances share the jars
    flock -w 600 8 || die "another up has been fetching Kafka's jars for 10 minutes"
    if ! kafka_libs_complete; then
        say "kafka: fetching its jars with Maven"
        rm -rf "$KAFKA_LIBS.new"
        mvn -q -B -f "$HERE/kafka/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
            -DoutputDirectory="$KAFKA_LIBS.new" </dev/null >"$KAFKA_LIBS.log" 2>&1 8>&- 9>&- ||
            { last_lines "$KAFKA_LIBS.log"; die "Maven could not fetch Kafka's jars"; }
        cp "$HERE/kafka/pom.xml" "$KAFKA_LIBS.new/.pom"
        rm -rf "$KAFKA_LIBS"
        mv "$KAFKA_LIBS.new" "$KAFKA_LIBS"
    fi
    exec 8>&-
}

kafka_configure() {
    local data
    # Braces and slashes of a path are harmless here; these would not be.
    case $LOCAL in *[\|\&\\,]*) die "the folder $LOCAL has a character that Kafka's settings cannot have" ;; esac
    # Java reads settings as Latin-1: what is beyond ASCII is written as \uXXXX (and for sed \\uXXXX).
    data=$(python -c 'import json, sys; print(json.dumps(sys.argv[1])[1:-1].replace("\\", "\\\\"))' "$LOCAL/kafka/data")
    sed -e "s|@BROKER_PORT@|$(port_of kafka)|g" -e "s|@CONTROLLER_PORT@|$(port_of controller)|g" \
        -e "s|@DATA@|$data|g" -e "s|@SEGMENT_BYTES@|${ORDERBRIDGE_KAFKA_SEGMENT_BYTES:-67108864}|g" "$HERE/kafka/server.properties" >"$LOCAL/kafka/server.properties"
}

kafka_format() {
    local java=$1 cluster_id
    [[ -e $LOCAL/kafka/data/.formatted ]] && return
    say "kafka: formatting $LOCAL/kafka/data"
    rm -rf "$LOCAL/kafka/data" # of a format that was interrupted
    # A cluster id is 16 random bytes in URL-safe base64; the prefix keeps it from looking like an option.
    cluster_id=k$(head -c 32 /dev/urandom | base64 -w 0 | tr -dc 'A-Za-z0-9' | cut -c1-20)g
    "$java" "${KAFKA_OPTIONS[@]}" kafka.tools.StorageTool format -t "$cluster_id" -c "$LOCAL/kafka/server.properties" \
        >"$LOCAL/kafka/logs/format.log" 2>&1 9>&- ||
        { last_lines "$LOCAL/kafka/logs/format.log"; die "Kafka's storage could not be formatted"; }
    : >"$LOCAL/kafka/data/.formatted"
}

kafka_options() { # a bounded heap, and logs to a file
    KAFKA_OPTIONS=(
        -Xms128m -Xmx"${ORDERBRIDGE_KAFKA_HEAP:-384m}" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true
        -Dkafka.logs.dir="$LOCAL/kafka/logs" -Dlog4j2.configurationFile="file:$HERE/kafka/log4j2.xml"
        -cp "$KAFKA_LIBS/*"
    )
}

kafka_launch() {
    local java=$1 pid
    # A session of its own: neither a terminal's Ctrl-C nor its end reaches the broker. Not being the leader of a
    # process group, setsid does not fork, so that this is the broker's own process id.
    setsid "$java" "${KAFKA_OPTIONS[@]}" kafka.Kafka "$LOCAL/kafka/server.properties" \
        </dev/null >"$LOCAL/kafka/logs/console.log" 2>&1 9>&- &
    pid=$!
    disown
    printf '%s\n' "$pid" >"$LOCAL/kafka/pid"
    kafka_wait "$pid"
}

kafka_wait() { # until the broker with this process id answers
    local pid=$1 deadline=$((SECONDS + START_DEADLINE_SECONDS))
    until kafka_answers; do
        if ! process_is_alive "$pid" || ((SECONDS >= deadline)); then
            last_lines "$LOCAL/kafka/logs/console.log" 5
            last_lines "$LOCAL/kafka/logs/server.log"
            die "Kafka did not start; see $LOCAL/kafka/logs"
        fi
        sleep 0.1
    done
}

kafka_up() {
    local java pid asked
    if kafka_is_external; then
        python "$HERE/kafka/ready" "$KAFKA_BROKERS" 5 || die "KAFKA_BROKERS names a broker that does not answer"
        say "kafka: KAFKA_BROKERS answers, left alone"
        return
    fi
    if pid=$(kafka_pid); then
        asked=$(asked_port kafka)
        [[ -z $asked || $asked == "$(port_of kafka)" ]] ||
            die "kafka already runs on port $(port_of kafka); run deploy/local/down before changing it to $asked"
        if [[ $(process_state "$pid") == T ]]; then
            say "kafka: was frozen, going on"
            kill -CONT "$pid"
        fi
        kafka_wait "$pid"
    else
        java=$(kafka_java) || die "found no JDK 17 or newer"
        mkdir -p "$LOCAL/kafka/logs"
        kafka_libs
        choose_port kafka
        choose_port controller
        kafka_configure
        kafka_options
        kafka_format "$java"
        kafka_launch "$java"
    fi
    say "kafka: up, $(local_kafka_brokers)"
}

kafka_down() { # [signal]
    local pid signal=${1:-TERM}
    if kafka_is_external; then
        say "kafka: named by KAFKA_BROKERS, left alone"
        return
    fi
    if ! pid=$(kafka_pid); then
        say "kafka: not running"
        return
    fi
    signal_process "$signal" "$pid" kafka
    wait_for_end "$pid" 30 || { kill -KILL "$pid"; wait_for_end "$pid" 10; } || die "Kafka ($pid) does not end"
    rm -f "$LOCAL/kafka/pid"
    say "kafka: stopped"
}

kafka_purge() { rm -rf "$LOCAL/kafka"; }

kafka_status() {
    local pid
    if kafka_is_external; then
        if python "$HERE/kafka/ready" "$KAFKA_BROKERS" 5 2>/dev/null; then
            say "kafka     up    (KAFKA_BROKERS)"
            return
        fi
        say "kafka     DOWN  (KAFKA_BROKERS)"
    elif ! pid=$(kafka_pid); then
        say "kafka     down"
    elif [[ $(process_state "$pid") == T ]]; then
        say "kafka     FROZEN  pid $pid  (deploy/local/kafka-thaw)"
    elif ! kafka_answers; then
        say "kafka     NOT ANSWERING  pid $pid  log $LOCAL/kafka/logs/server.log"
    else
        say "kafka     up    pid $pid  $(local_kafka_brokers)  log $LOCAL/kafka/logs/server.log"
        return
    fi
    return 1
}
