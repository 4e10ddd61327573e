//! The server: made when data and schema are there, and called available only if it answers with its database.

use std::time::Duration;

use millrace_kit::{Action, later};

use super::{
    children,
    decide::{Part, Pass},
    observe::{available, rolled_out},
    pods::SERVER,
};
use crate::mlflow::{MlflowError, view};

pub(super) fn server(pass: &mut Pass<'_>, before: (&Part, &Part, &Part)) -> Part {
    let (data, schema, login) = before;
    let live = pass.seen.data.deployment.as_ref();
    if data.ok
        && schema.ok
        && login.ok
        && let Some(grant) = &pass.seen.data.grant
    {
        let want = children::server::build(pass.registry, &pass.plan, (grant, &login.message));
        match live {
            None => pass.act(Action::Create(want)),
            Some(live) if !want.matches(live) => pass.act(Action::Apply(want)),
            Some(_) => {}
        }
    }
    let Some(live) = live else {
        let first = [data, schema, login].into_iter().find(|p| !p.ok);
        return first.map_or_else(
            || Part::waits("ServerPending", "making the server"),
            |part| Part::waits("NotStarted", format!("waits for: {}", part.reason)),
        );
    };
    if pass.plan.replicas == 0 {
        return Part::ok("ScaledToZero", "spec.replicas is 0");
    }
    match (available(live), rolled_out(live)) {
        (true, true) => answer(pass),
        (true, false) => Part::waits("RollingOut", "the server's pods are being replaced"),
        (false, _) => starting(pass),
    }
}

fn starting(pass: &Pass<'_>) -> Part {
    let mut pods = pass.seen.data.pods.iter().filter(|p| p.role == SERVER);
    match pods.find_map(|p| p.trouble.as_ref().map(|t| (p, t))) {
        Some((_, trouble)) => Part::waits(&trouble.reason, format!("the server: {}", trouble.message)),
        None => Part::waits("Starting", "the server starts"),
    }
}

/// What the look said; it touched the database.
fn answer(pass: &mut Pass<'_>) -> Part {
    let Some(server) = &pass.seen.data.server else { return Part::waits("Starting", "the server starts") };
    let wait: Duration = if server.error.is_none() { view::FRESH } else { view::RETRY };
    let again = later(pass.now, wait);
    pass.decision.wake = Some(pass.decision.wake.map_or(again, |old| old.min(again)));
    let Some(error) = &server.error else {
        let version = server.version.clone();
        let message = format!("MLflow {} answers with its database", version.clone().unwrap_or_default());
        pass.status().server_version = version;
        return Part::ok("Answers", message);
    };
    let (reason, hint) = match error {
        MlflowError::Unreachable(_) => ("ServerUnreachable", "look at its pods and at network policies"),
        MlflowError::Unanswered(_) => ("ServerSilent", "its database may be away"),
        MlflowError::Denied(_) => ("LoginRefused", "restart the Deployment: each start sets the login anew"),
        MlflowError::Broken(_) => ("ServerBroken", "its database may be away; see the server's log"),
        MlflowError::Missing(_) | MlflowError::Exists(_) | MlflowError::Refused(_) => {
            ("NotMlflow", "spec.image must be MLflow 3 with PostgreSQL, S3 and basic-auth")
        }
    };
    Part::waits(reason, format!("{error}; {hint}"))
}
