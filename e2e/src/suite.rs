//! `cargo xtask test`: the three rungs, cheapest first, one table, one closing line.
//!
//! Owns the order and the table; what is tested stands in the crates' own tests and in [`crate::stories`]. A check
//! that cannot run is a failure, never a skip; on a cluster that is not ours, a story that needs the local one is told.

mod cargo;
mod check;
mod python;
mod scratch;
mod servers;
mod stress;
mod tools;

use check::{Check, Counts, Run};
pub(crate) use servers::{Kafka, LOGIN, Minio};
use stress::Stress;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::budget::{self, Needs, Piece};
use crate::stage::Stage;
use crate::stories::{self, Story};
use crate::ui::{Failure, Outcome, Ui, short};

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
    /// Keep all processors busy beside the tests.
    pub stressed: bool,
    /// Play the third rung, and only that unless asked for, on a cluster that is not ours: its context, and where it has
    /// our images.
    pub elsewhere: Option<(String, String)>,
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

/// Runs the tests and prints the table.
///
/// # Errors
/// At least one test failed, or none ran.
pub fn test(options: &Options, ui: &Ui) -> Outcome<()> {
    crate::parts::ensure(&["rust-build"], ui)?;
    let begun = Instant::now();
    let stress = if options.stressed { Some(Stress::start(ui)?) } else { None };
    let mut rows = Vec::new();
    let rungs = if options.rungs.is_empty() && options.elsewhere.is_some() { &[3][..] } else { &options.rungs };
    let wanted = |rung: u8, name: &str| {
        (rungs.is_empty() || rungs.contains(&rung))
            && (options.only.is_empty() || options.only.iter().any(|part| name.contains(part.as_str())))
    };
    let chosen = |all: Vec<Check>| all.into_iter().filter(|c| wanted(c.rung, &c.name)).collect::<Vec<_>>();
    rows.extend(chosen(cargo::first_rung(options.long)).into_iter().map(|check| row(check, ui)));
    let servers = chosen(servers::second_rung().into_iter().chain(python::examples()?).collect());
    if servers.len() > 1 {
        let prepare = Check::new(2, "what the servers need, built", Needs::default(), Box::new(servers::prepare));
        rows.push(row(prepare, ui));
    }
    if !servers.is_empty() {
        rows.extend(together(servers, budget::of_machine(), ui));
    }
    // A cluster that is not ours is never taken down.
    let was_up = options.elsewhere.is_some() || crate::cluster::local_target()?.ready();
    let chosen: Vec<_> = stories::all(options.long).into_iter().filter(|s| wanted(3, s.name)).collect();
    let (away, chosen): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|s| s.local && options.elsewhere.is_some());
    if !chosen.is_empty() {
        rows.extend(stage_and_play(chosen, options, ui));
        // A cluster that was there before stays: it is somebody's.
        if !was_up {
            let down: Run = Box::new(|ui| crate::cluster::down(ui).map(|()| Counts::ONE));
            rows.push(row(Check::new(3, "nothing is left behind", Needs::default(), down), ui));
        }
    }
    let stressed = stress.map(Stress::end).transpose();
    let beside = if options.stressed { ", with all processors kept busy by others" } else { "" };
    close(&rows, &away, &format!("in {}{beside}", short(begun.elapsed())))?;
    stressed.map(|_| ())
}

/// Plays a check; one that panics has failed, and the next one plays.
fn row(check: Check, ui: &Ui) -> Row {
    let Check { rung, name, run, .. } = check;
    let step = ui.step(format!("rung {rung}: {name}"), "");
    let begun = Instant::now();
    let panicked = |_| Err(Failure::because("the check panicked", "its message is above"));
    let outcome = catch_unwind(AssertUnwindSafe(|| run(ui))).unwrap_or_else(panicked);
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
    let failed = |why: Failure, count: usize| {
        ui.say(&why);
        let counts = Counts { failed: count, ..Counts::default() };
        Row { rung: 3, name: "stage".into(), counts, took: begun.elapsed(), why: Some(why) }
    };
    let stage = match set {
        Ok(stage) => stage,
        Err(why) => return vec![failed(why, chosen.len())],
    };
    let staged = Row { rung: 3, name: "stage".into(), counts: Counts::default(), took: begun.elapsed(), why: None };
    let check = |story: Story| {
        let (stage, play) = (stage.clone(), story.play);
        Check::new(3, story.name, story.needs, Box::new(move |ui| play(&stage, ui).map(|()| Counts::ONE)))
    };
    let (alone, others): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|story| story.alone);
    let mut rows = vec![staged];
    rows.extend(alone.into_iter().map(|story| row(check(story), ui)));
    if !others.is_empty() {
        match room(&stage) {
            Ok(room) => rows.extend(together(others.into_iter().map(check).collect(), room, ui)),
            Err(why) => rows.push(failed(why, others.len())),
        }
    }
    rows
}

/// What pods may still request; on a cluster of this machine, no more than others leave of it.
fn room(stage: &Stage) -> Outcome<Needs> {
    let asked = budget::of_cluster(stage)?;
    Ok(if stage.target.local { asked.least(budget::of_machine()) } else { asked })
}

/// As many checks at a time as fit.
fn together(checks: Vec<Check>, room: Needs, ui: &Ui) -> Vec<Row> {
    // Two live lines would overwrite each other.
    let ui = if checks.len() > 1 { &Ui::plain() } else { ui };
    ui.say(format!("  room for checks at the same time: {room}"));
    let pieces = checks.into_iter().map(|check| Piece { needs: check.needs, work: check }).collect();
    budget::play(pieces, room, |check| row(check, ui))
}

fn close(rows: &[Row], away: &[Story], time: &str) -> Outcome<()> {
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
    let (schedules, bugs) = (sum(|c| c.schedules), sum(|c| c.seeded_bugs));
    if schedules > 0 {
        println!("\nsimulated world: {schedules} schedules, {bugs} seeded bugs caught");
    }
    println!("\nplayed {time}");
    println!("\n{passed} passed, {failed} failed");
    match (passed, failed) {
        (0, 0) => Err(Failure::new("no test ran", "no check matches the options", "`cargo xtask test`")),
        (_, 0) => Ok(()),
        _ => Err(Failure::new(format!("{failed} failed"), "see the table above", "run one again with `--only NAME`")),
    }
}
