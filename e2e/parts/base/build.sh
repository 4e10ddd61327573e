#!/usr/bin/env bash
# about: Debian root file system and the Java layer that the images share
# needs:
# debian: mmdebstrap python3
# uses: e2e/images/lib
#
# OUT/rootfs.tar: minbase, python3, tini, CA certificates, users of the images.
# OUT/java.tar: the layer on top with OpenJDK 17, for Kafka and Spark.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}"
. "$REPO/e2e/images/lib/rootfs.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
common=python3,tini,ca-certificates

echo "base: Debian bookworm"
millrace_rootfs "$OUT/rootfs.tar" "$common"
echo "base: the same with OpenJDK 17"
millrace_rootfs "$work/java.tar" "$common,openjdk-17-jre-headless"
python3 "$REPO/e2e/images/lib/diff.py" "$OUT/rootfs.tar" "$work/java.tar" "$OUT/java.tar"
ls -l "$OUT"
