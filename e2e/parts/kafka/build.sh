#!/usr/bin/env bash
# about: Apache Kafka 4.1.1 (KRaft), its jars from Maven
# needs:
# debian: openjdk-17-jre-headless maven
#
# OUT/libs: the class path. OUT/log4j2.properties: console logging. Start without scripts:
#   java -cp 'libs/*' kafka.tools.StorageTool format --standalone -t CLUSTER_ID -c server.properties
#   java -Dlog4j2.configurationFile=log4j2.properties -cp 'libs/*' kafka.Kafka server.properties
# The class path also holds the command line tools, e.g. org.apache.kafka.tools.TopicCommand.
set -euo pipefail
: "${OUT:?directory to fill}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp pom.xml "$work/"
echo "kafka: copying jars"
mvn -B -ntp -q -f "$work/pom.xml" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$OUT/libs"
test -f "$OUT/libs/kafka_2.13-4.1.1.jar"
cp log4j2.properties "$OUT/"
du -sh "$OUT/libs"
