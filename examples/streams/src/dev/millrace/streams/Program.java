package dev.millrace.streams;

import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.fs.Path;
import org.apache.flink.formats.json.JsonDeserializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;

/**
 * Flights from a topic, counted per hour of departure and carrier, into a bucket.
 *
 * <p>Arguments: TOPIC PLACE [bounded]. The brokers stand in KAFKA_BOOTSTRAP_SERVERS. Every operator with state has a
 * uid, so that a changed program finds the state of the one before. Offsets live in the checkpoints alone, and files
 * become visible with the checkpoint that closes them: each window is written exactly once.
 */
final class Program {
    private final StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    private final String topic;
    private final String place;
    private final boolean bounded;
    private final String version;

    Program(String version, String[] args) {
        this.version = version;
        topic = args[0];
        place = args[1];
        bounded = args.length > 2 && args[2].equals("bounded");
    }

    DataStream<Flight> flights() {
        var source = KafkaSource.<Flight>builder()
                .setBootstrapServers(System.getenv("KAFKA_BOOTSTRAP_SERVERS"))
                .setTopics(topic)
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setProperty("commit.offsets.on.checkpoint", "false")
                .setProperty("partition.discovery.interval.ms", "-1")
                .setValueOnlyDeserializer(new JsonDeserializationSchema<>(Flight.class));
        if (bounded) {
            source.setBounded(OffsetsInitializer.latest());
        }
        // Departures ascend within a partition, and the source keeps one watermark for each: nothing is ever late.
        var order = WatermarkStrategy.<Flight>forMonotonousTimestamps().withTimestampAssigner((flight, old) -> flight.at);
        return env.fromSource(source.build(), order, "flights")
                .uid("flights")
                .filter(flight -> !flight.carrier.isEmpty())
                .name("flights only")
                .uid("only");
    }

    void count(DataStream<Flight> flights, String by, KeySelector<Flight, String> key, String uid) {
        flights.keyBy(key)
                .window(TumblingEventTimeWindows.of(Duration.ofHours(1)))
                .aggregate(new Tally(), new Tally.Line(by, version))
                .name("count by " + by)
                .uid(uid)
                .sinkTo(FileSink.<String>forRowFormat(new Path(place + "/" + by), new SimpleStringEncoder<>())
                        .withRollingPolicy(OnCheckpointRollingPolicy.build())
                        .build())
                .name("files by " + by)
                .uid("files-" + by);
    }

    void run() throws Exception {
        env.execute("flights per hour");
    }
}
