//! One pass over a ModelRegistry: data, login and schema first, then the server; every wait has a reason and a deadline.

use std::time::Duration;

use jiff::Timestamp;
use millrace_crds::{ModelRegistry, ModelRegistryStatus, Reason, ReasonText};
use millrace_kit::{Action, Decision, Seen, Standing, Target, conditions, later};

use super::{
    effect::RegistryEffect,
    migrate,
    names::{self, Names},
    pass::{Before, CURRENT, DATA, Part, Pass, SCHEMA, SERVER},
    seen::Observed,
    serve, spec,
};
use crate::children;

/// How often a Secret that is missing is looked for.
const MISSED: Duration = Duration::from_secs(15);

pub(super) fn decide(
    registry: &ModelRegistry,
    seen: &Seen<Observed>,
    now: Timestamp,
) -> Decision<ModelRegistryStatus, RegistryEffect> {
    let mut status = registry.status.clone().unwrap_or_default();
    if registry.metadata.deletion_timestamp.is_some() {
        // Everything inside the cluster goes by owner references; bucket and database stay.
        return Decision::of(status);
    }
    let plan = match spec::parse(registry, &seen.data.default_image) {
        Ok(plan) => plan,
        Err(findings) => {
            conditions::stand(&mut status, &Standing::stalled(Reason::InvalidSpec, findings.join("; ")), now);
            return Decision::of(status);
        }
    };
    let names = Names::of(registry);
    status.url = Some(names::url(registry));
    status.admin_secret_name = Some(names.login.clone());
    let mut pass = Pass { registry, seen, plan, now, decision: Decision::of(status) };
    let secrets = pass.secrets();
    let data = pass.data();
    pass.service();
    let login = pass.login(&names.login);
    let schema = migrate::schema(&mut pass, &[&secrets, &login]);
    let before = Before { secrets, data, login, schema };
    let server = serve::server(&mut pass, &before);
    let current = serve::current(&pass, &before, &server);
    pass.finish(before, server, current)
}

impl Pass<'_> {
    /// The Secrets that people make. Without one nothing is begun and nothing that serves is touched.
    fn secrets(&mut self) -> Part {
        let missing = self
            .plan
            .secrets()
            .into_iter()
            .filter(|(_, name, _)| self.seen.data.missing_secrets.contains(&(*name).to_owned()));
        let told: Vec<String> = missing
            .map(|(field, name, content)| {
                format!("{field}: Secret {name} does not exist in this namespace; create it with {content}")
            })
            .collect();
        if told.is_empty() {
            return Part::ok(Reason::Found, "");
        }
        self.wake(later(self.now, MISSED));
        Part::waits(Reason::SecretMissing, told.join("; "))
    }

    /// The bucket, made if there is none, and the grant on it.
    fn data(&mut self) -> Part {
        let name = self.plan.bucket.clone();
        let Some(bucket) = &self.seen.data.bucket else {
            let Some(plane) = self.plan.make_bucket.clone() else {
                return Part::waits(
                    Reason::BucketMissing,
                    format!(
                        "spec.artifacts.bucket: DataBucket {name} does not exist; declare it, or remove create: false"
                    ),
                );
            };
            self.act(Action::Create(children::bucket::build(self.registry, &plane)));
            return Part::waits(Reason::BucketPending, format!("creating the DataBucket {name}"));
        };
        let Some(grant) = &self.seen.data.grant else {
            self.act(Action::Create(children::grant::build(self.registry, &bucket.data_plane)));
            return Part::waits(Reason::GrantPending, format!("asking for access to the DataBucket {name}"));
        };
        if grant.ready && !grant.secret.is_empty() && !grant.bucket_name.is_empty() {
            return Part::ok(Reason::Granted, format!("access to the bucket {}", grant.bucket_name));
        }
        let grant_name = Names::of(self.registry).grant;
        let said = if grant.message.is_empty() { "no answer yet" } else { &grant.message };
        let message = format!("DataGrant {grant_name} on the DataBucket {name}: {said}");
        let told = Some(&grant.reason).filter(|reason| !reason.is_empty() && !grant.ready);
        let reason = told.map_or_else(|| Reason::GrantPending.into(), ReasonText::as_given);
        if grant.stalled { Part::terminal(reason, message) } else { Part::waits(reason, message) }
    }

    fn service(&mut self) {
        let want = children::service::build(self.registry);
        match &self.seen.data.service {
            None => self.act(Action::Create(want)),
            Some(live) if !want.matches(live) => self.act(Action::Apply(want)),
            Some(_) => {}
        }
    }

    fn login(&mut self, secret: &str) -> Part {
        let Some(login) = &self.seen.data.login else {
            let why = self.seen.data.login_problem.clone().unwrap_or_default();
            return Part::terminal(Reason::NoOperatorKey, why);
        };
        if !login.written {
            self.act(Action::Effect(RegistryEffect::Login {
                secret: secret.to_owned(),
                fingerprint: login.fingerprint.clone(),
            }));
        }
        Part::ok(Reason::UpToDate, login.fingerprint.clone())
    }

    fn finish(mut self, before: Before, server: Part, current: Part) -> Decision<ModelRegistryStatus, RegistryEffect> {
        let now = self.now;
        let Before { data, login, schema, .. } = before;
        // While something serves, what is told is that it is not yet what is declared, and why.
        let serves = server.ok;
        let parts = [(DATA, data), (SCHEMA, schema), (SERVER, server), (CURRENT, current)];
        for (kind, part) in &parts {
            let flag = if part.ok { "True" } else { "False" };
            conditions::set(self.status(), kind, (flag, &part.reason, &part.message), now);
        }
        let standing = if let Some(last) = self.seen.failure_of(&self.decision.actions) {
            Some(Standing::failed(&last.failure))
        } else if !login.ok {
            Some(Standing::stalled(login.reason, login.message))
        } else {
            let first = parts.into_iter().find(|(kind, part)| !part.ok && (!serves || *kind == CURRENT));
            first.map(|(kind, part)| self.waits(kind, part))
        };
        let ready = serve::ready(&self);
        conditions::stand(self.status(), &standing.unwrap_or(ready), now);
        for job in &self.seen.data.stale_jobs {
            self.decision.actions.push(Action::Delete(Target::of(job)));
        }
        self.decision
    }
}
