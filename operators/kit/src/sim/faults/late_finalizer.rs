//! The finalizer is put up only when there is nothing left to do.

use async_trait::async_trait;
use jiff::Timestamp;
use kube::Resource;

use crate::{
    decision::Seen,
    events::Note,
    failure::Failure,
    kernel::FINALIZER,
    operator::{DecisionOf, Operator, StatusOf},
    reader::{Reader, Writer},
    watch::Watch,
};

/// The operator, asking for the finalizer one pass too late.
pub(super) struct LateFinalizer<O>(pub(super) O);

#[async_trait]
impl<O: Operator> Operator for LateFinalizer<O> {
    type Object = O::Object;
    type Observed = O::Observed;
    type Effect = O::Effect;
    const NAME: &'static str = O::NAME;

    fn watches(&self) -> Vec<Watch> {
        self.0.watches()
    }

    async fn observe(&self, object: &O::Object, reader: &Reader) -> Result<O::Observed, Failure> {
        self.0.observe(object, reader).await
    }

    fn decide(object: &O::Object, seen: &Seen<O::Observed>, now: Timestamp) -> DecisionOf<Self> {
        let mut decision = O::decide(object, seen, now);
        let held = object.meta().finalizers.iter().flatten().any(|name| name == FINALIZER);
        decision.hold &= held || decision.actions.is_empty();
        decision
    }

    async fn effect(&self, object: &O::Object, effect: &O::Effect, writer: &Writer) -> Result<(), Failure> {
        self.0.effect(object, effect, writer).await
    }

    fn notes(old: &StatusOf<Self>, new: &StatusOf<Self>) -> Vec<Note> {
        O::notes(old, new)
    }
}
