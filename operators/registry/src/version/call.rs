//! The effects of a ModelVersion on MLflow. Each may be repeated after a crash: a registration searches for our uid first.

use millrace_crds::Reason;
use millrace_kit::{Class, Failure, Writer};

use super::effect::{Call, VersionEffect, Withdrawal};
use crate::{
    context::Context,
    mlflow::{Answer, Change, MlflowError, NewVersion, Server, TAG_UID, Version, What},
};

pub(super) async fn perform(context: &Context, effect: &VersionEffect, writer: &Writer) -> Result<(), Failure> {
    let VersionEffect { server: at, call } = effect;
    let server = context.server(&at.uid, &at.url)?;
    let done = match call {
        Call::Register { new, aliases } => register(context, &server, new, aliases, writer).await,
        Call::Change(change) => context.mlflow.change(&server, change).await,
        Call::Withdraw(withdrawal) => withdraw(context, &server, withdrawal).await,
    };
    // Done or not, the snapshot no longer tells the truth.
    context.views.invalidate(&at.uid).await;
    done.map_err(|error| failure(&error))
}

async fn register(
    context: &Context,
    server: &Server,
    new: &NewVersion,
    aliases: &[String],
    writer: &Writer,
) -> Answer<()> {
    let uid = new.tags.get(TAG_UID).map_or("", String::as_str);
    let there = context.mlflow.find(server, uid).await?;
    // What is there already was made by an earlier try; its aliases are settled by observation.
    if there.iter().any(|v| v.model == new.model) {
        return Ok(());
    }
    match context.mlflow.create_model(server, &new.model).await {
        Ok(()) | Err(MlflowError::Exists(_)) => {}
        Err(error) => return Err(error),
    }
    context.registrations.sent(uid, writer.now());
    let made = context.mlflow.create_version(server, new).await;
    if !matches!(made, Err(MlflowError::Unanswered(_))) {
        context.registrations.answered(uid);
    }
    let Version { version, .. } = made?;
    for alias in aliases {
        let change = Change { model: new.model.clone(), version, what: What::SetAlias(alias.clone()) };
        context.mlflow.change(server, &change).await?;
    }
    Ok(())
}

/// The aliases go back first: with the version MLflow deletes those that still point at it.
async fn withdraw(context: &Context, server: &Server, what: &Withdrawal) -> Answer<()> {
    for (alias, before) in &what.aliases {
        let change = Change { model: what.model.clone(), version: *before, what: What::SetAlias(alias.clone()) };
        missing_is_done(context.mlflow.change(server, &change).await)?;
    }
    missing_is_done(context.mlflow.delete_version(server, &what.model, what.version).await)
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
        MlflowError::Unreachable(_) => (Class::Transient, Reason::ServerUnreachable),
        MlflowError::Unanswered(_) => (Class::Transient, Reason::Unanswered),
        MlflowError::Broken(_) => (Class::Transient, Reason::ServerBroken),
        MlflowError::Denied(_) => (Class::Forbidden, Reason::LoginRefused),
        MlflowError::Refused(_) => (Class::Invalid, Reason::RefusedByMlflow),
        MlflowError::Missing(_) | MlflowError::Exists(_) => (Class::Waiting, Reason::RegistryChanged),
    };
    Failure::new(class, reason, format!("MLflow: {error}"))
}
