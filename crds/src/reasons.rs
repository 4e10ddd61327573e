//! The reasons of conditions and the classes of failures: what each means, what usually causes it, what to do.
//!
//! The list is `reasons.txt`; `docs/reasons.md` is made from it. A reason that is not there is a word of the API server, of
//! the object store or of Kafka, handed on as it came.

/// One reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Which kinds have it, or what it is about.
    pub group: &'static str,
    /// The word, as `reason` of a condition or as `class` of a failure has it.
    pub word: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What usually causes it; empty where nothing is wrong.
    pub cause: &'static str,
    /// What to do; empty where nothing is to be done.
    pub next: &'static str,
}

/// All of them, group by group, in order of the alphabet.
pub fn all() -> impl Iterator<Item = Reason> {
    let mut group = "";
    include_str!("reasons.txt").lines().filter_map(move |line| {
        if let Some(about) = line.strip_prefix("# ") {
            group = about;
            return None;
        }
        let mut parts = line.split(" | ").map(str::trim);
        let word = parts.next().filter(|word| !word.is_empty())?;
        let mut text = || parts.next().unwrap_or_default();
        Some(Reason { group, word, means: text(), cause: text(), next: text() })
    })
}
