use super::{Doubt, Duration, GIVE_UP_AFTER, STARVED, Timestamp, later, timed};

const START: Timestamp = Timestamp::UNIX_EPOCH;

#[test]
fn one_lost_answer_is_no_outage_and_two_in_a_row_are() {
    let mut doubt = Doubt::default();
    assert!(!doubt.unanswered(START, Duration::ZERO));
    doubt.answered();
    assert!(!doubt.unanswered(START, Duration::ZERO), "an answer came in between");
    assert!(doubt.unanswered(START, Duration::ZERO));
    assert_eq!(doubt.words("no answer"), "no answer");
}

#[test]
fn what_fails_while_we_are_starved_proves_nothing_for_a_minute() {
    let mut doubt = Doubt::default();
    for second in 0..10 {
        assert!(!doubt.unanswered(later(START, Duration::from_secs(second)), STARVED));
    }
    assert!(!doubt.unanswered(later(START, Duration::from_secs(10)), Duration::ZERO), "the first that counts");
    assert!(doubt.unanswered(later(START, GIVE_UP_AFTER), STARVED));
    assert!(doubt.words("no answer").starts_with("no answer (this process was short of processor time"));
}

#[tokio::test]
async fn a_blocked_process_notices_its_own_lateness() {
    let busy = async {
        tokio::task::yield_now().await;
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(600) {
            std::hint::spin_loop();
        }
    };
    assert!(timed(busy).await.1 >= STARVED);
    assert!(timed(async {}).await.1 < STARVED);
}
