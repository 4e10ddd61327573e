//! `cargo xtask bench`: figures, always beside a floor measured in the same run.
//!
//! These machines are noisy: each timing is repeated and its spread shown; ratios are what to quote. Only a count that
//! no load can excuse, the budget of writes, is a pass or a fail.

mod failover;
mod field;
mod figure;
mod local;
mod memory;
mod plot;
mod processing;
mod steps;
mod topics;
mod writes;

use serde_json::{Value, json};

use crate::ui::{Failure, Outcome, Ui};
pub(crate) use figure::{Figure, Limit};

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    /// Writes per job and run, from the API server's audit log.
    Writes,
    /// Topics, buckets and grants to Ready, beside the API server alone and broker or store alone; memory of the dataplane
    /// operator.
    Topics,
    /// Resident memory of the other operators, idle and with 500 objects; of pipeline also with 1,000 steps.
    Memory,
    /// Until a standby works, when the leader is killed 20 times with its pod and 20 times with its node.
    Failover,
    /// 2,000 ProcessingJobs at 1,000 a minute, beside batch Jobs and spark-submit.
    Processing,
}

/// How to measure and tell.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// JSON instead of a table.
    pub as_json: bool,
    /// Repetitions of [`Bench::Processing`], ten minutes each.
    pub times: usize,
    /// Put numbers and plot of [`Bench::Processing`] where the documentation shows them.
    pub record: bool,
}

/// Measures and prints a table, or JSON.
///
/// # Errors
/// Something could not be started or measured, or a budget is exceeded.
pub fn bench(what: &[Bench], options: Options, ui: &Ui) -> Outcome<()> {
    let all = [Bench::Topics, Bench::Memory, Bench::Writes, Bench::Failover, Bench::Processing];
    let mut figures = Vec::new();
    for bench in if what.is_empty() { &all[..] } else { what } {
        figures.extend(match bench {
            Bench::Writes => writes::measure(ui)?,
            Bench::Topics => topics::measure(ui)?,
            Bench::Memory => memory::measure(ui)?,
            Bench::Failover => failover::measure(ui)?,
            Bench::Processing => {
                let place = options.record.then(processing::place).transpose()?;
                processing::measure(options.times, place.as_deref(), ui)?
            }
        });
    }
    if options.as_json {
        let list: Vec<Value> = figures.iter().map(Figure::json).collect();
        println!("{}", json!(list));
    } else {
        table(&figures);
    }
    let over: Vec<String> = figures.iter().filter_map(Figure::over_budget).collect();
    if over.is_empty() {
        return Ok(());
    }
    Err(Failure::new("a budget is exceeded", over.join("\n"), "see the budget in docs/architecture.md"))
}

fn table(figures: &[Figure]) {
    let rows: Vec<[String; 3]> = figures.iter().map(Figure::row).collect();
    let wide = |pick: fn(&[String; 3]) -> &String| rows.iter().map(|r| pick(r).chars().count()).max().unwrap_or(0);
    let (first, second) = (wide(|[name, ..]| name), wide(|[_, value, _]| value));
    for [name, value, beside] in &rows {
        println!("{name:first$}  {value:>second$}  {beside}");
    }
}
