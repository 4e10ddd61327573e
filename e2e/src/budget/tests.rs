use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

fn piece(millicores: u64, work: u64) -> Piece<u64> {
    Piece { needs: Needs::new(millicores, 1), work }
}

fn waiting(needs: &[u64]) -> Vec<(usize, Piece<u64>)> {
    needs.iter().map(|need| piece(*need, 0)).enumerate().collect()
}

#[test]
fn one_plays_always_and_more_where_they_fit() {
    let left = Some(Needs::new(400, 8));
    assert_eq!(next(&waiting(&[9_000, 1]), None, 9.0), Some(0));
    assert_eq!(next(&waiting(&[]), None, 1.0), None);
    assert_eq!(next(&waiting(&[600, 300, 100]), left, 1.0), Some(1));
    assert_eq!(next(&waiting(&[600, 500]), left, 1.0), None);
    assert_eq!(next(&waiting(&[600, 300, 100]), left, CROWDED + 0.1), None, "the machine is slow already");
    assert_eq!(next(&waiting(&[100]), Some(Needs::new(400, 0)), 1.0), None, "memory counts too");
}

#[test]
fn the_room_is_never_exceeded_and_the_order_is_kept() {
    let (now, most) = (AtomicU64::new(0), Mutex::new(0));
    let pieces = [700, 400, 300, 900, 100].map(|need| piece(need, need));
    let played = play(pieces.into(), Needs::new(1_000, 10), |need| {
        let sum = now.fetch_add(need, Ordering::SeqCst) + need;
        let mut most = most.lock().unwrap();
        *most = (*most).max(sum);
        drop(most);
        std::thread::yield_now();
        now.fetch_sub(need, Ordering::SeqCst);
        need
    });
    assert_eq!(played, [700, 400, 300, 900, 100]);
    assert!(*most.lock().unwrap() <= 1_000);
}

#[test]
fn a_piece_that_panics_holds_nobody_up() {
    let played = play(vec![piece(9, 1), piece(9, 2), piece(9, 3)], Needs::new(10, 10), |number| {
        assert_ne!(number, 2);
        number
    });
    assert_eq!(played, [1, 3]);
}
