#!/usr/bin/env bash
# about: image millrace/streams-1.20: the streaming example on Flink 1.20
# needs: base
# debian: python3-pip openjdk-17-jdk-headless maven
# uses: e2e/images/lib e2e/images/flink examples/streams/src
#
# 1.20.1 is the newest patch whose S3 file system the registries have; of Kafka they have the plain connector.
set -euo pipefail
: "${OUT:?directory to fill}" "${REPO:?checkout}" "${PART_BASE:?part base}"
. "$REPO/e2e/images/lib/image.sh"
. "$REPO/e2e/images/flink/flink.sh"
version=1.20.1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
millrace_flink_home "$version" "$work/flink"
echo "flink $version: the S3 file system, Kafka"
millrace_flink_extras pom.xml "$work/extra"
mv "$work/extra/flink-s3-fs-hadoop-$version.jar" "$work/flink/opt/"
mv "$work"/extra/*.jar "$work/flink/lib/"
mkdir "$work/root"
millrace_flink_root "$work/root" "$work/flink" "$PART_BASE/rootfs.tar"
millrace_flink_streams "$work/flink" "$work/root"
millrace_layer "$work/root" "$work/flink.tar"
millrace_flink_config "$work/config.json"
millrace_image streams-1.20 "$work/config.json" "$PART_BASE/rootfs.tar" "$PART_BASE/java.tar" "$work/flink.tar"
