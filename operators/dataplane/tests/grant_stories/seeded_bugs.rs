//! Seeded bugs, of the kernel and of the operator of DataGrants.

use millrace_crds::{Access, DataGrant, Reason, data_grant::GrantedBucket};
use millrace_dataplane::grant::{Found, Grants, Observed};
use millrace_kit::{
    Controller, DecisionOf, Env, Reader, Standing, conditions,
    sim::{
        Inputs, Seeded, SeededBug, World,
        faults::{self, KernelBug},
        with_bug,
    },
};

use super::{Plot, operator, sound};

/// All of them.
pub(crate) fn all() -> Vec<Seeded> {
    let bug = KernelBug::ActBeforeListed;
    let kernel = Seeded::new(format!("{bug:?}"), <&str>::from(Plot::Issue), sound, move |env: &Env, world: &World| {
        vec![faults::kernel(bug, operator(env, world), env.reader.clone())]
    });
    vec![
        kernel,
        of::<StatusFirst>(),
        of::<ByFormula>(),
        of::<IgnoreShare>(),
        of::<NeverRenew>(),
        of::<IgnoreRules>(),
        of::<ForgetIssued>(),
        of::<IgnoreSecret>(),
        of::<IgnoreIssuer>(),
        of::<FirstWords>(),
        // Shown by a Secret that is written into too.
        Seeded::new(IgnoreSecret::NAME, <&str>::from(Plot::SecretChanged), sound, broken::<IgnoreSecret>),
    ]
}

fn broken<B: SeededBug<Of = Grants>>(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    vec![with_bug::<B>(operator(env, world), env, world)]
}

fn of<B: SeededBug<Of = Grants>>() -> Seeded {
    Seeded::of::<B>(sound, broken::<B>)
}

/// Ready is said when the Secret is written.
struct StatusFirst;

impl SeededBug for StatusFirst {
    type Of = Grants;
    const NAME: &'static str = "says Ready before the Secret is written";
    const SCENARIO: &'static str = "everything is there: issued at once";

    fn decision(decision: &mut DecisionOf<Grants>, inputs: &Inputs<'_, Grants>) {
        if !decision.actions.is_empty() {
            let status = &mut decision.status;
            status.secret_name = Some("g".into());
            status.buckets = vec![GrantedBucket::default()];
            conditions::stand(status, &Standing::ready(Reason::Granted, "early"), inputs.now);
        }
    }
}

/// Names are read from the status of what they belong to.
struct ByFormula;

impl SeededBug for ByFormula {
    type Of = Grants;
    const NAME: &'static str = "resolves by formula what is not ready";
    const SCENARIO: &'static str = "the bucket does not exist at first";

    fn observed(observed: &mut Observed, _: &DataGrant, _: &Reader) {
        for named in &mut observed.names {
            if matches!(named.found, Found::Missing | Found::NotReady { .. }) {
                let external = format!("lab-ml-{}", named.name);
                named.found = Found::Ready { external, most: Access::Write, owner: None, rules: vec![] };
            }
        }
    }
}

/// A share has a limit.
struct IgnoreShare;

impl SeededBug for IgnoreShare {
    type Of = Grants;
    const NAME: &'static str = "ignores the limit of a share";
    const SCENARIO: &'static str = "the bucket is another namespace's, shared to read, and writing is asked";

    fn observed(observed: &mut Observed, _: &DataGrant, _: &Reader) {
        for named in &mut observed.names {
            if let Found::Ready { most, .. } = &mut named.found {
                *most = Access::Write;
            }
        }
    }
}

/// Credentials are renewed before they run out.
struct NeverRenew;

impl SeededBug for NeverRenew {
    type Of = Grants;
    const NAME: &'static str = "never renews";
    const SCENARIO: &'static str = "renewed after three quarters of an hour";

    fn decision(decision: &mut DecisionOf<Grants>, inputs: &Inputs<'_, Grants>) {
        if inputs.object.status.as_ref().is_some_and(|s| s.expires_at.is_some()) {
            decision.actions.clear();
        }
    }
}

/// No rule may expire what is to be kept.
struct IgnoreRules;

impl SeededBug for IgnoreRules {
    type Of = Grants;
    const NAME: &'static str = "does not look at rules";
    const SCENARIO: &'static str = "a rule of the bucket reaches what is to be kept, until its owner removes it";

    fn observed(observed: &mut Observed, _: &DataGrant, _: &Reader) {
        for named in &mut observed.names {
            if let Found::Ready { rules, .. } = &mut named.found {
                rules.clear();
            }
        }
    }
}

/// What was issued is known.
struct ForgetIssued;

impl SeededBug for ForgetIssued {
    type Of = Grants;
    const NAME: &'static str = "issues anew in every pass";
    const SCENARIO: &'static str = "everything is there: issued at once";

    fn observed(observed: &mut Observed, _: &DataGrant, _: &Reader) {
        observed.issued = None;
    }
}

/// The Secret is looked at again.
struct IgnoreSecret;

impl SeededBug for IgnoreSecret {
    type Of = Grants;
    const NAME: &'static str = "does not look at the Secret again";
    const SCENARIO: &'static str = "somebody deletes the Secret of a running job";

    fn observed(observed: &mut Observed, _: &DataGrant, _: &Reader) {
        observed.altered = false;
    }
}

/// The DataPlane says since when its credentials count.
struct IgnoreIssuer;

impl SeededBug for IgnoreIssuer {
    type Of = Grants;
    const NAME: &'static str = "does not hear of an issuer that forgot";
    const SCENARIO: &'static str = "the store has forgotten what it issued: the DataPlane says since when";

    fn observed(observed: &mut Observed, _: &DataGrant, _: &Reader) {
        if let Some(plane) = &mut observed.plane {
            plane.issuer_since = None;
        }
    }
}

/// A message says what is true now.
struct FirstWords;

impl SeededBug for FirstWords {
    type Of = Grants;
    const NAME: &'static str = "keeps the first words of a wait";
    const SCENARIO: &'static str = "one thing it waits for comes, another turns out to be on another DataPlane";

    fn decision(decision: &mut DecisionOf<Grants>, inputs: &Inputs<'_, Grants>) {
        let old = inputs.object.status.as_ref().filter(|s| conditions::get(*s, "Reconciling").is_some());
        if let Some(old) = old {
            decision.status.conditions.clone_from(&old.conditions);
        }
    }
}
