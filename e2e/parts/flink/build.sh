#!/usr/bin/env bash
# about: Apache Flink 2.1.1 from its PyPI distribution, with the S3 file system, the SQL gateway and Kafka
# needs:
# debian: python3-pip openjdk-17-jre-headless maven
# uses: e2e/images/flink
#
# 2.1.1 is the newest patch whose S3 file system the registries have.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}"
. "$REPO/e2e/images/flink/flink.sh"
version=2.1.1

extra=$(mktemp -d)
trap 'rm -rf "$extra"' EXIT
home=$OUT/flink
millrace_flink_home "$version" "$home"
echo "flink $version: the S3 file system, the SQL gateway, Kafka"
millrace_flink_extras pom.xml "$extra"
# As in the project's own image: what is not for everybody lies in opt, and a plugin is linked where it is wanted.
cp "$extra/flink-s3-fs-hadoop-$version.jar" "$extra/flink-sql-gateway-$version.jar" "$home/opt/"
cp "$extra"/flink-sql-connector-kafka-*.jar "$home/lib/"
du -sh "$home"
