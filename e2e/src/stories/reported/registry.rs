//! A registry edited while it serves, and versions that must not be registered.
//!
//! What serves goes on until its successor answers; a password counts from when its Secret has it; the database is the one
//! the Secret names; a version has files, and belongs to a run that did not fail.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pipelines;
use super::server::{self, Databases, answer, registry, secret, serves};
use super::tools::{LIMIT, head, object};
use crate::stage::{Stage, at, condition};
use crate::stories::mlflow::Mlflow;
use crate::stories::tools::{Space, check, same};
use crate::ui::{Failure, Outcome, Ui, short};

/// From an edit to a server that follows it: a migration, and Python twice.
const SERVES: Duration = Duration::from_secs(240);
const ADMIN: &str = "team-admin";
const OLD: &str = "first-password-of-the-team";
const NEW: &str = "second-password-of-the-team";

pub(in crate::stories) fn play(stage: &Stage, ui: &Ui) -> Outcome<()> {
    let databases = Databases::new(stage)?;
    let space = Space::new(stage, "story-reported-registry")?;
    let step = ui.step("a registry of its own", "");
    space.apply(&[
        databases.secret(false),
        admin(OLD),
        object("DataBucket", "models", &json!({"deletionPolicy": "DeleteAll"})),
        object("DataBucket", "late", &json!({"deletionPolicy": "DeleteAll"})),
        registry(ADMIN),
    ])?;
    let late = server::bucket(&space, "late")?;
    let models = server::bucket(&space, "models")?;
    space.delete("databucket", "late")?;
    space.condition(("modelregistry", "main"), "Ready", SERVES)?;
    same("MLflow's answer to the team's login", &answer(&space, &login(OLD)), &Some(200))?;
    step.done("");
    cannot_start(&space, ui)?;
    rotated(&space, ui)?;
    without_files(&space, &models, ui)?;
    given_up(&space, &late, ui)?;
    moved(&space, &databases, ui)?;
    space.delete("modelregistry", "main")?;
    space.delete("databucket", "late")?;
    space.delete("databucket", "models")
}

fn admin(password: &str) -> Value {
    secret(ADMIN, &json!({"username": "team", "password": password}))
}

fn login(password: &str) -> String {
    format!("team:{password}")
}

/// An edit that cannot be followed is named, and what serves goes on.
fn cannot_start(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("an edit that needs a Secret nobody made", "");
    space.apply(&[registry("nobody-made-it")])?;
    let message = space.wait(("modelregistry", "main"), LIMIT, |object| {
        serves(space)?;
        Ok(super::tools::says(object, "nobody-made-it"))
    })?;
    same("MLflow's answer meanwhile", &answer(space, &login(OLD)), &Some(200))?;
    space.apply(&[registry(ADMIN)])?;
    space.condition(("modelregistry", "main"), "Ready", SERVES)?;
    serves(space)?;
    step.done(head(&message));
    Ok(())
}

/// The password of the Secret is the one that counts, and no other.
fn rotated(space: &Space<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("another password in the Secret of the login", "three minutes are promised");
    space.apply(&[admin(NEW)])?;
    let begun = Instant::now();
    space.until(("MLflow's answer to the new password", SERVES), || {
        Ok((answer(space, &login(NEW)) == Some(200)).then_some(()))
    })?;
    let took = begun.elapsed();
    // The one before may still answer while it goes.
    space.until(("MLflow's refusal of the old password", LIMIT), || {
        Ok((answer(space, &login(OLD)) == Some(401)).then_some(()))
    })?;
    space.condition(("modelregistry", "main"), "Ready", SERVES)?;
    step.done(format!("it counts after {}", short(took)));
    Ok(())
}

fn version(name: &str, source: &str) -> Value {
    let spec = json!({"registry": "main", "model": name, "source": source, "aliases": ["champion"]});
    object("ModelVersion", name, &spec)
}

/// A place without files is no model.
fn without_files(space: &Space<'_>, bucket: &str, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a version without files", "");
    space.apply(&[version("empty", &format!("s3://{bucket}/nobody/wrote/here"))])?;
    let message = space.wait(("modelversion", "empty"), SERVES, |version| {
        let is = |kind: &str| matches!(condition(version, kind), Some(("True", ..)));
        check(!is("Ready"), "a version without files is Ready", version)?;
        Ok(is("Stalled").then(|| super::tools::ready(version)))
    })?;
    check(message.contains("nobody/wrote/here"), "the message does not name the place", &message)?;
    same("its versions in MLflow", &Mlflow::open(space)?.versions("empty")?.len(), &0)?;
    step.done(head(&message));
    Ok(())
}

/// What a run gave up on is not registered when its bucket comes after all.
fn given_up(space: &Space<'_>, bucket: &str, ui: &Ui) -> Outcome<()> {
    let step = ui.step("a version whose run failed before its bucket came", "");
    let source = format!("s3://{bucket}/model");
    let register = json!({"registry": "main", "model": "late", "source": "$(params.source)", "aliases": ["champion"]});
    let register = json!({"name": "register", "register": register, "deadlines": {"run": "20s"}});
    space.apply(&[
        object("MLPipeline", "late", &json!({"params": {"source": ""}, "steps": [register]})),
        object("MLPipelineRun", "late", &json!({"pipeline": "late", "params": {"source": source}})),
    ])?;
    let run = pipelines::over(space, "late", LIMIT)?;
    same("whether the run succeeded", &condition(&run, "Succeeded").map(|c| c.0), &Some("False"))?;
    space.apply(&[object("DataBucket", "late", &json!({"deletionPolicy": "DeleteAll"}))])?;
    same("the bucket's name when it is made again", &server::bucket(space, "late")?.as_str(), &bucket)?;
    server::file(space.stage, bucket, "model")?;
    // Another version of the same place: once it is registered, the first one would be too.
    space.apply(&[version("in-time", &source)])?;
    space.condition(("modelversion", "in-time"), "Ready", SERVES)?;
    let late = |v: &&Value| at(v, "/spec/model") == "late" && v.pointer("/status/version").is_some();
    let objects = space.list("modelversions", &[])?;
    same("the versions of the failed run that are registered", &objects.iter().filter(late).count(), &0)?;
    same("its versions in MLflow", &Mlflow::open(space)?.versions("late")?.len(), &0)?;
    step.done("nothing registered");
    Ok(())
}

/// Another database in the Secret: its schema first, then a server on it, and none is missing in between.
fn moved(space: &Space<'_>, databases: &Databases<'_>, ui: &Ui) -> Outcome<()> {
    let step = ui.step("another database in the Secret of the registry", "");
    let stage = space.stage;
    same("the models before", &Mlflow::open(space)?.versions("in-time")?.len(), &1)?;
    space.apply(&[databases.secret(true)])?;
    let begun = Instant::now();
    space.until(("the schema in the new database", SERVES), || {
        serves(space)?;
        Ok(server::migrated(stage, server::MOVED)?.then_some(()))
    })?;
    let schema = begun.elapsed();
    space.until(("a server on the new database", SERVES), || {
        serves(space)?;
        let models = Mlflow::open(space).and_then(|server| server.versions("in-time"));
        Ok(models.is_ok_and(|models| models.is_empty()).then_some(()))
    })?;
    let registry = space.condition(("modelregistry", "main"), "Ready", SERVES)?;
    match condition(&registry, "DatabaseMigrated") {
        Some(("True", ..)) => {}
        other => return Err(Failure::because("the database is not said to be migrated", format!("{other:?}"))),
    }
    step.done(format!("schema after {}, served after {}", short(schema), short(begun.elapsed())));
    Ok(())
}
