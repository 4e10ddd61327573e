//! The work of a process: triggers into a line for each controller, passes out of it.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};

use crate::{
    Key, Next, Reader,
    kernel::Controller,
    metrics::{ByController, Metrics},
    queue::{Queue, Slot},
};

/// Passes of one controller that run at once. A pass mostly waits: for its turn at the API server (see
/// [`crate::client::CALLS`]), or for a batch it shares with others, since a broker takes 100 topics in the time of one. Each
/// controller has passes of its own, so that those that wait for a slow broker hold up no others.
const PASSES: usize = 512;

/// Shortest sleep of the loop that starts passes.
const SHORTEST: Duration = Duration::from_millis(1);
/// Its sleep while nothing is due.
const IDLE: Duration = Duration::from_secs(60);
/// Its sleep while the cache fills.
pub(crate) const UNREADY: Duration = Duration::from_millis(50);

/// What all tasks of the process share.
pub(crate) struct Shared {
    pub(crate) controllers: Vec<Box<dyn Controller>>,
    pub(crate) reader: Reader,
    pub(crate) metrics: Metrics,
}

/// The line of one controller.
#[derive(Default)]
struct Line {
    queue: Queue,
    running: usize,
}

/// Starts passes that are due, as soon as the process leads.
pub(crate) async fn work(
    shared: Arc<Shared>,
    mut triggers: mpsc::UnboundedReceiver<Slot>,
    mut woken: mpsc::UnboundedReceiver<(&'static str, Key)>,
    mut led: watch::Receiver<bool>,
) {
    let mut lines: Vec<Line> = shared.controllers.iter().map(|_| Line::default()).collect();
    let (done, mut finished) = mpsc::unbounded_channel::<(Slot, Next)>();
    let clock = || shared.reader.now();
    loop {
        let now = clock();
        // A standby gathers what is due and does nothing about it.
        let leads = *led.borrow_and_update();
        let ready = leads && shared.reader.cache.ready();
        for line in lines.iter_mut().filter(|_| ready) {
            while line.running < PASSES
                && let Some(slot) = line.queue.pop(now)
            {
                line.running += 1;
                tokio::spawn(one(Arc::clone(&shared), slot, done.clone()));
            }
        }
        let queued: usize = lines.iter().map(|line| line.queue.len()).sum();
        shared.metrics.queued.set(i64::try_from(queued).unwrap_or(i64::MAX));
        // A line without a free pass is looked at when one ends; before the cache is ready nothing is due.
        let free = lines.iter().filter(|line| ready && line.running < PASSES);
        let nap = match free.filter_map(|line| line.queue.next_at()).min() {
            Some(at) => Duration::try_from(at.duration_since(clock())).unwrap_or_default().max(SHORTEST),
            None if leads && !ready => UNREADY,
            None => IDLE,
        };
        tokio::select! {
            Some(slot) = triggers.recv() => {
                push(&mut lines, slot, clock());
                while let Ok(slot) = triggers.try_recv() {
                    push(&mut lines, slot, clock());
                }
            }
            Some((name, key)) = woken.recv() => {
                if let Some(index) = shared.controllers.iter().position(|c| c.name() == name) {
                    push(&mut lines, (index, key), clock());
                }
            }
            Some((slot, next)) = finished.recv() => {
                if let Some(line) = lines.get_mut(slot.0) {
                    line.running -= 1;
                    line.queue.finish(slot, next, clock());
                }
            }
            Ok(()) = led.changed() => {}
            () = tokio::time::sleep(nap) => {}
        }
    }
}

fn push(lines: &mut [Line], slot: Slot, now: jiff::Timestamp) {
    if let Some(line) = lines.get_mut(slot.0) {
        line.queue.push(slot, now);
    }
}

async fn one(shared: Arc<Shared>, slot: Slot, done: mpsc::UnboundedSender<(Slot, Next)>) {
    let (index, key) = &slot;
    let next = match shared.controllers.get(*index) {
        Some(controller) => {
            let began = std::time::Instant::now();
            let next = controller.pass(key).await;
            let labels = ByController { controller: controller.name().to_owned() };
            shared.metrics.passes.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
            next
        }
        None => Next::Idle,
    };
    let _ = done.send((slot, next));
}
