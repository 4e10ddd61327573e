#!/usr/bin/env bash
# about: Apache Flink 2.1.1 from its PyPI distribution, with the S3 file system, the SQL gateway and Kafka
# needs:
# debian: python3-pip openjdk-17-jre-headless maven
#
# OUT/flink is a FLINK_HOME without start scripts: lib, opt, plugins, bin/bash-java-utils.jar.
# 2.1.1 is the newest patch whose S3 file system the registries have.
set -euo pipefail
: "${OUT:?directory to fill}"
version=2.1.1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp pom.xml "$work/"
echo "flink: the PyPI distribution"
python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --no-binary :all: \
  --dest "$work" "apache-flink-libraries==$version"
tar -xzf "$work/apache_flink_libraries-$version.tar.gz" -C "$work"
home=$OUT/flink
mkdir -p "$home"
cp -r "$work/apache_flink_libraries-$version/deps"/{bin,lib,opt,plugins,licenses} "$home/"
# Python jobs need a Python in the image as well, which this one has not.
rm -f "$home"/opt/flink-python-*.jar

echo "flink: the S3 file system, the SQL gateway, Kafka"
mvn -B -ntp -q -f "$work/pom.xml" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$work/extra"
# As in the project's own image: what is not for everybody lies in opt, and a plugin is linked where it is wanted.
cp "$work/extra/flink-s3-fs-hadoop-$version.jar" "$work/extra/flink-sql-gateway-$version.jar" "$home/opt/"
cp "$work"/extra/flink-sql-connector-kafka-*.jar "$home/lib/"
du -sh "$home"
