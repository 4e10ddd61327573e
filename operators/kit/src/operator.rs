//! What an operator is to the kernel.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    decision::{Decision, Effect, Seen},
    events::{Note, condition_notes},
    failure::Failure,
    kind::Primary,
    reader::{Reader, Writer},
    watch::Watch,
};

/// The status type of an operator's object.
pub type StatusOf<O> = <<O as Operator>::Object as Primary>::Stat;
/// The decision type of an operator.
pub type DecisionOf<O> = Decision<StatusOf<O>, <O as Operator>::Effect>;

/// A controller of one kind: what to watch, how to look, what to decide, how to reach outside.
#[async_trait]
pub trait Operator: Send + Sync + 'static {
    /// The kind kept by this controller.
    type Object: Primary;
    /// Plain data that `decide` sees; serialisable, so that a pass can be stored as a golden file.
    type Observed: Serialize + DeserializeOwned + Send + Sync;
    /// Intents outside Kubernetes; [`crate::NoEffect`] if none.
    type Effect: Effect;
    /// Short lower-case name: queue, metrics label, event source.
    const NAME: &'static str;

    /// The watch budget.
    fn watches(&self) -> Vec<Watch>;

    /// Looks at the object's surroundings. Fails only if the Kubernetes API fails; a broker or server that is away is
    /// data.
    async fn observe(&self, object: &Self::Object, reader: &Reader) -> Result<Self::Observed, Failure>;

    /// The only interesting part. Pure: no client, no clock, no randomness.
    fn decide(object: &Self::Object, seen: &Seen<Self::Observed>, now: Timestamp) -> DecisionOf<Self>
    where
        Self: Sized;

    /// Performs one intent. Must be idempotent: it may be repeated after a crash.
    async fn effect(&self, object: &Self::Object, effect: &Self::Effect, writer: &Writer) -> Result<(), Failure>;

    /// The events to publish for a change of status; by default those of [`condition_notes`].
    fn notes(old: &StatusOf<Self>, new: &StatusOf<Self>) -> Vec<Note>
    where
        Self: Sized,
    {
        condition_notes(old, new)
    }
}
