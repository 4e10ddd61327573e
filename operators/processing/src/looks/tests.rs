use jiff::Timestamp;

use super::{CALM, Looks, MISSING, Pace, START};

/// The seconds at which a pass every second would look.
fn looks(pace: &Pace, until: i64) -> Vec<i64> {
    let since = Timestamp::from_second(1_000).unwrap();
    let mut last = None;
    let mut all = Vec::new();
    for second in 0..until {
        let now = Timestamp::from_second(1_000 + second).unwrap();
        if pace.due(since, now, last) {
            last = Some(now);
            all.push(second);
        }
    }
    all
}

#[test]
fn looks_are_bounded() {
    assert_eq!(looks(&START, 300), [30, 60, 120, 180, 240]);
    assert_eq!(looks(&MISSING, 400), [30, 60, 120, 180, 240, 300, 360]);
    assert_eq!(looks(&CALM, 1_000), [30, 60, 120, 180, 480, 780]);
}

#[test]
fn the_next_look_is_due_when_it_comes() {
    let since = Timestamp::from_second(1_000).unwrap();
    for pace in [START, MISSING, CALM] {
        for second in 0..2_000 {
            let now = Timestamp::from_second(1_000 + second).unwrap();
            let next = pace.next(since, now);
            assert!(next > now);
            assert!(pace.due(since, next, Some(now)), "{second}");
        }
    }
}

#[test]
fn what_is_no_longer_looked_at_is_forgotten() {
    let looks = Looks::<u8>::default();
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    looks.note("a", at(0), 1);
    looks.note("b", at(3_000), 2);
    assert_eq!(looks.last("a"), Some((at(0), 1)));
    looks.note("c", at(4_000), 3);
    assert_eq!(looks.last("a"), None);
    assert_eq!(looks.last("b"), Some((at(3_000), 2)));
    looks.forget("b");
    assert_eq!(looks.last("b"), None);
}
