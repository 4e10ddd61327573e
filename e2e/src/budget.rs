//! What plays at the same time: as much as the machine has processor and memory left for, and at least one.
//!
//! Each check declares what it needs. What others use is measured before; while checks play, none is added to a machine
//! that is slow already, whatever was declared.

mod needs;
mod room;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

pub use needs::Needs;
pub(crate) use room::{of_cluster, of_machine};

use crate::patience;

/// No check is added to a machine that is so many times as slow as a quiet one.
const CROWDED: f64 = 4.0;
/// How soon it is looked again whether another one fits.
const AGAIN: Duration = Duration::from_secs(2);

/// Something to play, and what it needs.
#[derive(Debug)]
pub(crate) struct Piece<T> {
    pub(crate) needs: Needs,
    pub(crate) work: T,
}

/// Plays each piece as soon as it fits beside those that play. The results are in the order of the pieces; that of one
/// that panics is missing.
pub(crate) fn play<T: Send, R: Send>(pieces: Vec<Piece<T>>, room: Needs, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let mut waiting: Vec<(usize, Piece<T>)> = pieces.into_iter().enumerate().collect();
    let (mut used, mut playing, mut all) = (Needs::default(), 0_usize, Vec::new());
    let (say, heard) = channel();
    let work = &work;
    std::thread::scope(|scope| {
        while !waiting.is_empty() || playing > 0 {
            while let Some(next) = next(&waiting, (playing > 0).then(|| room.minus(used)), patience::slowness()) {
                let (at, piece) = waiting.remove(next);
                used = used.plus(piece.needs);
                playing += 1;
                let say = say.clone();
                scope.spawn(move || {
                    let result = catch_unwind(AssertUnwindSafe(|| work(piece.work))).ok();
                    // There is always somebody who hears: the loop ends after the last piece.
                    let _ = say.send((at, piece.needs, result));
                });
            }
            match heard.recv_timeout(AGAIN) {
                Ok((at, needs, result)) => {
                    used = used.minus(needs);
                    playing -= 1;
                    all.extend(result.map(|result| (at, result)));
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

/// The first one that fits into what is left; whichever comes first where nothing plays and so all is left.
fn next<T>(waiting: &[(usize, Piece<T>)], left: Option<Needs>, slowness: f64) -> Option<usize> {
    let Some(left) = left else { return (!waiting.is_empty()).then_some(0) };
    if slowness > CROWDED {
        return None;
    }
    waiting.iter().position(|(_, piece)| piece.needs.fits(left))
}

#[cfg(test)]
mod tests;
