#!/usr/bin/env bash
# about: image millrace/spark-4.3: Spark 4.3.0 with S3A and the scripts of the stories
# needs: base
# debian: python3-pip openjdk-17-jre-headless maven
# uses: e2e/images/lib e2e/images/spark examples/flights/app examples/walls/app
#
# The newest Spark the registries have; of Kafka's connector they have 4.2 at most, so it is not in here.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}"
. "$REPO/e2e/images/lib/image.sh"
. "$REPO/e2e/images/spark/spark.sh"
version=4.3.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
millrace_spark_home "$version" "$work/spark"
echo "spark $version: jars for S3A"
millrace_spark_extras pom.xml "$work/spark"
millrace_compile "$work/spark/python/pyspark"
mkdir "$work/root"
millrace_spark_root "$work/root" "$work/spark"
rm -r "$work/spark"
mkdir "$work/root/app" "$work/root/walls"
cp "$REPO"/examples/flights/app/*.py "$work/root/app/"
cp "$REPO"/examples/walls/app/*.py "$work/root/walls/"
chmod -R a+rX "$work/root"
millrace_layer "$work/root" "$work/spark.tar"
millrace_spark_config "$work/config.json"
sed -i 's#"PYTHONUNBUFFERED=1"#"PYTHONUNBUFFERED=1", "PYTHONPATH=/app"#' "$work/config.json"
millrace_image spark-4.3 "$work/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" "$work/spark.tar"
