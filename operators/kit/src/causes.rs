//! What Kubernetes' own words mean: why a pod cannot be scheduled, gets no image, volume or sandbox, or may not be made.
//!
//! Owns the one table from words to fault, reason and advice (`causes/table.rs`); conditions of a pod, waiting reasons of
//! its containers, Events and refusals are all read with it. Knows no kind of Millrace: each operator says what a fault
//! means for its objects.

mod source;
mod table;

use millrace_crds::Reason;

use crate::{Warning, conditions::cut};

pub use source::{Fault, Source};

/// Longest words that are passed on, in bytes: the advice behind them must never be cut off.
const MAX_WORDS: usize = 1_000;

/// Why a pod does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Where the fault is.
    pub fault: Fault,
    /// Stable PascalCase word for conditions.
    pub reason: Reason,
    /// What was said, without what only repeats it.
    pub words: String,
    /// What to do; it names the object concerned, so that reason and advice are the cause's fingerprint.
    pub advice: String,
    /// Whether the words only say that something told before has not changed.
    pub echo: bool,
    /// Who said it.
    pub source: Source,
    word: String,
}

impl Cause {
    /// The whole sentence; `subject` is for example `Pod train-main`.
    #[must_use]
    pub fn message(&self, subject: &str) -> String {
        let (phrase, word) = (self.source.phrase(), &self.word);
        format!("{subject} {phrase} ({word}): {}; {}", self.words.trim_end_matches('.'), self.advice)
    }

    /// Whether this condition says it already, perhaps in other words: kubelets word one cause in several ways, in turns.
    #[must_use]
    pub fn told_by(&self, reason: &str, message: &str) -> bool {
        let same = *reason == self.reason && message.ends_with(&self.advice);
        same || self.echo && table::ROWS.iter().any(|row| *reason == row.reason && row.from.contains(&self.source))
    }
}

/// What this means: the reason and message of a condition `PodScheduled=False`, of a waiting container, of a warning Event,
/// or of the API server's answer 403. `None` for what speaks of no obstacle.
#[must_use]
pub fn of(word: &str, message: &str) -> Option<Cause> {
    let source = Source::of(word, message)?;
    let words = words(message);
    let mut rows = table::ROWS.iter().filter(|row| row.from.contains(&source));
    let (row, captured) = rows.find_map(|row| Some((row, row.reads(word, &words)?)))?;
    let mut advice = row.advice.to_owned();
    for part in captured {
        advice = advice.replacen("{}", part, 1);
    }
    Some(Cause {
        fault: row.fault,
        reason: row.reason,
        advice,
        echo: row.echo,
        words: cut(&words, MAX_WORDS).to_owned(),
        word: word.to_owned(),
        source,
    })
}

/// The newest cause that these warnings tell, newest first; what only repeats another gives way to it.
#[must_use]
pub fn newest(warnings: &[Warning]) -> Option<Cause> {
    let mut all = warnings.iter().filter_map(|warning| of(&warning.reason, &warning.message)).peekable();
    let first = all.peek().cloned();
    all.find(|cause| !cause.echo).or(first)
}

/// Which disk of its own a pod has used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overuse<'a> {
    /// The `emptyDir` of this name is larger than its `sizeLimit`.
    Volume(&'a str),
    /// Containers have written more than their limit of `ephemeral-storage`.
    Containers,
}

/// What an evicted pod has to answer for itself, by the message of its status; `None` where its node was short of
/// something. The three sentences are those of the kubelet's eviction manager.
#[must_use]
pub fn overuse(message: &str) -> Option<Overuse<'_>> {
    if let Some((_, rest)) = message.split_once("Usage of EmptyDir volume \"") {
        let (volume, rest) = rest.split_once('"')?;
        return rest.contains("exceeds the limit").then_some(Overuse::Volume(volume));
    }
    let limits = ["Pod ephemeral local storage usage exceeds", "exceeded its local ephemeral storage limit"];
    limits.iter().any(|words| message.contains(words)).then_some(Overuse::Containers)
}

/// The words without what the kubelet puts before them while it waits, and without the scheduler's search for victims.
fn words(message: &str) -> String {
    let mut rest = message.trim();
    if let Some((_, cause)) = rest.split_once(": ErrImagePull: ").filter(|_| rest.starts_with("Back-off pulling")) {
        rest = cause;
    }
    for front in ["Error: ", "ErrImagePull: "] {
        rest = rest.strip_prefix(front).unwrap_or(rest);
    }
    let end = [" preemption: ", " no new claims to deallocate"].iter().filter_map(|tail| rest.find(tail)).min();
    end.and_then(|end| rest.get(..end)).unwrap_or(rest).trim().to_owned()
}
