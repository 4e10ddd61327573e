package dev.millrace.streams;

import java.time.Instant;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** Counts the events of a window. Its state is one number, which every version of the program reads. */
public class Tally implements AggregateFunction<Flight, Long, Long> {
    @Override
    public Long createAccumulator() {
        return 0L;
    }

    @Override
    public Long add(Flight flight, Long count) {
        return count + 1;
    }

    @Override
    public Long getResult(Long count) {
        return count;
    }

    @Override
    public Long merge(Long one, Long other) {
        return one + other;
    }

    /** A closed window as a JSON line that says which program closed it. */
    public static class Line extends ProcessWindowFunction<Long, String, String, TimeWindow> {
        private final String by;
        private final String program;

        public Line(String by, String program) {
            this.by = by;
            this.program = program;
        }

        @Override
        public void process(String key, Context context, Iterable<Long> counts, Collector<String> out) {
            Instant start = Instant.ofEpochMilli(context.window().getStart());
            for (long count : counts) {
                out.collect(String.format(
                        "{\"window\":\"%s\",\"%s\":\"%s\",\"flights\":%d,\"program\":\"%s\"}",
                        start, by, key, count, program));
            }
        }
    }
}
