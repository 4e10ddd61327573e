#!/usr/bin/env bash
# about: image millrace/streams: the streaming example on Flink
# needs: base flink image-flink
# debian: python3 openjdk-17-jdk-headless
# uses: e2e/images/lib examples/streams/src
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}" "${PART_FLINK:?part flink}"
: "${PART_IMAGE_FLINK:?part image-flink}"
. "$REPO/e2e/images/lib/image.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$work/classes" "$root/opt/flink/usrlib"
chmod 755 "$root"
find "$REPO/examples/streams/src" -name '*.java' -exec \
  javac --release 11 -Xlint:all,-processing,-serial,-path,-classfile -Werror -cp "$PART_FLINK/flink/lib/*" -d "$work/classes" {} +
# Fixed times: the same classes give the same bytes.
jar --create --date 1980-01-01T00:00:02Z --file "$root/opt/flink/usrlib/streams.jar" -C "$work/classes" .
chmod -R a+rX "$root"
millrace_layer "$root" "$work/streams.tar"
millrace_image streams "$PART_IMAGE_FLINK/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" \
  "$PART_IMAGE_FLINK/layers/flink.tar" "$work/streams.tar"
