//! `cargo xtask test`: the three rungs, cheapest first, one table, one closing line.
//!
//! Owns the order and the table; what is tested stands in the crates' own tests and in [`crate::stories`]. A check
//! that cannot run is a failure, never a skip; on a cluster that is not ours, a story that needs the local one is told.

mod cargo;
mod python;
mod servers;

pub(crate) use servers::{Kafka, LOGIN, Minio};

use std::time::{Duration, Instant};

use crate::cluster::tool;
use crate::stories::{self, Company, Story};
use crate::ui::{Failure, Outcome, Ui, short};

/// Checks that play at once where they mostly wait; more would wait for cpu, and run into deadlines.
const AT_ONCE: usize = 3;

/// What to run.
#[derive(Debug, Default)]
pub struct Options {
    /// Only these rungs; empty means all.
    pub rungs: Vec<u8>,
    /// Only checks whose name contains one of these; empty means all.
    pub only: Vec<String>,
    /// Also what takes minutes more than every change should cost: streams of Flink and Spark under faults, Flink 1.20,
    /// Spark 4.3, the renewal of a 15-minute credential in 20-minute jobs.
    pub long: bool,
    /// Play the third rung, and only that unless asked for, on a cluster that is not ours: its context, and where it has
    /// our images.
    pub elsewhere: Option<(String, String)>,
}

/// How many tests passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Schedules the simulated world ran, as the tests print them.
    pub schedules: usize,
    /// Seeded bugs that were caught.
    pub mutants: usize,
}

impl Counts {
    /// One check that holds.
    pub const ONE: Self = Self { passed: 1, failed: 0, schedules: 0, mutants: 0 };
}

/// A line of the table.
struct Row {
    rung: u8,
    name: String,
    counts: Counts,
    took: Duration,
    /// What failed.
    why: Option<Failure>,
}

type Check = (u8, String, Box<dyn FnOnce(&Ui) -> Outcome<Counts> + Send>);

/// Runs the tests and prints the table.
///
/// # Errors
/// At least one test failed, or none ran.
pub fn test(options: &Options, ui: &Ui) -> Outcome<()> {
    crate::parts::ensure(&["rust-build"], ui)?;
    let mut rows = Vec::new();
    let rungs = if options.rungs.is_empty() && options.elsewhere.is_some() { &[3][..] } else { &options.rungs };
    let wanted = |rung: u8, name: &str| {
        (rungs.is_empty() || rungs.contains(&rung))
            && (options.only.is_empty() || options.only.iter().any(|part| name.contains(part.as_str())))
    };
    let chosen = |all: Vec<Check>| all.into_iter().filter(|(rung, name, _)| wanted(*rung, name)).collect::<Vec<_>>();
    rows.extend(chosen(cargo::first_rung()).into_iter().map(|check| row(check, ui)));
    let servers = chosen(servers::second_rung().into_iter().chain(python::examples()?).collect());
    if servers.len() > 1 {
        rows.push(row((2, "what the servers need, built".into(), Box::new(servers::prepare)), ui));
    }
    rows.extend(in_turn(servers, ui, |check, ui| row(check, ui)));
    // A cluster that is not ours is never taken down.
    let was_up = options.elsewhere.is_some() || crate::cluster::local_target()?.ready();
    let chosen: Vec<_> = stories::all(options.long).into_iter().filter(|s| wanted(3, s.name)).collect();
    let (away, chosen): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|s| s.local && options.elsewhere.is_some());
    if !chosen.is_empty() {
        rows.extend(stage_and_play(chosen, options, ui));
        // A cluster that was there before stays: it is somebody's.
        if !was_up {
            rows.push(row(
                (3, "nothing is left behind".into(), Box::new(|ui| crate::cluster::down(ui).map(|()| Counts::ONE))),
                ui,
            ));
        }
    }
    close(&rows, &away)
}

fn row((rung, name, check): Check, ui: &Ui) -> Row {
    let step = ui.step(format!("rung {rung}: {name}"), "");
    let begun = Instant::now();
    let outcome = check(ui);
    let took = begun.elapsed();
    match outcome {
        Ok(counts) => {
            step.done(format!("{} passed", counts.passed));
            Row { rung, name, counts, took, why: None }
        }
        Err(why) => {
            drop(step);
            ui.say(&why);
            Row { rung, name, counts: Counts { failed: 1, ..Counts::default() }, took, why: Some(why) }
        }
    }
}

