//! The one error of this crate, made for reading.

use std::fmt;
use std::path::Path;

/// What every fallible function here returns.
pub type Outcome<T> = Result<T, Failure>;

/// What failed, why, and what to do. Shown as three paragraphs in that order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The thing that failed, in one line.
    pub what: String,
    /// The reason, with the last lines of a log where there is one.
    pub why: String,
    /// The next thing to do; empty when there is nothing better than to read `why`.
    pub todo: String,
}

impl Failure {
    /// A failure with all three parts.
    pub fn new(what: impl Into<String>, why: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), todo: todo.into() }
    }

    /// A failed file or process operation: `what` is the sentence, the cause is the reason.
    pub fn because(what: impl Into<String>, cause: impl fmt::Display) -> Self {
        Self::new(what, cause.to_string(), "")
    }

    /// For `map_err` on file operations: `.map_err(Failure::at("reading", path))`.
    pub fn at<E: fmt::Display>(verb: &str, path: &Path) -> impl FnOnce(E) -> Self {
        let what = format!("{verb} {} failed", path.display());
        move |cause| Self::because(what, cause)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if !self.why.is_empty() {
            write!(f, "\nwhy: {}", self.why)?;
        }
        if !self.todo.is_empty() {
            write!(f, "\ndo: {}", self.todo)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
