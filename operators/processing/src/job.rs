//! The words that all parts share: names, attempts, ends. Knows no engine and reads nothing.

pub(crate) mod attempt;
pub(crate) mod name;
pub(crate) mod outcome;
pub(crate) mod restore_point;
pub(crate) mod results;
