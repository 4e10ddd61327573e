//! A reason on its way into a condition, an event or a metric: one of ours, or somebody else's word.

use std::{borrow::Cow, fmt, ops::Deref};

use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

use crate::{Reason, processing_job::FailureClass};

/// The text of a reason: a [`Reason`], or a word of the API server, a store or Kafka that is handed on as it came. There is
/// no way from a literal to it, so that a reason without an explanation does not compile.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReasonText(Cow<'static, str>);

impl ReasonText {
    /// A word that is not ours, or that a status already has.
    #[must_use]
    pub fn as_given(word: impl Into<String>) -> Self {
        Self(Cow::Owned(word.into()))
    }

    /// Which of ours it is, if it is one.
    #[must_use]
    pub fn known(&self) -> Option<Reason> {
        self.0.parse().ok()
    }
}

impl Reason {
    /// All of them, group by group, in order of the alphabet.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// The word, as conditions have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

impl From<Reason> for ReasonText {
    fn from(reason: Reason) -> Self {
        Self(Cow::Borrowed(reason.word()))
    }
}

impl From<&Self> for ReasonText {
    fn from(reason: &Self) -> Self {
        reason.clone()
    }
}

impl From<ReasonText> for String {
    fn from(reason: ReasonText) -> Self {
        reason.0.into_owned()
    }
}

impl Deref for ReasonText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReasonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl PartialEq<Reason> for ReasonText {
    fn eq(&self, reason: &Reason) -> bool {
        *self.0 == *reason.word()
    }
}

impl PartialEq<Reason> for String {
    fn eq(&self, reason: &Reason) -> bool {
        *self == *reason.word()
    }
}

impl PartialEq<ReasonText> for String {
    fn eq(&self, reason: &ReasonText) -> bool {
        *self == *reason.0
    }
}

impl PartialEq<Reason> for str {
    fn eq(&self, reason: &Reason) -> bool {
        *self == *reason.word()
    }
}

impl From<FailureClass> for Reason {
    fn from(class: FailureClass) -> Self {
        match class {
            FailureClass::Configuration => Self::Configuration,
            FailureClass::Image => Self::Image,
            FailureClass::Capacity => Self::Capacity,
            FailureClass::Dependency => Self::Dependency,
            FailureClass::Application => Self::Application,
            FailureClass::OutOfMemory => Self::OutOfMemory,
            FailureClass::Infrastructure => Self::Infrastructure,
            FailureClass::DriverLost => Self::DriverLost,
            FailureClass::Deadline => Self::Deadline,
            FailureClass::Cancelled => Self::Cancelled,
            FailureClass::Unknown => Self::Failed,
        }
    }
}
