package dev.millrace.streams;

/** One event of the topic: a JSON object in a line. Public fields, so that Flink treats it as a POJO. */
public class Flight {
    /** Two letters; empty in an event that only says how late it is. */
    public String carrier;
    /** Three letters. */
    public String origin;
    /** Departure, milliseconds since 1970. */
    public long at;
}
