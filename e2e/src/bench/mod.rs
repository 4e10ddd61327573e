//! `cargo xtask bench`: figures, always beside a floor measured in the same run, never a pass or a fail.
//!
//! These machines are noisy: each timing is repeated and its spread shown; ratios are what to quote.

mod memory;
mod topics;
mod writes;

use std::time::Duration;

use serde_json::{Value, json};

use crate::ui::{Failure, Outcome, Ui};

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    /// Writes per job and run, from the API server's audit log.
    Writes,
    /// Topics to Ready, beside the API server alone and the broker alone; memory of the operators.
    Topics,
}

/// A figure: its name, its value with unit, and what it stands beside.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) beside: String,
}

/// Measures and prints a table, or JSON.
///
/// # Errors
/// Something could not be started or measured.
pub fn bench(what: &[Bench], as_json: bool, ui: &Ui) -> Outcome<()> {
    let all = [Bench::Topics, Bench::Writes];
    let mut figures = Vec::new();
    for bench in if what.is_empty() { &all[..] } else { what } {
        figures.extend(match bench {
            Bench::Writes => writes::measure(ui)?,
            Bench::Topics => topics::measure(ui)?,
        });
    }
    if as_json {
        let list: Vec<Value> =
            figures.iter().map(|f| json!({"name": f.name, "value": f.value, "beside": f.beside})).collect();
        println!("{}", json!(list));
        return Ok(());
    }
    let wide = |pick: fn(&Figure) -> &String| figures.iter().map(|f| pick(f).chars().count()).max().unwrap_or(0);
    let (name, value) = (wide(|f| &f.name), wide(|f| &f.value));
    for f in &figures {
        println!("{:name$}  {:>value$}  {}", f.name, f.value, f.beside);
    }
    Ok(())
}

/// Smallest, median and largest of some durations, in seconds.
pub(crate) fn spread(mut all: Vec<Duration>) -> Outcome<(f64, f64, f64)> {
    all.sort();
    match (all.first(), all.get(all.len() / 2), all.last()) {
        (Some(low), Some(mid), Some(high)) => Ok((low.as_secs_f64(), mid.as_secs_f64(), high.as_secs_f64())),
        _ => Err(Failure::because("no repetition was measured", "the list is empty")),
    }
}
