//! A schedule is written as it is read, so that a failed run can be asked for again.

use millrace_kit::sim::{Cut, Schedule};

#[test]
fn a_schedule_reads_back_as_written() {
    for (schedule, text) in [
        (Schedule::UNDISTURBED, "0"),
        (Schedule { seed: 41, cut: None }, "41"),
        (Schedule { seed: 3, cut: Some((5, Cut::KillAfter)) }, "3/5:KillAfter"),
    ] {
        assert_eq!(schedule.to_string(), text);
        assert_eq!(text.parse(), Ok(schedule));
    }
    for bad in ["", "x", "3/5", "3/:KillAfter", "3/5:Killed"] {
        assert!(bad.parse::<Schedule>().is_err(), "{bad}");
    }
}