/// Every story plays on the same cluster, with the operators installed by the chart.
fn stage_and_play(chosen: Vec<Story>, options: &Options, ui: &Ui) -> Vec<Row> {
    let begun = Instant::now();
    let set = match &options.elsewhere {
        Some((context, images)) => crate::stage::existing(context, images, ui),
        None => crate::stage::local(ui),
    };
    let stage = match set {
        Ok(stage) => stage,
        Err(why) => {
            ui.say(&why);
            let counts = Counts { failed: chosen.len(), ..Counts::default() };
            return vec![Row { rung: 3, name: "stage".into(), counts, took: begun.elapsed(), why: Some(why) }];
        }
    };
    let staged = Row { rung: 3, name: "stage".into(), counts: Counts::default(), took: begun.elapsed(), why: None };
    let play = |story: &Story, ui: &Ui| {
        let (stage, play) = (stage.clone(), story.play);
        let check: Check = (3, story.name.to_owned(), Box::new(move |ui| play(&stage, ui).map(|()| Counts::ONE)));
        safely(story, || row(check, ui))
    };
    // Two live lines would overwrite each other.
    let alone = if chosen.iter().all(|s| s.company == Company::Alone) { *ui } else { Ui::plain() };
    std::thread::scope(|scope| {
        let (mut rows, mut beside) = (vec![staged], Vec::new());
        for group in chosen.chunk_by(|a, b| a.company == b.company && a.company != Company::Alone) {
            match group {
                [Story { company: Company::Beside, .. }, ..] => {
                    beside.extend(group.iter().map(|story| scope.spawn(|| play(story, &alone))));
                }
                group => rows.extend(in_turn(group.iter().collect(), &alone, play)),
            }
        }
        rows.extend(beside.into_iter().filter_map(|story| story.join().ok()));
        rows
    })
}

/// A few checks at a time.
fn in_turn<T: Send>(checks: Vec<T>, ui: &Ui, play: impl Fn(T, &Ui) -> Row + Sync) -> Vec<Row> {
    let ui = if checks.len() > 1 { &Ui::plain() } else { ui };
    tool::in_turn(checks, AT_ONCE, |check| play(check, ui))
}

/// A story that panics is a failed story, and the next one plays.
fn safely(story: &Story, play: impl FnOnce() -> Row) -> Row {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(play)).unwrap_or_else(|_| {
        let why = Failure::because("the story panicked", "its message is above");
        let counts = Counts { failed: 1, ..Counts::default() };
        Row { rung: 3, name: story.name.to_owned(), counts, took: Duration::ZERO, why: Some(why) }
    })
}

fn close(rows: &[Row], away: &[Story]) -> Outcome<()> {
    let sum = |pick: fn(&Counts) -> usize| rows.iter().map(|r| pick(&r.counts)).sum::<usize>();
    let (passed, failed) = (sum(|c| c.passed), sum(|c| c.failed));
    let names = rows.iter().map(|r| r.name.len()).chain(away.iter().map(|s| s.name.len()));
    let wide = names.max().unwrap_or(0);
    println!("\n{:4}  {:wide$}  {:>6}  {:>6}  {:>7}", "rung", "check", "passed", "failed", "time");
    for row in rows {
        let Row { rung, name, counts, took, .. } = row;
        println!("{rung:>4}  {name:wide$}  {:>6}  {:>6}  {:>7}", counts.passed, counts.failed, short(*took));
    }
    for story in away {
        println!("{:>4}  {:wide$}  not played: needs the local cluster's audit log", 3, story.name);
    }
    for row in rows.iter().filter(|r| r.why.is_some()) {
        if let Some(why) = &row.why {
            println!("\nrung {} {}\n{why}", row.rung, row.name);
        }
    }
    let (schedules, mutants) = (sum(|c| c.schedules), sum(|c| c.mutants));
    if schedules > 0 {
        println!("\nsimulated world: {schedules} schedules, {mutants} mutants caught");
    }
    println!("\n{passed} passed, {failed} failed");
    match (passed, failed) {
        (0, 0) => Err(Failure::new("no test ran", "no check matches the options", "`cargo xtask test`")),
        (_, 0) => Ok(()),
        _ => Err(Failure::new(format!("{failed} failed"), "see the table above", "run one again with `--only NAME`")),
    }
}
