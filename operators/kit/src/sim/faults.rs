//! Seeded bugs of the kernel, each one a rule broken. The simulated world must tell every one from the sound kernel;
//! without that its zeros would mean little.
//!
//! The kernel itself knows nothing of them: what surrounds it misbehaves, so that it acts as if it ignored the rule.

mod bug;
mod late_finalizer;
mod late_status;
mod port;

pub use bug::KernelBug;

use std::sync::Arc;

use late_finalizer::LateFinalizer;
use late_status::LateStatus;
use port::FaultyPort;

use crate::{
    cache::Event,
    kernel::{Controller, Kernel},
    operator::Operator,
    reader::Reader,
};

/// The kernel around `operator`, with a seeded bug; the sound kernel if there is none.
#[must_use]
pub fn kernel<O: Operator>(bug: impl Into<Option<KernelBug>>, operator: O, reader: Reader) -> Box<dyn Controller> {
    let Some(bug) = bug.into() else { return Box::new(Kernel::new(operator, reader)) };
    let port = Arc::new(FaultyPort::new(bug, Arc::clone(&reader.port)));
    let reader = Reader::new(reader.cache, Arc::clone(&port) as _);
    match bug {
        KernelBug::LateFinalizer => Box::new(Kernel::new(LateFinalizer(operator), reader)),
        KernelBug::ActBeforeStatus => {
            Box::new(LateStatus::new(Kernel::new(operator, reader.clone()), port, reader.cache))
        }
        KernelBug::ActBeforeListed => {
            let kernel = Kernel::new(operator, reader.clone());
            for watch in kernel.watches() {
                // An empty list, complete: whatever the stream brings later, the kind counts as listed.
                reader.cache.feed(&watch.kind, Event::Complete);
            }
            Box::new(kernel)
        }
        _ => Box::new(Kernel::new(operator, reader)),
    }
}
