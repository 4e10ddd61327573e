#!/bin/bash
# One launcher for the tools people know by name: kafka-topics.sh, kafka-configs.sh, ...
set -euo pipefail
case $(basename "$0") in
  kafka-topics.sh) class=org.apache.kafka.tools.TopicCommand ;;
  kafka-configs.sh) class=kafka.admin.ConfigCommand ;;
  kafka-console-producer.sh) class=org.apache.kafka.tools.ConsoleProducer ;;
  kafka-console-consumer.sh) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
  kafka-consumer-groups.sh) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
  kafka-get-offsets.sh) class=org.apache.kafka.tools.GetOffsetShell ;;
  *) echo "unknown tool $0" >&2; exit 2 ;;
esac
exec java -Xmx128m -Dlog4j2.level=error -Dlog4j2.configurationFile=/etc/kafka/tools-log4j2.properties \
  -cp '/opt/kafka/libs/*' "$class" "$@"
