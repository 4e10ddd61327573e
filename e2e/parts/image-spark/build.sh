#!/usr/bin/env bash
# about: image millrace/spark: Spark 4.0.1 with S3A, handles `driver` and `executor`
# needs: base spark
# debian: python3
# uses: e2e/images/lib e2e/images/spark
#
# Runs as 185 with a read-only root; needs writable /tmp (an emptyDir). OUT/layers holds the layers
# for images that stand on this one.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}" "${PART_SPARK:?part spark}"
. "$REPO/e2e/images/lib/image.sh"
. "$REPO/e2e/images/spark/spark.sh"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
millrace_spark_root "$root" "$PART_SPARK/spark"
mkdir -p "$OUT/layers"
millrace_layer "$root" "$OUT/layers/spark.tar"
millrace_spark_config "$OUT/config.json"
millrace_image spark "$OUT/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" "$OUT/layers/spark.tar"
