#!/usr/bin/env bash
# about: image millrace/spark: Spark 4.0.1 with S3A, handles `driver` and `executor`
# needs: base spark
# debian: python3
# uses: e2e/images/lib
#
# Runs as 185 with a read-only root; needs writable /tmp (an emptyDir). OUT/layers holds the layers
# for images that stand on this one.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}" "${PART_SPARK:?part spark}"
. "$REPO/e2e/images/lib/image.sh"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root/opt"
cp -r "$PART_SPARK/spark" "$root/opt/spark"
install -m 755 entrypoint.sh "$root/opt/entrypoint.sh"
# A plain `python3` finds pyspark too, not only what spark-submit starts.
packages=$root/usr/local/lib/python3.11/dist-packages
mkdir -p "$packages"
(cd "$root" && printf '/%s\n' opt/spark/python opt/spark/python/lib/py4j-*-src.zip) >"$packages/spark.pth"
chmod -R a+rX "$root/opt" "$root/usr"
mkdir -p "$OUT/layers"
millrace_layer "$root" "$OUT/layers/spark.tar"
cat >"$OUT/config.json" <<'JSON'
{"User": "185:185", "WorkingDir": "/tmp",
 "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/opt/spark/bin", "HOME=/tmp", "LANG=C.UTF-8",
         "JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64", "SPARK_HOME=/opt/spark",
         "PYSPARK_PYTHON=python3", "PYSPARK_DRIVER_PYTHON=python3", "PYTHONUNBUFFERED=1"],
 "Entrypoint": ["/opt/entrypoint.sh"]}
JSON
millrace_image spark "$OUT/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" "$OUT/layers/spark.tar"
