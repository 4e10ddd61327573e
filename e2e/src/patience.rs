//! How long a wait may last: a time-out is for what never comes, so it is generous and grows with the slowness of the machine.
//!
//! A background thread measures how much slower a thread of ours is here and now than on a quiet machine. A wait counts
//! its time by that clock: a second in which a thread gets half a processor is half a second of it.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::ui::short;

/// By how much a wait may exceed what is usual on a quiet machine.
const GENEROUS: u32 = 2;
/// No machine is taken for slower than this: what never comes must be found out some day.
const MOST: f64 = 8.0;
/// Between two samples.
const EVERY: Duration = Duration::from_secs(2);
/// How long a sample keeps a processor busy, or tries to: many turns of the scheduler.
const SAMPLE: Duration = Duration::from_millis(20);
/// Share of a new sample in the running mean.
const NEW: f64 = 0.3;

/// How many times as long as on a quiet machine something takes at present, 1 to [`MOST`].
pub(crate) fn slowness() -> f64 {
    static MILLI: OnceLock<&'static AtomicU64> = OnceLock::new();
    let milli = MILLI.get_or_init(|| {
        let milli: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(to_milli(measured(1.0)))));
        // Lives as long as the process. Without it the first measure stays.
        let _ = thread::Builder::new().name("patience".to_owned()).spawn(move || {
            let mut mean = from_milli(milli.load(Ordering::Relaxed));
            loop {
                thread::sleep(EVERY);
                mean += (measured(sample()) - mean) * NEW;
                milli.store(to_milli(mean), Ordering::Relaxed);
            }
        });
        milli
    });
    from_milli(milli.load(Ordering::Relaxed))
}

fn to_milli(slowness: f64) -> u64 {
    (slowness * 1_000.0) as u64
}

fn from_milli(milli: u64) -> f64 {
    milli as f64 / 1_000.0
}

/// Once slept, a thread is let in first; the load shows what that hides.
fn measured(sample: f64) -> f64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
    let cores = thread::available_parallelism().map_or(1, usize::from) as f64;
    sample.max(load / cores).clamp(1.0, MOST)
}

/// Time that passes while a thread wants to work, by the time it works.
fn sample() -> f64 {
    let before = waited();
    let begun = Instant::now();
    while begun.elapsed() < SAMPLE {
        std::hint::spin_loop();
    }
    let passed = begun.elapsed();
    let worked = passed.saturating_sub(waited().saturating_sub(before));
    passed.as_secs_f64() / worked.as_secs_f64().max(passed.as_secs_f64() / MOST)
}

/// How long this thread has waited for a processor so far; zero where the kernel does not count it.
fn waited() -> Duration {
    let said = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(said.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// What is left of a wait.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    /// Counted as on a quiet machine.
    spent: Duration,
    begun: Instant,
    last: Instant,
}

impl Patience {
    /// For something that takes at most `limit` on a quiet machine.
    pub(crate) fn new(limit: Duration) -> Self {
        let now = Instant::now();
        Self { limit: limit * GENEROUS, spent: Duration::ZERO, begun: now, last: now }
    }

    /// Whether it is over; to be asked every now and then.
    pub(crate) fn over(&mut self) -> bool {
        let now = Instant::now();
        self.spend(now - self.last, slowness());
        self.last = now;
        self.spent > self.limit
    }

    fn spend(&mut self, passed: Duration, slowness: f64) {
        self.spent += passed.div_f64(slowness.max(1.0));
    }

    /// For people, at its end.
    pub(crate) fn told(&self) -> String {
        let (passed, quiet) = (self.begun.elapsed(), self.spent.as_secs_f64().max(0.001));
        let times = (passed.as_secs_f64() / quiet).max(1.0);
        format!("waited {}, on a machine {times:.1} times as slow as a quiet one; {}", short(passed), load())
    }
}

/// The same for whoever keeps the time itself: `limit` as it should be on a machine as slow as this one is now.
pub(crate) fn limit(limit: Duration) -> Duration {
    limit.mul_f64(factor())
}

/// By what a time-out that fits a quiet machine is to be multiplied now.
pub(crate) fn factor() -> f64 {
    f64::from(GENEROUS) * slowness()
}

/// The same as an option such as `--timeout` takes it: `240s`.
pub(crate) fn seconds(limit: Duration) -> String {
    format!("{}s", self::limit(limit).as_secs())
}

/// How busy this machine is, in a line.
pub(crate) fn load() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let load = read("/proc/loadavg").split(' ').take(4).collect::<Vec<_>>().join(" ");
    let some = |what: &str| {
        let text = read(&format!("/proc/pressure/{what}"));
        let line = text.lines().next().and_then(|line| line.split(" total=").next()).map(str::to_owned);
        line.map(|line| format!(", {what} pressure: {line}")).unwrap_or_default()
    };
    format!("load {load}{}{}{}", some("cpu"), some("memory"), some("io"))
}

#[cfg(test)]
mod tests;
