//! The server: made on what was migrated, and called available only if it answers with its database.
//!
//! What serves is left alone until its successor takes requests; that the two differ is a matter of its own.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use millrace_crds::Reason;
use millrace_kit::{Action, Standing, later};

use super::{
    migrate::{STOPPED, stops},
    names::{GIVEN_PORT, Names},
    pass::{Before, CURRENT, Part, Pass, SERVER as SERVER_AVAILABLE},
    seen::{available, rolled_out},
};
use crate::{
    children,
    mlflow::{MlflowError, view},
    pods::{ENDED, PodView, SERVER, SLOW, Trouble},
};

/// Makes the server as it should be, and says whether one serves.
pub(super) fn server(pass: &mut Pass<'_>, before: &Before) -> Part {
    let halted = halted(pass);
    // Without a Secret the old pods could not even be started again: nothing of theirs is touched.
    if before.data.ok && before.login.ok && (before.secrets.ok || halted) {
        keep(pass, &before.login.message, halted);
    }
    let live = pass.seen.data.deployment.as_ref();
    let Some(live) = live else {
        let first = [&before.secrets, &before.data, &before.schema, &before.login].into_iter().find(|p| !p.ok);
        return first.map_or_else(
            || Part::waits(Reason::ServerPending, "creating the server"),
            |part| Part::waits(Reason::NotStarted, format!("waits for: {}", part.reason)),
        );
    };
    if halted {
        return Part::waits(STOPPED, before.schema.message.clone());
    }
    if pass.plan.replicas == 0 {
        return Part::ok(Reason::ScaledToZero, "spec.replicas is 0");
    }
    if available(live) { answer(pass) } else { starting(pass) }
}

fn halted(pass: &Pass<'_>) -> bool {
    pass.decision.status.migration.as_ref().is_some_and(stops)
}

/// Writes the Deployment if it is not as it should be; before the first migration there is none.
fn keep(pass: &mut Pass<'_>, login: &str, halted: bool) {
    let (Some(migrated), Some(grant)) = (&pass.decision.status.migrated, &pass.seen.data.grant) else { return };
    let plan = pass.plan.on(&migrated.image, &migrated.secret);
    let replicas = if halted { 0 } else { plan.replicas };
    let given = children::server::Given { plan: &plan, migrated, grant, login, replicas };
    let want = children::server::build(pass.registry, &given);
    match &pass.seen.data.deployment {
        None => pass.act(Action::Create(want)),
        Some(live) if !want.matches(live) => pass.act(Action::Apply(want)),
        Some(_) => {}
    }
}

/// Whether the server runs what is declared.
pub(super) fn current(pass: &Pass<'_>, before: &Before, server: &Part) -> Part {
    let Some(live) = pass.seen.data.deployment.as_ref() else { return server.clone() };
    let serving = if server.ok && pass.plan.replicas > 0 { "; the previous server serves until then" } else { "" };
    if let Some(part) = [&before.secrets, &before.data, &before.schema].into_iter().find(|p| !p.ok) {
        return Part { message: format!("{}{serving}", part.message), ..part.clone() };
    }
    let changing = pass.decision.actions.iter().any(
        |a| matches!(a, Action::Apply(child) | Action::Create(child) if child.address().kind.kind == "Deployment"),
    );
    if changing || !rolled_out(live) {
        let trouble = trouble(pass, live);
        return match trouble {
            Some(trouble) => pass.tell(CURRENT, &trouble, format!("the new server: {}{serving}", trouble.message)),
            None => Part::waits(Reason::RollingOut, format!("a new server is rolling out{serving}")),
        };
    }
    match pass.seen.data.server.as_ref().and_then(|s| s.given.as_ref()) {
        Some(given) if given.admin.mounted.is_some() && given.admin.mounted != given.admin.used => Part::waits(
            Reason::LoginChanging,
            "spec.auth.adminSecretRef: its Secret has changed and the server does not take the new login yet; if it stays \
             so, see the server's log",
        ),
        _ => Part::ok(Reason::UpToDate, "the server runs what is declared"),
    }
}

