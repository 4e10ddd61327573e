//! The DataPlane controller: says whether Kafka and the object store answer, within 15 s both ways.
//!
//! Owns no data and makes nothing: deleting a DataPlane leaves every topic and bucket. Never shows a credential.

mod decide;
mod model;
mod observe;
mod status;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_crds::{DataPlane, DataPlaneStatus, ReasonText, conditions::Condition};
use millrace_kit::{DecisionOf, Failure, Note, Operator, Reader, Seen, Watch, Writer, access::Access, conditions};

pub use model::check;
pub use observe::{KafkaSeen, Observed, StoreSeen};

use crate::{
    connect::Connections,
    issuer::{self, Try},
};

/// Name of this controller; the broker's view wakes DataPlanes by it.
pub const NAME: &str = "dataplane";

/// The rights of this controller.
pub const ACCESS: &[Access] = &[
    Access::cluster("millrace.dev", "dataplanes", &["get", "list", "watch"], "the objects this controller keeps"),
    Access::cluster("millrace.dev", "dataplanes/status", &["update"], "say whether Kafka and the store answer"),
    Access::own(
        "",
        "secrets",
        &["get", "create", "update"],
        "the credential by which a store is tried that may forget",
    ),
];

/// The operator of DataPlanes.
pub struct Planes {
    connections: Arc<Connections>,
    reader: Reader,
}

impl Planes {
    /// On these connections.
    #[must_use]
    pub const fn new(connections: Arc<Connections>, reader: Reader) -> Self {
        Self { connections, reader }
    }
}

#[async_trait]
impl Operator for Planes {
    type Object = DataPlane;
    type Observed = Observed;
    type Effect = Try;
    const NAME: &'static str = NAME;

    fn watches(&self) -> Vec<Watch> {
        Vec::new()
    }

    async fn observe(&self, object: &DataPlane, reader: &Reader) -> Result<Observed, Failure> {
        observe::observe(object, &self.connections, reader).await
    }

    fn decide(object: &DataPlane, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        decide::decide(object, seen, now)
    }

    async fn effect(&self, object: &DataPlane, effect: &Try, writer: &Writer) -> Result<(), Failure> {
        issuer::perform((object, effect), &self.connections, (&self.reader, writer)).await
    }

    fn notes(old: &DataPlaneStatus, new: &DataPlaneStatus) -> Vec<Note> {
        let mut notes = millrace_kit::events::condition_notes(old, new);
        for kind in [status::KAFKA, status::STORE, status::CREDENTIALS] {
            let flag = |c: Option<&Condition>| c.map(|c| c.status.clone());
            let (before, after) = (conditions::get(old, kind), conditions::get(new, kind));
            let Some(after) = after.filter(|c| c.status != "Unknown") else { continue };
            let lost = after.status == "False";
            // The first True is no news; a loss and a return are.
            if flag(before) != flag(Some(after)) && (lost || before.is_some_and(|b| b.status == "False")) {
                notes.push(Note {
                    warning: lost,
                    reason: ReasonText::as_given(&after.reason),
                    message: after.message.clone(),
                });
            }
        }
        let since = |status: &DataPlaneStatus| status.issuer.as_ref().map(|issuer| issuer.since.clone());
        if let Some(told) = conditions::get(new, status::CREDENTIALS).filter(|c| c.reason == status::ISSUED_AGAIN)
            && since(old).is_some_and(|before| Some(before) != since(new))
        {
            notes.push(Note {
                warning: true,
                reason: ReasonText::as_given(&told.reason),
                message: told.message.clone(),
            });
        }
        notes
    }
}
