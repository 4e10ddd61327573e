//! Runs a story under every single cut and many orders, and compares each end with the undisturbed one.

use std::fmt::Write as _;

use strum::IntoEnumIterator;

use super::{
    drive::{Outcome, Schedule, Story, run},
    rest::left_waiting,
    world::Cut,
};

/// What an exploration saw.
#[derive(Debug, Default)]
pub struct Report {
    /// Schedules run.
    pub schedules: usize,
    /// Writes of the undisturbed run.
    pub writes: Vec<String>,
    /// One line per schedule that ended otherwise, at most [`MAX_FAULTS`].
    pub faults: Vec<String>,
    /// What the undisturbed run leaves waiting for ever, see [`left_waiting`].
    pub waits: Vec<String>,
}

/// Orders without a cut, for each order with all cuts.
const RACES: u64 = 40;

/// Enough to see a pattern; the rest is noise.
const MAX_FAULTS: usize = 10;

impl Report {
    /// Fails with all faults if there are any.
    ///
    /// # Errors
    /// The faults, a line each.
    pub fn verdict(&self) -> Result<(), String> {
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults.join("\n")) }
    }

    /// Fails, beside that, if anything is left waiting for ever.
    ///
    /// # Errors
    /// The faults and the waits, a line each.
    pub fn settled(&self) -> Result<(), String> {
        self.verdict()?;
        if self.waits.is_empty() { Ok(()) } else { Err(self.waits.join("\n")) }
    }
}

/// Every cut of every write under `orders` orders (seed 0 is strict order), and every order without a cut.
#[must_use]
pub fn explore(story: &Story<'_>, orders: u64) -> Report {
    let reference = run(story, Schedule { seed: 0, cut: None });
    let mut report = hunt(story, (&reference, orders), false);
    report.faults.splice(0..0, reference.faults.iter().map(|f| format!("{}: undisturbed: {f}", story.name)));
    report.waits = left_waiting(story);
    report
}

/// Whether any schedule tells this (mutated) story from what `reference`, the sound one, ends with, or only the mutant
/// leaves something waiting for ever.
#[must_use]
pub fn caught(sound: &Story<'_>, mutant: &Story<'_>, orders: u64) -> bool {
    let reference = run(sound, Schedule { seed: 0, cut: None });
    !hunt(mutant, (&reference, orders), true).faults.is_empty()
        || (!left_waiting(mutant).is_empty() && left_waiting(sound).is_empty())
}

fn hunt(story: &Story<'_>, goal: (&Outcome, u64), first: bool) -> Report {
    let (reference, orders) = goal;
    let mut report = Report { writes: reference.writes.clone(), ..Report::default() };
    // Orders alone are cheap and find the races; the cuts then find what a crash or a lost answer breaks. A shuffled run
    // may need a few writes more or less than the reference, so it is cut a little beyond its end too.
    let races = (0..orders * RACES).map(|seed| Schedule { seed, cut: None });
    let last = reference.writes.len() + 4;
    let cuts = (0..orders).flat_map(|seed| {
        (0..last).flat_map(move |n| Cut::iter().map(move |cut| Schedule { seed, cut: Some((n, cut)) }))
    });
    for schedule in races.chain(cuts) {
        report.schedules += 1;
        if let Some(fault) = differs(reference, &run(story, schedule)) {
            report.faults.push(format!("{}: {schedule:?}: {fault}", story.name));
            if first || report.faults.len() >= MAX_FAULTS {
                break;
            }
        }
    }
    report
}

fn differs(reference: &Outcome, other: &Outcome) -> Option<String> {
    if let Some(fault) = other.faults.first() {
        return Some(fault.clone());
    }
    if reference.effects != other.effects {
        return Some(format!("effects {:?}, expected {:?}", other.effects, reference.effects));
    }
    let mut text = String::new();
    for (name, want) in &reference.end {
        match other.end.get(name) {
            None => _ = write!(text, "{name} is missing; "),
            Some(have) if have != want => _ = write!(text, "{name} is\n  {have}\nexpected\n  {want}; "),
            Some(_) => {}
        }
    }
    for name in other.end.keys().filter(|name| !reference.end.contains_key(*name)) {
        _ = write!(text, "{name} was leaked; ");
    }
    (!text.is_empty()).then_some(text)
}
