//! Seeded bugs of the operator itself, as wrappers around the sound one.

use jiff::Timestamp;
use millrace_crds::{Access, DataGrant, DataGrantStatus, Reason};
use millrace_dataplane::grant::{Found, Grants, Issue, Observed};
use millrace_kit::{
    Controller, DecisionOf, Env, Failure, Kernel, Note, Operator, Reader, Seen, Standing, Watch, Writer, async_trait,
    conditions, sim::faults::KernelBug,
};

use super::Plot;

/// A rule of the operator that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    /// Ready is said before the Secret is written.
    StatusFirst,
    /// What is not ready is resolved by formula.
    ByFormula,
    /// The limit of a share is ignored.
    IgnoreShare,
    /// Credentials are never renewed.
    NeverRenew,
    /// Rules that reach what is to be kept are not looked at.
    IgnoreRules,
    /// Issues anew in every pass.
    ForgetIssued,
    /// Does not look at the Secret again.
    IgnoreSecret,
    /// Does not listen to what the DataPlane says of its issuer.
    IgnoreIssuer,
    /// The first words of a wait stay.
    FirstWords,
}

/// Every bug with the plot that brings it to light.
pub(crate) fn mutants() -> Vec<(Plot, Option<KernelBug>, Bug)> {
    vec![
        (Plot::Issue, Some(KernelBug::ActBeforeListed), Bug::None),
        (Plot::Issue, None, Bug::StatusFirst),
        (Plot::MissingBucket, None, Bug::ByFormula),
        (Plot::SharedReadOnly, None, Bug::IgnoreShare),
        (Plot::Renew, None, Bug::NeverRenew),
        (Plot::Issue, None, Bug::ForgetIssued),
        (Plot::Expires, None, Bug::IgnoreRules),
        (Plot::SecretDeleted, None, Bug::IgnoreSecret),
        (Plot::SecretChanged, None, Bug::IgnoreSecret),
        (Plot::Forgotten, None, Bug::IgnoreIssuer),
        (Plot::CauseChanges, None, Bug::FirstWords),
    ]
}

/// The controller with the bug.
pub(crate) fn mutant(bug: Bug, inner: Grants, env: &Env) -> Box<dyn Controller> {
    let reader = env.reader.clone();
    match bug {
        Bug::None => Box::new(Kernel::new(inner, reader)),
        Bug::StatusFirst => Box::new(Kernel::new(Mutant::<1> { inner }, reader)),
        Bug::ByFormula => Box::new(Kernel::new(Mutant::<2> { inner }, reader)),
        Bug::IgnoreShare => Box::new(Kernel::new(Mutant::<3> { inner }, reader)),
        Bug::NeverRenew => Box::new(Kernel::new(Mutant::<4> { inner }, reader)),
        Bug::ForgetIssued => Box::new(Kernel::new(Mutant::<5> { inner }, reader)),
        Bug::IgnoreRules => Box::new(Kernel::new(Mutant::<6> { inner }, reader)),
        Bug::IgnoreSecret => Box::new(Kernel::new(Mutant::<7> { inner }, reader)),
        Bug::IgnoreIssuer => Box::new(Kernel::new(Mutant::<8> { inner }, reader)),
        Bug::FirstWords => Box::new(Kernel::new(Mutant::<9> { inner }, reader)),
    }
}

/// `decide` has no receiver, so the bug is a number in the type.
struct Mutant<const BUG: u8> {
    inner: Grants,
}

#[async_trait]
impl<const BUG: u8> Operator for Mutant<BUG> {
    type Object = DataGrant;
    type Observed = Observed;
    type Effect = Issue;
    const NAME: &'static str = "datagrant";

    fn watches(&self) -> Vec<Watch> {
        self.inner.watches()
    }

    async fn observe(&self, object: &DataGrant, reader: &Reader) -> Result<Observed, Failure> {
        let mut seen = self.inner.observe(object, reader).await?;
        for named in &mut seen.names {
            match (&mut named.found, BUG) {
                (found @ (Found::Missing | Found::NotReady { .. }), 2) => {
                    let external = format!("lab-ml-{}", named.name);
                    *found = Found::Ready { external, most: Access::Write, owner: None, rules: vec![] };
                }
                (Found::Ready { rules, .. }, 6) => rules.clear(),
                (Found::Ready { most, .. }, 3) => *most = Access::Write,
                _ => {}
            }
        }
        match BUG {
            5 => seen.issued = None,
            7 => seen.altered = false,
            8 => seen.plane.iter_mut().for_each(|plane| plane.issuer_since = None),
            _ => {}
        }
        Ok(seen)
    }

    fn decide(object: &DataGrant, seen: &Seen<Observed>, now: Timestamp) -> DecisionOf<Self> {
        let mut decision = Grants::decide(object, seen, now);
        if BUG == 1 && !decision.actions.is_empty() {
            let status = &mut decision.status;
            status.secret_name = Some("g".into());
            status.buckets = vec![millrace_crds::data_grant::GrantedBucket::default()];
            conditions::stand(status, &Standing::ready(Reason::Granted, "early"), now);
        }
        let old = object.status.as_ref().filter(|s| conditions::get(*s, "Reconciling").is_some());
        if let (9, Some(old)) = (BUG, old) {
            decision.status.conditions.clone_from(&old.conditions);
        }
        if BUG == 4 && object.status.as_ref().is_some_and(|s| s.expires_at.is_some()) {
            decision.actions.clear();
        }
        decision
    }

    async fn effect(&self, object: &DataGrant, issue: &Issue, writer: &Writer) -> Result<(), Failure> {
        self.inner.effect(object, issue, writer).await
    }

    fn notes(old: &DataGrantStatus, new: &DataGrantStatus) -> Vec<Note> {
        Grants::notes(old, new)
    }
}
