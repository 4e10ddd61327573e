package dev.millrace.streams;

/** The next version: by origin too. The counts by carrier go on from the state of {@link CountFlights}. */
public final class CountMore {
    public static void main(String[] args) throws Exception {
        var program = new Program("2", args);
        var flights = program.flights();
        program.count(flights, "carrier", flight -> flight.carrier, "count-carrier");
        program.count(flights, "origin", flight -> flight.origin, "count-origin");
        program.run();
    }
}
