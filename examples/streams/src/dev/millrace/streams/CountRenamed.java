package dev.millrace.streams;

/** A version with a mistake: a new uid for the same counts, so that the state of the others has nowhere to go. */
public final class CountRenamed {
    public static void main(String[] args) throws Exception {
        var program = new Program("3", args);
        program.count(program.flights(), "carrier", flight -> flight.carrier, "count-by-carrier");
        program.run();
    }
}
