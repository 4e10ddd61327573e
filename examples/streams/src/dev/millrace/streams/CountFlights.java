package dev.millrace.streams;

/** Counts by carrier. */
public final class CountFlights {
    public static void main(String[] args) throws Exception {
        var program = new Program("1", args);
        program.count(program.flights(), "carrier", flight -> flight.carrier, "count-carrier");
        program.run();
    }
}
