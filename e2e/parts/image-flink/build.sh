#!/usr/bin/env bash
# about: image millrace/flink: Flink 2.1.1 with the entry points of Flink on Kubernetes
# needs: base flink
# debian: python3
# uses: e2e/images/lib
#
# Same user, paths and commands as the public flink image, so that a job runs on either: uid 9999, /opt/flink,
# /docker-entrypoint.sh, kubernetes-jobmanager.sh, kubernetes-taskmanager.sh. Writes only to /tmp.
# OUT/layers holds the layer for images that stand on this one.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}" "${PART_FLINK:?part flink}"
. "$REPO/e2e/images/lib/image.sh"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root/opt"
cp -r "$PART_FLINK/flink" "$root/opt/flink"
mkdir -p "$root"/opt/flink/{conf,log,usrlib}
install -m 755 docker-entrypoint.sh "$root/docker-entrypoint.sh"
install -m 755 start.sh "$root/opt/flink/bin/kubernetes-jobmanager.sh"
ln -s kubernetes-jobmanager.sh "$root/opt/flink/bin/kubernetes-taskmanager.sh"
# Hadoop's file system refuses to start for a user id without a name.
mkdir "$root/etc"
for file in passwd group; do
  tar --extract --to-stdout --file "$PART_BASE/rootfs.tar" "./etc/$file" >"$root/etc/$file"
done
echo 'flink:x:9999:9999:Flink:/opt/flink:/usr/sbin/nologin' >>"$root/etc/passwd"
echo 'flink:x:9999:' >>"$root/etc/group"
chmod -R a+rX "$root"
mkdir -p "$OUT/layers"
millrace_layer "$root" "$OUT/layers/flink.tar"
cat >"$OUT/config.json" <<'JSON'
{"User": "9999:9999", "WorkingDir": "/opt/flink",
 "Env": ["PATH=/opt/flink/bin:/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "FLINK_HOME=/opt/flink",
         "JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64"],
 "Entrypoint": ["/docker-entrypoint.sh"], "ExposedPorts": {"6123/tcp": {}, "8081/tcp": {}}}
JSON
millrace_image flink "$OUT/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" "$OUT/layers/flink.tar"
