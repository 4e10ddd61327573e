#!/bin/bash
# What Spark's Kubernetes scheduler expects of an image: `driver ARGS` runs spark-submit in client
# mode on the pod's address, `executor` starts the backend from the variables the driver set.
# Anything else is run as it is. Nothing is written outside /tmp and SPARK_LOCAL_DIRS.
set -euo pipefail

# A user id without a passwd entry has no name, and Hadoop refuses to start without one.
if ! whoami >/dev/null 2>&1; then
  export HADOOP_USER_NAME=${HADOOP_USER_NAME:-${SPARK_USER:-spark}}
fi

case ${1:-} in
  driver)
    shift
    exec tini -s -- "$SPARK_HOME/bin/spark-submit" \
      --conf "spark.driver.bindAddress=${SPARK_DRIVER_BIND_ADDRESS:?the pod address}" \
      --deploy-mode client "$@"
    ;;
  executor)
    options=()
    # Numbered variables keep options with spaces whole: SPARK_JAVA_OPT_0, SPARK_JAVA_OPT_1, ...
    for ((i = 0; ; i++)); do
      name=SPARK_JAVA_OPT_$i
      [ -n "${!name+set}" ] || break
      options+=("${!name}")
    done
    class_path=${SPARK_CONF_DIR:-$SPARK_HOME/conf}:$SPARK_HOME/jars/*
    [ -z "${SPARK_EXTRA_CLASSPATH:-}" ] || class_path=$SPARK_EXTRA_CLASSPATH:$class_path
    exec tini -s -- java "${options[@]}" \
      "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" -cp "$class_path" \
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
      --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" \
      --cores "$SPARK_EXECUTOR_CORES" --app-id "$SPARK_APPLICATION_ID" \
      --hostname "$SPARK_EXECUTOR_POD_IP" --resourceProfileId "${SPARK_RESOURCE_PROFILE_ID:-0}" \
      --podName "$SPARK_EXECUTOR_POD_NAME"
    ;;
  *)
    exec tini -s -- "$@"
    ;;
esac
