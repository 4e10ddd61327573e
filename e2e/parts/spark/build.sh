#!/usr/bin/env bash
# about: Apache Spark 4.0.1 from its PyPI distribution, with the jars for S3A and Kafka
# needs:
# debian: python3-pip openjdk-17-jre-headless maven
# uses: e2e/images/lib
#
# OUT/spark is a SPARK_HOME: bin, jars (Kubernetes included), python. Also runs as a local process:
#   SPARK_HOME=OUT/spark OUT/spark/bin/spark-submit --master 'local[2]' job.py
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}"
. "$REPO/e2e/images/lib/image.sh"
version=4.0.1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp pom.xml "$work/"
echo "spark: the PyPI distribution"
python3 -m pip download --quiet --no-input --no-deps --no-binary :all: --dest "$work" "pyspark==$version"
tar -xzf "$work/pyspark-$version.tar.gz" -C "$work"
source=$work/pyspark-$version
home=$OUT/spark
mkdir -p "$home/python/lib"
cp -r "$source/deps/bin" "$source/deps/jars" "$home/"
cp -r "$source/pyspark" "$home/python/pyspark"
cp "$source"/lib/*.zip "$home/python/lib/"
cp -r "$source/deps/licenses" "$home/" 2>/dev/null || true
# The Scala shell of Spark Connect, Windows scripts, natives of other systems.
rm -rf "$home/jars/connect-repl" "$home"/bin/*.cmd "$home/python/pyspark/python"
rm -f "$home"/jars/*-{osx,windows,linux-aarch_64,linux-riscv64}*.jar
chmod +x "$home"/bin/*

echo "spark: jars for S3A and Kafka"
mvn -B -ntp -q -f "$work/pom.xml" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$work/extra"
test -f "$home/jars/hadoop-client-api-3.4.1.jar" # hadoop-aws must match
for jar in "$work"/extra/*.jar; do
  name=$(basename "$jar")
  artifact=$(sed -E 's/-[0-9].*//' <<<"$name")
  # What Spark has in its own version stays; its jcl-over-slf4j stands for commons-logging.
  if [ "$artifact" = commons-logging ] || compgen -G "$home/jars/$artifact-[0-9]*.jar" >/dev/null; then continue; fi
  cp "$jar" "$home/jars/"
  echo "  $name"
done
millrace_compile "$home/python/pyspark"
du -sh "$home"
