#!/bin/bash
# Starts one Kafka broker from KAFKA_* variables, as the public apache/kafka image does:
# KAFKA_LOG_DIRS=/data becomes log.dirs=/data ("_" is ".", "__" is "_", "___" is "-").
# Formats the storage with CLUSTER_ID on the first start only.
set -euo pipefail

config=${KAFKA_CONFIG_DIR:-/opt/kafka/config}/server.properties
: "${CLUSTER_ID:?a KRaft cluster id, 22 characters}" "${KAFKA_LOG_DIRS:?directory for data}"

: >"$config"
while IFS= read -r -d '' pair; do
  key=${pair%%=*}
  value=${pair#*=}
  case $key in
    KAFKA_CONFIG_DIR | KAFKA_HEAP_OPTS | KAFKA_OPTS | KAFKA_LOG4J_OPTS | KAFKA_JVM_PERFORMANCE_OPTS) continue ;;
    KAFKA_*) ;;
    *) continue ;;
  esac
  name=$(tr '[:upper:]' '[:lower:]' <<<"${key#KAFKA_}" | sed -e 's/___/-/g' -e 's/__/\x01/g' -e 's/_/./g' -e 's/\x01/_/g')
  printf '%s=%s\n' "$name" "$value" >>"$config"
done < <(env -0 | sort -z)

standalone=()
grep -q '^controller.quorum.voters=' "$config" || standalone=(--standalone)
java -Xmx128m -cp '/opt/kafka/libs/*' kafka.tools.StorageTool format --ignore-formatted \
  "${standalone[@]}" --cluster-id "$CLUSTER_ID" --config "$config"

# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:--Xms256m -Xmx256m} -XX:+UseG1GC -XX:+ExitOnOutOfMemoryError \
  -Djava.awt.headless=true ${KAFKA_OPTS:-} \
  -Dlog4j2.configurationFile=/etc/kafka/log4j2.properties -cp '/opt/kafka/libs/*' kafka.Kafka "$config"
