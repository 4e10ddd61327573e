#!/usr/bin/env bash
# about: Apache Spark 4.0.1 from its PyPI distribution, with the jars for S3A and Kafka
# needs:
# debian: python3-pip openjdk-17-jre-headless maven
# uses: e2e/images/lib e2e/images/spark
#
# OUT/spark is a SPARK_HOME: bin, jars (Kubernetes included), python. Also runs as a local process:
#   SPARK_HOME=OUT/spark OUT/spark/bin/spark-submit --master 'local[2]' job.py
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}"
. "$REPO/e2e/images/lib/image.sh"
. "$REPO/e2e/images/spark/spark.sh"
version=4.0.1

millrace_spark_home "$version" "$OUT/spark"
echo "spark $version: jars for S3A and Kafka"
millrace_spark_extras pom.xml "$OUT/spark"
millrace_compile "$OUT/spark/python/pyspark"
du -sh "$OUT/spark"
