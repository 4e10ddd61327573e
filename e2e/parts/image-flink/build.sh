#!/usr/bin/env bash
# about: image millrace/flink: Flink 2.1.1 with the entry points of Flink on Kubernetes
# needs: base flink
# debian: python3
# uses: e2e/images/lib e2e/images/flink
#
# Same user, paths and commands as the public flink image, so that a job runs on either: uid 9999, /opt/flink,
# /docker-entrypoint.sh, kubernetes-jobmanager.sh, kubernetes-taskmanager.sh. Writes only to /tmp.
# OUT/layers holds the layer for images that stand on this one.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}" "${PART_FLINK:?part flink}"
. "$REPO/e2e/images/lib/image.sh"
. "$REPO/e2e/images/flink/flink.sh"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
millrace_flink_root "$root" "$PART_FLINK/flink" "$PART_BASE/rootfs.tar"
mkdir -p "$OUT/layers"
millrace_layer "$root" "$OUT/layers/flink.tar"
millrace_flink_config "$OUT/config.json"
millrace_image flink "$OUT/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" "$OUT/layers/flink.tar"