fn starting(pass: &mut Pass<'_>) -> Part {
    pass.wake(later(pass.now, SLOW));
    let found = pass.seen.data.deployment.as_ref().and_then(|live| trouble(pass, live));
    match found {
        Some(trouble) => pass.tell(SERVER_AVAILABLE, &trouble, format!("the server: {}", trouble.message)),
        None => Part::waits(Reason::Starting, "the server starts"),
    }
}

/// Why a pod of the server does not run, or is not even made.
fn trouble(pass: &Pass<'_>, live: &Deployment) -> Option<Trouble> {
    let ended = |p: &PodView| p.leaving || p.exit.as_ref().is_some_and(|e| e.code == ENDED);
    let pods = pass.seen.data.pods.iter().filter(|p| p.role == SERVER && !ended(p));
    let of_a_pod = pods.filter_map(|p| p.trouble.as_ref()).next_back().cloned();
    let conditions = live.status.as_ref().and_then(|s| s.conditions.as_ref());
    let refused = conditions.into_iter().flatten().find(|c| c.type_ == "ReplicaFailure" && c.status == "True");
    of_a_pod
        .map(|trouble| match field(pass, &trouble) {
            Some(field) => Trouble { message: format!("{field}: {}", trouble.message), ..trouble },
            None => trouble,
        })
        .or_else(|| refused.map(|c| Trouble::refused(c.message.as_deref().unwrap_or_default())))
}

/// The field that names the Secret this is about.
fn field(pass: &Pass<'_>, trouble: &Trouble) -> Option<&'static str> {
    pass.plan.secrets().into_iter().find(|(_, name, _)| trouble.about(name)).map(|(field, ..)| field)
}

/// What the look said; it touched the database.
fn answer(pass: &mut Pass<'_>) -> Part {
    let Some(server) = &pass.seen.data.server else { return Part::waits(Reason::Starting, "the server starts") };
    let wait: Duration = if server.error.is_none() { view::FRESH } else { view::RETRY };
    pass.wake(later(pass.now, wait));
    let Some(error) = &server.error else {
        let version = server.version.clone();
        let mut message = format!("MLflow {} answers with its database", version.clone().unwrap_or_default());
        if server.given.is_none() {
            message
                .push_str(&format!("; changes of its Secrets are not seen: it does not answer on port {GIVEN_PORT}"));
        }
        pass.status().server_version = version;
        return Part::ok(Reason::Answers, message);
    };
    let (reason, hint) = match error {
        MlflowError::Unreachable(_) => (Reason::ServerUnreachable, "look at its pods and at network policies"),
        MlflowError::Unanswered(_) => (Reason::ServerSilent, "its database may be away"),
        MlflowError::Denied(_) => (Reason::LoginRefused, "restart the Deployment: each start sets the login again"),
        MlflowError::Broken(_) => (Reason::ServerBroken, "its database may be away; see the server's log"),
        MlflowError::Missing(_) | MlflowError::Exists(_) | MlflowError::Refused(_) => {
            (Reason::NotMlflow, "spec.image must be MLflow 3 with PostgreSQL, S3 and basic-auth")
        }
    };
    Part::waits(reason, format!("{error}; {hint}"))
}

/// What a registry says that has nothing left to do.
pub(super) fn ready(pass: &Pass<'_>) -> Standing {
    if pass.plan.replicas == 0 {
        return Standing::ready(Reason::ScaledToZero, "spec.replicas is 0: nothing is served");
    }
    let version = pass.decision.status.server_version.clone().unwrap_or_default();
    let mut message = format!("MLflow {version}; log in with the Secret {}", Names::of(pass.registry).login);
    let scratch = &pass.plan.scratch.0;
    if pass.seen.data.pods.iter().any(|p| p.scratch_exceeded.as_ref() == Some(scratch)) {
        message.push_str(&format!(
            "; a pod was evicted: uploads took more than spec.scratch, {scratch}; raise it to the size of the largest"
        ));
    }
    Standing::ready(Reason::Serving, message)
}
