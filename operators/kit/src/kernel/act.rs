//! Performing what was decided: each action once, in order; the first failure ends the pass.

use std::sync::Arc;

use millrace_crds::Reason;

use super::{Kernel, Next};
use crate::{
    decision::{Action, Child, Target},
    failure::{Class, Failure},
    kind::Key,
    operator::{DecisionOf, Operator},
    port::Write,
    reader::Writer,
};

impl<O: Operator> Kernel<O> {
    /// Performs the actions in order; `Ok(true)` if an effect was among them.
    pub(super) async fn act(&self, key: &Key, object: &O::Object, decision: &DecisionOf<O>) -> Result<bool, Next> {
        let mut effects = false;
        let mut overruled = None;
        for action in &decision.actions {
            let done = match action {
                Action::Create(child) => self.create(child).await.inspect(|()| {
                    self.domain_metrics.iter().for_each(|t| t.created(object, child, self.reader.now()));
                }),
                Action::Apply(child) => self.apply(child).await,
                Action::Delete(target) => self.delete(target).await,
                Action::Effect(effect) => {
                    effects = true;
                    let writer = Writer { port: Arc::clone(&self.reader.port) };
                    match self.reader.port.may_act() {
                        Ok(()) => self.operator.effect(object, effect, &writer).await,
                        Err(closed) => Err(closed),
                    }
                }
            };
            let id = action.id();
            match done {
                Ok(()) => self.remember(key, |m| m.failures.clear(&id)),
                // The object is there, only not as asked for: what comes after need not wait for an administrator.
                Err(failure) if failure.reason == Reason::Overruled => overruled = Some(self.failed(key, &id, failure)),
                Err(failure) => return Err(self.failed(key, &id, failure)),
            }
        }
        overruled.map_or(Ok(effects), Err)
    }

    async fn create(&self, child: &Child) -> Result<(), Failure> {
        let refused = match self.write(Write::Create(child.kind.clone(), child.body.clone())).await {
            Ok(_) => return Ok(()),
            Err(refused) if refused.is_conflict() => refused,
            Err(failure) => return Err(failure),
        };
        let owner = crate::cache::controller_uid(&child.body);
        if owner.is_empty() {
            return Ok(());
        }
        let address = child.address();
        let Some(there) = self.reader.port.get(&address).await? else { return Err(refused) };
        if crate::cache::controller_uid(&there) != owner {
            let message = format!("{address} exists and belongs to another object; rename or delete it");
            return Err(Failure::new(Class::Invalid, Reason::NameTaken, message));
        }
        if there.pointer("/metadata/deletionTimestamp").is_some() {
            return Err(Failure::new(Class::Waiting, Reason::Terminating, format!("{address} is being deleted")));
        }
        Ok(())
    }

    /// Applies a child, and asks whether it took: an admission webhook that sets a field back would be fought for as long
    /// as the object lives, and nobody would hear of it.
    async fn apply(&self, child: &Child) -> Result<(), Failure> {
        let stored = self.write(Write::Apply(child.kind.clone(), child.body.clone())).await?;
        let Some(path) = child.difference(&stored) else { return Ok(()) };
        let message = format!(
            "{}: {path} was applied and has another value: an admission webhook or policy changes it; exempt this object there",
            child.address()
        );
        Err(Failure::new(Class::Invalid, Reason::Overruled, message))
    }

    async fn delete(&self, target: &Target) -> Result<(), Failure> {
        match self.write(Write::Delete(target.address(), target.uid.clone(), target.version.clone())).await {
            // Gone, another incarnation that is not ours to touch, or changed since: then the change will wake us.
            Err(gone) if gone.is_not_found() || gone.is_conflict() => Ok(()),
            other => other.map(|_| ()),
        }
    }
}
