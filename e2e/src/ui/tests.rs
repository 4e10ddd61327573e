use super::*;

#[test]
fn durations_read_well() {
    let of = |ms| short(Duration::from_millis(ms));
    assert_eq!(of(420), "0.4s");
    assert_eq!(of(12_900), "12s");
    assert_eq!(of(245_000), "4m05s");
    assert_eq!(of(3_725_000), "1h02m");
}

#[test]
fn a_failure_says_what_why_and_what_to_do() {
    let f = Failure::new("part x failed", "no disk", "free some");
    assert_eq!(f.to_string(), "error: part x failed\nwhy: no disk\ndo: free some");
}
