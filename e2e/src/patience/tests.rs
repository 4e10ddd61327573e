use super::*;

fn spent(seconds: &[(u64, f64)]) -> Duration {
    let mut patience = Patience::new(Duration::from_secs(10));
    for (seconds, slowness) in seconds {
        patience.spend(Duration::from_secs(*seconds), *slowness);
    }
    patience.spent
}

#[test]
fn a_second_on_a_slow_machine_counts_less() {
    assert_eq!(spent(&[(4, 1.0)]), Duration::from_secs(4));
    assert_eq!(spent(&[(4, 1.0), (4, 4.0)]), Duration::from_secs(5));
    assert_eq!(spent(&[(4, 0.1)]), Duration::from_secs(4), "no machine is faster than a quiet one");
}

#[test]
fn a_wait_ends() {
    let mut patience = Patience::new(Duration::ZERO);
    assert!(patience.over(), "{}", patience.told());
    assert!(!Patience::new(Duration::from_secs(60)).over());
}

#[test]
fn slowness_has_bounds() {
    assert!((1.0..=MOST).contains(&slowness()));
    assert!((1.0..=MOST).contains(&sample()));
    assert!((measured(1_000.0) - MOST).abs() < f64::EPSILON);
}

#[test]
fn other_programs_are_given_a_whole_number_of_seconds() {
    let said = seconds(Duration::from_secs(60));
    let number: u64 = said.strip_suffix('s').unwrap().parse().unwrap();
    assert!((120..=960).contains(&number), "{said}");
}
