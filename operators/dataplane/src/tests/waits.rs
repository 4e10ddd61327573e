use millrace_crds::{DataTopicStatus, Reason};
use proptest::prelude::*;

use super::{LIMIT, Standing, Timestamp, conditions, stand};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn stalled(status: &DataTopicStatus) -> bool {
    conditions::is_true(status, "Stalled")
}

#[test]
fn a_wait_ends_as_stalled_stays_so_and_heals() {
    let mut status = DataTopicStatus::default();
    let waits = Standing::progressing(Reason::DataPlaneMissing, "there is no DataPlane typo");
    let deadline = at(600);
    assert_eq!(stand(&mut status, &waits, LIMIT, at(0)), Some(deadline));
    assert_eq!(stand(&mut status, &waits, LIMIT, at(599)), Some(deadline));
    assert!(!stalled(&status));
    assert_eq!(stand(&mut status, &waits, LIMIT, deadline), None);
    assert!(stalled(&status));
    let before = status.clone();
    assert_eq!(stand(&mut status, &waits, LIMIT, at(9_000)), None);
    assert_eq!(status, before, "nothing more is written");
    // The cause changes: that is another wait, with a deadline of its own.
    assert_eq!(stand(&mut status, &Standing::progressing(Reason::Creating, "x"), LIMIT, at(9_000)), Some(at(9_600)));
    assert!(!stalled(&status));
    stand(&mut status, &Standing::ready(Reason::TopicReady, "x"), LIMIT, at(9_001));
    assert!(conditions::is_true(&status, "Ready"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_changes_on_the_way_no_wait_is_without_a_wake_or_an_end(steps in proptest::collection::vec((0..4_usize, 1..400_i64), 1..40)) {
        let mut status = DataTopicStatus::default();
        let mut now = 0;
        for (step, time) in steps {
            now += time;
            let standing = match step {
                0 => Standing::ready(Reason::TopicReady, "x"),
                1 => Standing::stalled(Reason::InvalidSpec, "x"),
                2 => Standing::progressing(Reason::DataPlaneMissing, "x"),
                _ => Standing::progressing(Reason::Creating, "x"),
            };
            let wake = stand(&mut status, &standing, LIMIT, at(now));
            let waits = conditions::is_true(&status, "Reconciling");
            prop_assert_eq!(waits, wake.is_some());
            prop_assert!(wake.is_none_or(|wake| wake > at(now) && wake <= at(now + 600)));
            prop_assert!(!(waits && stalled(&status)));
        }
    }
}
