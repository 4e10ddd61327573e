//! A port that misbehaves, so that the kernel behind it acts as if it ignored a rule.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::bug::KernelBug;
use crate::{
    failure::Failure,
    kind::{Address, Kind},
    port::{Port, Query, Version, Write, text},
};

/// The port of a kernel with a seeded bug.
pub(super) struct FaultyPort {
    bug: KernelBug,
    port: Arc<dyn Port>,
    /// The create that was refused last, if nothing was asked since.
    refused: Mutex<Option<Write>>,
    /// A status that is sent later.
    held: Mutex<Option<Write>>,
}

impl FaultyPort {
    pub(super) fn new(bug: KernelBug, port: Arc<dyn Port>) -> Self {
        Self { bug, port, refused: Mutex::default(), held: Mutex::default() }
    }

    /// Sends the status that was held back, if there is one.
    pub(super) async fn send_held(&self) -> Result<Option<Value>, Failure> {
        let held = lock(&self.held).take();
        match held {
            Some(status) => self.port.write(status).await.map(Some),
            None => Ok(None),
        }
    }

    /// What is sent in place of what the kernel asked for.
    fn request(&self, mut write: Write) -> Write {
        match (self.bug, &mut write) {
            (KernelBug::UnconditionalStatus, Write::Status(_, body)) => {
                if let Some(meta) = body.pointer_mut("/metadata").and_then(Value::as_object_mut) {
                    meta.remove("resourceVersion");
                }
            }
            (KernelBug::DeleteByName, Write::Delete(_, uid, _)) => uid.clear(),
            _ => {}
        }
        write
    }

    /// What the kernel hears in place of the answer.
    fn answer(&self, asked: Write, answer: Result<Value, Failure>) -> Result<Value, Failure> {
        match (self.bug, asked, answer) {
            (KernelBug::ActAfterConflict, Write::Status(_, body), Err(_)) => Ok(body),
            (KernelBug::FightAdmission, Write::Apply(_, body), Ok(_)) => Ok(body),
            // Whatever the cache holds is newer than this.
            (KernelBug::TrustStaleCache, Write::Status(..) | Write::Finalizers(..), Ok(mut stored)) => {
                if let Some(version) = stored.pointer_mut("/metadata/resourceVersion") {
                    *version = json!("0");
                }
                Ok(stored)
            }
            (KernelBug::AdoptByName, create @ Write::Create(..), Err(taken)) if taken.is_conflict() => {
                *lock(&self.refused) = Some(create);
                Err(taken)
            }
            (_, _, answer) => answer,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The object as if it were ours, and alive.
fn adopted(mut there: Value, ours: &Value) -> Value {
    let owners = ours.pointer("/metadata/ownerReferences").cloned().unwrap_or_default();
    if let Some(meta) = there.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        meta.insert("ownerReferences".into(), owners);
        meta.remove("deletionTimestamp");
    }
    there
}

#[async_trait]
impl Port for FaultyPort {
    fn now(&self) -> Timestamp {
        self.port.now()
    }

    fn elapsed(&self) -> Duration {
        self.port.elapsed()
    }

    fn may_act(&self) -> Result<(), Failure> {
        self.port.may_act()
    }

    async fn get(&self, at: &Address) -> Result<Option<Value>, Failure> {
        // Only the kernel asks for what it was just refused to create, to see whose it is.
        let refused = lock(&self.refused).take();
        let there = self.port.get(at).await?;
        match refused {
            Some(Write::Create(kind, ours)) if Write::Create(kind.clone(), ours.clone()).address() == *at => {
                Ok(there.map(|there| adopted(there, &ours)))
            }
            _ => Ok(there),
        }
    }

    async fn list(&self, kind: &Kind, query: &Query) -> Result<Vec<Value>, Failure> {
        self.port.list(kind, query).await
    }

    async fn versions(&self, kind: &Kind) -> Result<Vec<Version>, Failure> {
        let mut all = self.port.versions(kind).await?;
        if self.bug == KernelBug::TrustStaleCache {
            all.iter_mut().for_each(|found| found.version = "0".into());
        }
        Ok(all)
    }

    async fn dry_run(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        self.port.dry_run(kind, body).await
    }

    async fn dry_put(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        self.port.dry_put(kind, body).await
    }

    async fn write(&self, mut write: Write) -> Result<Value, Failure> {
        lock(&self.refused).take();
        if self.bug == KernelBug::ActBeforeStatus {
            if let Write::Status(_, body) = &write {
                let body = body.clone();
                *lock(&self.held) = Some(write);
                return Ok(body);
            }
            // The finalizer is the end of a pass: the status goes out before it, and it is valid for what that made.
            if let Write::Finalizers(_, version, _) = &mut write
                && let Some(stored) = self.send_held().await?
            {
                text(&stored, "/metadata/resourceVersion").clone_into(version);
            }
        }
        let answer = self.port.write(self.request(write.clone())).await;
        self.answer(write, answer)
    }
}
