//! The chart's roles of this operator are those its code declares.

#[test]
fn the_chart_grants_what_the_code_declares() -> Result<(), String> {
    millrace_kit::sim::golden::access("pipeline", &millrace_pipeline::access())
}
