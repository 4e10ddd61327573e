//! A registry of a story's own: its databases in the sandbox's PostgreSQL, its Secrets, and whether it serves.

use serde_json::{Value, json};

use super::tools::object;
use crate::stage::{SANDBOX, Stage, at};
use crate::stories::killed;
use crate::stories::mlflow::{self, Mlflow};
use crate::stories::stores;
use crate::stories::tools::{Space, check};
use crate::ui::{Failure, Outcome};

/// The database of the registry, and the one it moves to.
const FIRST: &str = "story_reported";
pub(super) const MOVED: &str = "story_reported_moved";

/// Two empty databases with a user of their own; they go with their handle.
pub(super) struct Databases<'a> {
    stage: &'a Stage,
    password: String,
}

impl<'a> Databases<'a> {
    pub(super) fn new(stage: &'a Stage) -> Outcome<Self> {
        let databases = Self { stage, password: format!("story-{:x}-{}", killed::seed(), std::process::id()) };
        databases.drop_all()?;
        let role = format!("CREATE ROLE {FIRST} LOGIN PASSWORD '{}'", databases.password);
        let [first, moved] = [FIRST, MOVED].map(|name| format!("CREATE DATABASE {name} OWNER {FIRST}"));
        stores::sql(stage, "postgres", &[&role, &first, &moved])?;
        Ok(databases)
    }

    fn drop_all(&self) -> Outcome<()> {
        let [first, moved] = [FIRST, MOVED].map(|name| format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        stores::sql(self.stage, "postgres", &[&first, &moved, &format!("DROP ROLE IF EXISTS {FIRST}")]).map(|_| ())
    }

    /// The Secret with the address of the first one, or of the other.
    pub(super) fn secret(&self, moved: bool) -> Value {
        let (name, password) = (if moved { MOVED } else { FIRST }, &self.password);
        let host = format!("postgres.{SANDBOX}.svc.cluster.local:5432");
        secret("registry-database", &json!({"uri": format!("postgresql://{FIRST}:{password}@{host}/{name}")}))
    }
}

impl Drop for Databases<'_> {
    fn drop(&mut self) {
        // What is left of them the next story of this kind drops first.
        let _ = self.drop_all();
    }
}

pub(super) fn secret(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})
}

/// The registry, with one more admin whose login stands in this Secret.
pub(super) fn registry(admin: &str) -> Value {
    let spec = json!({
        "database": {"secretRef": {"name": "registry-database"}}, "artifacts": {"bucket": "models"},
        "auth": {"adminSecretRef": {"name": admin}},
    });
    object("ModelRegistry", "main", &spec)
}

/// Whether the Service has a pod that takes requests; if not, that is a failure: something was taken away too early.
pub(super) fn serves(space: &Space<'_>) -> Outcome<()> {
    let select = format!("kubernetes.io/service-name={}", mlflow::service(space)?);
    let slices = space.list("endpointslices", &["-l", &select])?;
    let all = slices.iter().filter_map(|slice| slice.pointer("/endpoints").and_then(Value::as_array)).flatten();
    let ready = all.filter(|e| e.pointer("/conditions/ready").and_then(Value::as_bool) != Some(false)).count();
    if ready > 0 {
        return Ok(());
    }
    Err(space.failure("the server that was there is gone and no other one has come", format!("{slices:#?}")))
}

/// The status of the answer to a look at all models; `None` where nobody answers.
pub(super) fn answer(space: &Space<'_>, login: &str) -> Option<u16> {
    let server = Mlflow::with(space, login).ok()?;
    server.ask("registered-models/search?max_results=1").ok().map(|(code, _)| code)
}

/// Writes a file below a place of a bucket.
pub(super) fn file(stage: &Stage, bucket: &str, place: &str) -> Outcome<()> {
    stores::mc(stage, &format!("echo model | mc pipe --quiet store/{bucket}/{place}/model.txt")).map(|_| ())
}

/// The bucket's name on the store, once it is Ready.
pub(super) fn bucket(space: &Space<'_>, name: &str) -> Outcome<String> {
    let object = space.condition(("databucket", name), "Ready", super::tools::LIMIT)?;
    let name = at(&object, "/status/bucketName");
    check(!name.is_empty(), "the bucket does not say its name", &object)?;
    Ok(name.to_owned())
}

/// Whether the schema of MLflow is in a database.
pub(super) fn migrated(stage: &Stage, database: &str) -> Outcome<bool> {
    match stores::sql(stage, database, &["SELECT count(*) FROM alembic_version"]) {
        Ok(said) => Ok(said.trim() != "0"),
        Err(failure) if failure.why.contains("does not exist") => Ok(false),
        Err(failure) => Err(Failure::because(format!("database {database}"), failure)),
    }
}
