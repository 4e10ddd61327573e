#!/bin/bash
# Starts the JobManager (kubernetes-jobmanager.sh ENTRY ARGS) or a TaskManager (kubernetes-taskmanager.sh ARGS), by the
# name it is called by. Memory is worked out by Flink's own tool from the mounted configuration.
set -euo pipefail

home=${FLINK_HOME:-/opt/flink}
export FLINK_CONF_DIR=${FLINK_CONF_DIR:-$home/conf}
export FLINK_LIB_DIR=${FLINK_LIB_DIR:-$home/lib}
export FLINK_OPT_DIR=${FLINK_OPT_DIR:-$home/opt}
export FLINK_PLUGINS_DIR=${FLINK_PLUGINS_DIR:-$home/plugins}
export FLINK_BIN_DIR=$home/bin
java=${JAVA_HOME:?}/bin/java
class_path=$(printf '%s:' "$FLINK_LIB_DIR"/*.jar)

# java_options KEY   the value of a line `"KEY": "text"` or `KEY: text`
java_options() {
  sed -nE "s/^\"?${1//./\\.}\"?: *\"?([^\"]*)\"?\$/\\1/p" "$FLINK_CONF_DIR/config.yaml" | tail -n 1
}
read -ra options <<<"$(java_options env.java.default-opts.all) $(java_options env.java.opts.all)"

if [ "$(basename "$0")" = kubernetes-taskmanager.sh ]; then
  role=taskmanager
  class=org.apache.flink.kubernetes.taskmanager.KubernetesTaskExecutorRunner
  read -ra memory <<<"${FLINK_TM_JVM_MEM_OPTS:-}"
  args=(--configDir "$FLINK_CONF_DIR" "$@")
else
  role=jobmanager
  case ${1:-} in
    kubernetes-application) class=org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint ;;
    kubernetes-session) class=org.apache.flink.kubernetes.entrypoint.KubernetesSessionClusterEntrypoint ;;
    *) echo "kubernetes-jobmanager.sh kubernetes-application|kubernetes-session [ARGS]" >&2 && exit 64 ;;
  esac
  shift
  mapfile -t sizes < <("$java" -XX:TieredStopAtLevel=1 -classpath "$home/bin/bash-java-utils.jar:$class_path" \
    org.apache.flink.runtime.util.bash.BashJavaUtils GET_JM_RESOURCE_PARAMS --configDir "$FLINK_CONF_DIR" "$@" |
    sed -n 's/^BASH_JAVA_UTILS_EXEC_RESULT://p')
  read -ra memory <<<"${sizes[0]:?the memory of the JobManager}"
  read -ra dynamic <<<"${sizes[1]:-}"
  # An unknown option would end the reading of the others, and this one finds its directory in the environment.
  args=("${dynamic[@]}" "$@")
fi
read -ra own <<<"$(java_options "env.java.opts.$role")"

exec "$java" "${memory[@]}" "${options[@]}" "${own[@]}" \
  "-Dlog4j.configurationFile=file:$FLINK_CONF_DIR/log4j-console.properties" \
  "-Dlog4j.configuration=file:$FLINK_CONF_DIR/log4j-console.properties" \
  -classpath "$class_path" "$class" "${args[@]}"
