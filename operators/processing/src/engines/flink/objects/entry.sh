#!/bin/bash
# The entry point of JobManager and TaskManagers, before the image's own. The S3 file system has to be a plugin, and the
# image's root is read-only, so the plugins are linked together under /tmp, whatever patch of Flink the image has.
set -e
home=${FLINK_HOME:-/opt/flink}
plugins=/tmp/flink-plugins
mkdir -p "$plugins/s3"
for one in "$home"/plugins/*/; do
  [ ! -d "$one" ] || ln -sfn "${one%/}" "$plugins/$(basename "$one")"
done
if ! compgen -G "$plugins/*/flink-s3-fs-*.jar" >/dev/null; then
  for jar in "$home"/opt/flink-s3-fs-hadoop-*.jar; do
    [ ! -e "$jar" ] || ln -sf "$jar" "$plugins/s3/"
  done
fi
export FLINK_PLUGINS_DIR=$plugins
exec /docker-entrypoint.sh "$@"
