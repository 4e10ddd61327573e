//! Runs a story under every single cut and many orders, and compares each end with the undisturbed one.

use std::env;

use strum::IntoEnumIterator;

use super::{
    cut::Cut,
    diff,
    drive::{Outcome, Story, recorded, run},
    rest::left_waiting,
    schedule::Schedule,
};

/// Environment variable that plays one schedule again, `STORY/SCHEDULE`, with all that happens in it.
const REPLAY: &str = "MILLRACE_REPLAY";
/// Lines of a timeline that are shown beside a fault; a replay shows all.
const SHOWN: usize = 40;

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

/// Every cut of every write under `orders` orders (seed 0 is strict order), and every order without a cut; or the one
/// schedule that the environment asks for.
#[must_use]
pub(super) fn explore(story: &Story<'_>, orders: u64) -> Report {
    let reference = run(story, Schedule::UNDISTURBED);
    if let Ok(wanted) = env::var(REPLAY) {
        return replay(story, &reference, &wanted);
    }
    let mut report = hunt(story, &reference, orders, false);
    report.faults.splice(0..0, reference.faults.iter().map(|f| format!("{}: undisturbed: {f}", story.name)));
    report.waits = left_waiting(story);
    report
}

/// Plays one schedule again and prints all that happens; nothing if another story is asked for.
fn replay(story: &Story<'_>, reference: &Outcome, wanted: &str) -> Report {
    let mut report = Report { writes: reference.writes.clone(), ..Report::default() };
    let Some(schedule) = wanted.strip_prefix(story.name).and_then(|rest| rest.strip_prefix('/')) else { return report };
    let schedule = match schedule.parse() {
        Ok(schedule) => schedule,
        Err(problem) => {
            report.faults.push(format!("{REPLAY}: {problem}"));
            return report;
        }
    };
    let outcome = recorded(story, schedule);
    println!("{} / {schedule}\n{}", story.name, numbered(&outcome.timeline, usize::MAX));
    report.schedules = 1;
    report.faults.extend(differs(reference, &outcome).map(|fault| format!("{}: {schedule}: {fault}", story.name)));
    report
}

/// Whether any schedule tells the broken story from what the sound one ends with, or only the broken one
/// leaves something waiting for ever.
#[must_use]
pub(super) fn caught(sound: &Story<'_>, broken: &Story<'_>, orders: u64) -> bool {
    let reference = run(sound, Schedule::UNDISTURBED);
    !hunt(broken, &reference, orders, true).faults.is_empty()
        || (!left_waiting(broken).is_empty() && left_waiting(sound).is_empty())
}

fn hunt(story: &Story<'_>, reference: &Outcome, orders: u64, first: bool) -> Report {
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
            if first {
                report.faults.push(fault);
                break;
            }
            let again = format!("{REPLAY}='{}/{schedule}'", story.name);
            // One is shown in full; of the others it says which they are.
            report.faults.push(match report.faults.is_empty() {
                true => format!(
                    "{}: schedule {schedule} ({again} plays it again): {fault}{}",
                    story.name,
                    timeline(story, schedule)
                ),
                false => format!("{}: schedule {schedule} ends otherwise too ({again})", story.name),
            });
            if report.faults.len() >= MAX_FAULTS {
                break;
            }
        }
    }
    report
}

/// What happened last in a schedule.
fn timeline(story: &Story<'_>, schedule: Schedule) -> String {
    let timeline = recorded(story, schedule).timeline;
    format!(
        "\nwhat happened, the last {} of {}:\n{}",
        timeline.len().min(SHOWN),
        timeline.len(),
        numbered(&timeline, SHOWN)
    )
}

fn numbered(timeline: &[String], last: usize) -> String {
    let from = timeline.len().saturating_sub(last);
    let lines = timeline.iter().enumerate().skip(from).map(|(at, line)| format!("{at:>6}  {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn differs(reference: &Outcome, other: &Outcome) -> Option<String> {
    if let Some(fault) = other.faults.first() {
        return Some(fault.clone());
    }
    if reference.effects != other.effects {
        return Some(format!("effects {:?}, expected {:?}", other.effects, reference.effects));
    }
    let diff = diff::ends(&reference.end, &other.end);
    (!diff.is_empty()).then(|| format!("it ends otherwise\n{diff}"))
}
