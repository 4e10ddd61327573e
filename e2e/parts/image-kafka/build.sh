#!/usr/bin/env bash
# about: image millrace/kafka: one KRaft broker, settings from KAFKA_* variables
# needs: base kafka
# debian: python3
# uses: e2e/images/lib
#
# Same variables, paths and user as the public apache/kafka image, so that the sandbox chart runs
# either. Writes only to /opt/kafka/config (an emptyDir), /tmp and KAFKA_LOG_DIRS.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}" "${PART_KAFKA:?part kafka}"
. "$REPO/e2e/images/lib/image.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/opt/kafka/{bin,config} "$root/etc/kafka"
cp -r "$PART_KAFKA/libs" "$root/opt/kafka/"
install -m 755 entrypoint.sh "$root/etc/kafka/entrypoint.sh"
install -m 755 tool.sh "$root/opt/kafka/bin/tool.sh"
for tool in topics configs console-producer console-consumer consumer-groups get-offsets; do
  ln -s tool.sh "$root/opt/kafka/bin/kafka-$tool.sh"
done
install -m 644 "$PART_KAFKA/log4j2.properties" tools-log4j2.properties "$root/etc/kafka/"
chown -h -R 0:0 "$root" 2>/dev/null || true
chmod -R a+rX "$root"
# The image also runs with a writable root: user 1000 must be able to write its settings.
chmod 1777 "$root/opt/kafka/config"
millrace_layer "$root" "$work/kafka.tar"
cat >"$work/config.json" <<'JSON'
{"User": "1000:1000", "WorkingDir": "/tmp",
 "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin:/opt/kafka/bin", "HOME=/tmp", "LANG=C.UTF-8"],
 "Entrypoint": ["/usr/bin/tini", "-s", "--", "/etc/kafka/entrypoint.sh"], "ExposedPorts": {"9092/tcp": {}}}
JSON
millrace_image kafka "$work/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" "$work/kafka.tar"
