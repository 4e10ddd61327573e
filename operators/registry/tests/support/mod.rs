//! Registries and versions in the simulated world: objects, the actors around them, and the operator.

pub mod cluster;
pub mod mlflow;
pub mod scenarios;
pub mod seeded_bugs;

use std::sync::Arc;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Secret};
use millrace_crds::{DataBucket, HasConditions, ModelRegistry, ModelVersion, Reason};
use millrace_kit::{
    Controller, Env, Kernel, conditions,
    sim::{
        Scenario, World,
        faults::{self, KernelBug},
    },
};
use millrace_registry::{Context, Key, Registries, Settings, Versions};
use serde_json::json;

use mlflow::{Simulated, Store};

pub const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

pub fn context(env: &Env, world: &World) -> Context {
    let settings = Settings { image: "mlflow:1".into(), server_url: None };
    Context::new(Arc::new(Simulated(world.clone())), Key::of(KEY), settings, env.waker.clone())
}

/// The operator as its `main` builds it.
pub fn sound(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    millrace_registry::controllers_with(env, context(env, world))
}

/// The controller of ModelVersions alone, on a registry whose status is given.
pub fn versions_only(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    vec![Box::new(Kernel::new(Versions::new(Arc::new(context(env, world))), env.reader.clone()))]
}

/// The operator on a kernel with a seeded bug.
pub fn on_kernel(bug: KernelBug) -> impl Fn(&Env, &World) -> Vec<Box<dyn Controller>> {
    move |env, world| {
        let context = Arc::new(context(env, world));
        vec![
            faults::kernel(bug, Registries::new(Arc::clone(&context)), env.reader.clone()),
            faults::kernel(bug, Versions::new(context), env.reader.clone()),
        ]
    }
}

/// A scenario in which nothing that must never happen may happen.
pub fn scenario(name: &str) -> Scenario {
    Scenario::new(name).invariant(invariant)
}

/// Makes a Secret, or changes it.
pub fn secret(world: &World, name: &str, data: &[(&str, &str)]) {
    let data: std::collections::BTreeMap<_, _> = data.iter().copied().collect();
    let body = json!({"metadata": {"name": name, "namespace": "ml"}, "stringData": data});
    world.apply(&serde_json::from_value::<Secret>(body).unwrap());
}

/// At most one version per ModelVersion, never without a stored intent; no server before its schema.
fn invariant(world: &World) -> Result<(), String> {
    if let Some(fault) = world.shelf::<Store>().lock().fault.clone() {
        return Err(fault);
    }
    let server = world.get::<Deployment>("ml", "main-mlflow");
    let registry = world.get::<ModelRegistry>("ml", "main");
    if let (Some(server), Some(registry)) = (server, registry)
        && registry.status.as_ref().is_none_or(|s| s.migrated_image.is_none())
        && cluster::ours(&server, &registry)
    {
        return Err("a server without a schema".into());
    }
    let store = world.shelf::<Store>();
    let state = store.lock();
    for version in world.list::<ModelVersion>() {
        let uid = version.metadata.uid.clone().unwrap_or_default();
        let made = state.models.values().flat_map(|m| m.values()).filter(|v| v.uid() == uid).count();
        if made > 1 {
            return Err(format!("{made} versions for one ModelVersion"));
        }
        if made == 1 && version.status.as_ref().is_none_or(|s| s.creating.is_none() && s.version.is_none()) {
            return Err("registered without a stored intent".into());
        }
    }
    Ok(())
}

pub fn registry(spec: serde_json::Value) -> ModelRegistry {
    let mut body = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ModelRegistry",
        "metadata": {"name": "main", "namespace": "ml"},
        "spec": {"database": {"secretRef": {"name": "registry-database"}}, "artifacts": {"bucket": "models"}},
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        body["spec"][key] = value.clone();
    }
    serde_json::from_value(body).unwrap()
}

/// A registry that serves.
pub fn serving_registry(world: &World) {
    let now = world.now();
    world.apply(&registry(json!({})));
    world.change::<ModelRegistry>("ml", "main", |r| {
        let status = r.status.get_or_insert_default();
        status.url = Some("http://main-mlflow.ml.svc:5000".into());
        conditions::set(status, "ServerAvailable", ("True", Reason::Answers, ""), now);
    });
}

pub fn version(name: &str, spec: serde_json::Value) -> ModelVersion {
    let mut body = json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {"name": name, "namespace": "ml"},
        "spec": {"registry": "main", "model": "flights", "source": format!("s3://store-models/{name}"),
                 "run": {"pipeline": "p", "name": "r", "step": "s"}},
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        body["spec"][key] = value.clone();
    }
    serde_json::from_value(body).unwrap()
}

pub fn bucket(name: &str) -> DataBucket {
    serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1", "kind": "DataBucket",
        "metadata": {"name": name, "namespace": "ml"}, "spec": {"dataPlane": "default"},
    }))
    .unwrap()
}

/// Whether the status says Ready for this generation.
pub fn is_ready<S: HasConditions>(status: Option<&S>, generation: Option<i64>) -> bool {
    status.is_some_and(|s| conditions::is_ready(s, generation.unwrap_or(0)))
}

pub fn registry_ready(world: &World) -> bool {
    world.get::<ModelRegistry>("ml", "main").is_some_and(|r| is_ready(r.status.as_ref(), r.metadata.generation))
}

pub fn version_ready(world: &World, name: &str) -> bool {
    world.get::<ModelVersion>("ml", name).is_some_and(|v| is_ready(v.status.as_ref(), v.metadata.generation))
}

/// The reason of a condition, or a word for its absence.
pub fn reason<S: HasConditions>(status: Option<&S>, kind: &str) -> String {
    status
        .and_then(|s| conditions::get(s, kind))
        .map_or_else(|| "absent".into(), |c| format!("{} {}", c.status, c.reason))
}

pub fn expect(what: &str, have: &str, want: &str) -> Result<(), String> {
    if have == want { Ok(()) } else { Err(format!("{what} is {have}, expected {want}")) }
}

pub fn registry_says(world: &World, kind: &str, want: &str) -> Result<(), String> {
    let status = world.get::<ModelRegistry>("ml", "main").and_then(|r| r.status);
    let told = status.as_ref().map(|s| serde_json::to_string(&s.conditions).unwrap()).unwrap_or_default();
    expect(&format!("{kind} of the registry ({told})"), &reason(status.as_ref(), kind), want)
}

pub fn version_says(world: &World, name: &str, want: &str) -> Result<(), String> {
    let status = world.get::<ModelVersion>("ml", name).and_then(|r| r.status);
    expect(&format!("Ready of {name} ({status:?})"), &reason(status.as_ref(), "Ready"), want)
}

/// The login is in the Secret and nowhere else.
pub fn secret_is_right(world: &World) -> Result<(), String> {
    let uid = world.get::<ModelRegistry>("ml", "main").and_then(|r| r.metadata.uid).unwrap_or_default();
    let secret = world.get::<Secret>("ml", "main-mlflow-login").ok_or("no login")?;
    let data = secret.string_data.unwrap_or_default();
    expect("its type", secret.type_.as_deref().unwrap_or_default(), "millrace.dev/registry")?;
    let password = Key::of(KEY)?.login(&uid).password;
    let server = world.get::<Deployment>("ml", "main-mlflow");
    let told = serde_json::to_string(&(world.get::<ModelRegistry>("ml", "main"), server)).unwrap_or_default();
    if told.contains(&password) {
        return Err("the password is told".into());
    }
    expect("the password", &data["password"], &password)
}
