#!/usr/bin/env bash
# about: image millrace/streams: the streaming example on Flink
# needs: base flink image-flink
# debian: python3 openjdk-17-jdk-headless
# uses: e2e/images/lib e2e/images/flink examples/streams/src
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}" "${PART_FLINK:?part flink}"
: "${PART_IMAGE_FLINK:?part image-flink}"
. "$REPO/e2e/images/lib/image.sh"
. "$REPO/e2e/images/flink/flink.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
millrace_flink_streams "$PART_FLINK/flink" "$work/root"
millrace_layer "$work/root" "$work/streams.tar"
millrace_image streams "$PART_IMAGE_FLINK/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" \
  "$PART_IMAGE_FLINK/layers/flink.tar" "$work/streams.tar"
