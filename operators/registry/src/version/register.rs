//! The effects of a ModelVersion on MLflow. Each may be repeated after a crash: a registration searches for our uid first.

use kube::ResourceExt;
use millrace_crds::ModelVersion;
use millrace_kit::{Class, Failure, Hands, Key};

use super::{Ask, Withdrawal};
use crate::{
    mlflow::{Answer, Change, MlflowError, NewVersion, Server, TAG_UID, Version, What},
    office::Office,
};

pub(super) async fn perform(office: &Office, version: &ModelVersion, around: (&Ask, &Hands)) -> Result<(), Failure> {
    let (ask, hands) = around;
    let spec = &version.spec;
    let namespace = version.namespace().unwrap_or_default();
    let Some((uid, url)) = office.address(&Key::new(&namespace, &spec.registry)) else {
        return Err(Failure::new(Class::Waiting, "RegistryNotReady", "the registry was not seen yet"));
    };
    let server = office.server(&uid, &url)?;
    let done = match ask {
        Ask::Register { new, aliases } => register(office, (&server, new, hands), aliases).await,
        Ask::Change(change) => office.mlflow.change(&server, change).await,
        Ask::Withdraw(what) => withdraw(office, &server, what).await,
    };
    // Done or not, the snapshot no longer tells the truth.
    office.views.spoil(&uid).await;
    done.map_err(|error| failure(&error))
}

async fn register(office: &Office, what: (&Server, &NewVersion, &Hands), aliases: &[String]) -> Answer<()> {
    let (server, new, hands) = what;
    let uid = new.tags.get(TAG_UID).map_or("", String::as_str);
    let there = office.mlflow.find(server, uid).await?;
    // What is there already was made by an earlier try; its aliases are settled by observation.
    if there.iter().any(|v| v.model == new.model) {
        return Ok(());
    }
    match office.mlflow.create_model(server, &new.model).await {
        Ok(()) | Err(MlflowError::Exists(_)) => {}
        Err(error) => return Err(error),
    }
    office.registering(uid, Some(hands.now()));
    let made = office.mlflow.create_version(server, new).await;
    if !matches!(made, Err(MlflowError::Unanswered(_))) {
        office.registering(uid, None);
    }
    let Version { version, .. } = made?;
    for alias in aliases {
        let change = Change { model: new.model.clone(), version, what: What::SetAlias(alias.clone()) };
        office.mlflow.change(server, &change).await?;
    }
    Ok(())
}

/// The aliases go back first: with the version MLflow deletes those that still point at it.
async fn withdraw(office: &Office, server: &Server, what: &Withdrawal) -> Answer<()> {
    for (alias, before) in &what.aliases {
        let change = Change { model: what.model.clone(), version: *before, what: What::SetAlias(alias.clone()) };
        missing_is_done(office.mlflow.change(server, &change).await)?;
    }
    missing_is_done(office.mlflow.delete_version(server, &what.model, what.version).await)
}

fn missing_is_done(answer: Answer<()>) -> Answer<()> {
    match answer {
        Err(MlflowError::Missing(_)) => Ok(()),
        other => other,
    }
}

/// MLflow's error as the kernel's.
fn failure(error: &MlflowError) -> Failure {
    let (class, reason) = match error {
        MlflowError::Unreachable(_) => (Class::Transient, "ServerUnreachable"),
        MlflowError::Unanswered(_) => (Class::Transient, "Unanswered"),
        MlflowError::Broken(_) => (Class::Transient, "ServerBroken"),
        MlflowError::Denied(_) => (Class::Denied, "LoginRefused"),
        MlflowError::Refused(_) => (Class::Invalid, "RefusedByMlflow"),
        MlflowError::Missing(_) | MlflowError::Exists(_) => (Class::Waiting, "RegistryChanged"),
    };
    Failure::new(class, reason, format!("MLflow: {error}"))
}
