//! What a person sees: steps with their last duration, plain lines when there is no terminal, and failures.
//!
//! A [`Failure`] always has three parts: what failed, why, and what to do. Everything in this crate returns it, so
//! the first line of any error is useful by itself.

mod failure;

pub use failure::{Failure, Outcome};

use std::cell::Cell;
use std::fmt::Display;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a step without a terminal says that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Where progress is shown: a live line on a terminal, plain lines elsewhere. Written to standard error, so that
/// standard output carries results only.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    live: bool,
}

impl Default for Ui {
    fn default() -> Self {
        Self::new()
    }
}

impl Ui {
    /// Live when standard error is a terminal.
    #[must_use]
    pub fn new() -> Self {
        Self { live: std::io::stderr().is_terminal() }
    }

    /// Plain lines, whatever standard error is: for tests.
    #[must_use]
    pub const fn plain() -> Self {
        Self { live: false }
    }

    /// One line of text.
    pub fn say(&self, line: impl Display) {
        eprintln!("{line}");
    }

    /// Begins a step. `hint` is what helps to judge the wait, for example `last time 4m25s`; may be empty.
    #[must_use]
    pub fn step(&self, name: impl Display, hint: impl Display) -> Step {
        let name = name.to_string();
        let hint = hint.to_string();
        let shown = if hint.is_empty() { name.clone() } else { format!("{name} ({hint})") };
        let bar = self.live.then(|| {
            let bar = ProgressBar::new_spinner().with_message(shown.clone());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>5} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("  .. {shown}");
        }
        let now = Instant::now();
        Step { name, shown, bar, begun: now, spoke: Cell::new(now), ended: Cell::new(false) }
    }
}

/// A step under way. Dropped without [`Step::done`], it is shown as failed.
#[derive(Debug)]
pub struct Step {
    name: String,
    shown: String,
    bar: Option<ProgressBar>,
    begun: Instant,
    spoke: Cell<Instant>,
    ended: Cell<bool>,
}

impl Step {
    /// Shows what the step is doing now; without a terminal only every half minute.
    pub fn note(&self, text: &str) {
        let text: String = text.chars().filter(|c| !c.is_control()).take(90).collect();
        match &self.bar {
            Some(bar) => bar.set_message(format!("{}  {text}", self.shown)),
            None if self.spoke.get().elapsed() >= HEARTBEAT => {
                self.spoke.set(Instant::now());
                eprintln!("     {}: at it for {}; {text}", self.name, short(self.begun.elapsed()));
            }
            None => {}
        }
    }

    /// The time since the step began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Ends the step well. `result` is shown behind its name; may be empty.
    pub fn done(self, result: impl Display) {
        let result = result.to_string();
        let sep = if result.is_empty() { "" } else { ": " };
        self.finish("ok", &format!("{}{sep}{result}", self.name));
    }

    fn finish(&self, mark: &str, text: &str) {
        self.ended.set(true);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("  {mark} {text} ({})", short(self.begun.elapsed()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended.get() {
            self.finish("XX", &self.name);
        }
    }
}

/// A duration as people say it: `0.4s`, `12s`, `4m05s`, `1h02m`.
#[must_use]
pub fn short(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0..10 => format!("{:.1}s", d.as_secs_f64()),
        10..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        _ => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests;
