//! Expiry rules that would delete what a serving DataGrant keeps: not applied, and said so while it is so.
//!
//! The bucket stays Ready, since others use it. The condition stands until the store has what is wanted then, so that
//! our own change of rules is not taken for somebody else's.

use std::collections::BTreeSet;

use jiff::Timestamp;
use millrace_crds::{DataBucket, DataBucketStatus, DataGrant, Reason, ReasonText};
use millrace_kit::{Failure, Key, Note, Watch, cache::Cache, conditions};

use super::model::Model;
use crate::{
    protection::{self, Kept, Rule},
    store::facts,
};

/// Condition: a rule of the spec is not applied.
pub(super) const REFUSED: &str = "ExpiryRefused";
/// Holders named per rule.
const NAMED: usize = 3;

/// The grants' stream: a bucket whose rules may reach what a grant keeps is woken by it.
pub(super) fn watch() -> Watch {
    Watch::related::<DataGrant>("what a job keeps must not expire", |grant: &DataGrant, cache| {
        let plane = &grant.spec.data_plane;
        let names: BTreeSet<&str> = protection::kept(grant).map(|(bucket, _)| bucket).collect();
        let found = names.into_iter().flat_map(|name| cache.indexed::<DataBucket>(&protection::on_store(plane, name)));
        found.filter(|bucket| !bucket.spec.bucket.expire.is_empty()).map(|bucket| Key::of(bucket.as_ref())).collect()
    })
    .stored_as(|_: &mut DataGrant| {}, facts::index_grant)
}

/// What grants keep in the bucket of this name on the store, as far as a rule of the spec reaches it.
pub(super) fn kept(object: &DataBucket, name: &str, cache: &Cache) -> Vec<Kept> {
    let rules = &object.spec.bucket.expire;
    if rules.is_empty() {
        return Vec::new();
    }
    let mut all = BTreeSet::new();
    for grant in cache.indexed::<DataGrant>(&protection::keeps_in(&object.spec.data_plane, name)) {
        let holder = &grant.spec.holder;
        let namespace = grant.metadata.namespace.as_deref().unwrap_or_default();
        for (_, prefix) in protection::kept(&grant).filter(|(bucket, _)| *bucket == name) {
            if rules.iter().any(|rule| protection::overlap(&rule.prefix, prefix)) {
                let holder = format!("{} {namespace}/{}", holder.kind, holder.name);
                all.insert(Kept { holder, prefix: prefix.to_owned() });
            }
        }
    }
    all.into_iter().collect()
}

/// Takes the rules that reach what is kept out of the model, and says so in the status.
pub(super) fn refuse(of: (&DataBucket, &[Kept]), model: &mut Model, status: &mut DataBucketStatus, now: Timestamp) {
    let (object, kept) = of;
    let mut words = Vec::new();
    for rule in Rule::of(object).into_iter().filter(|rule| rule.listed.is_some()) {
        let mut holders = kept.iter().filter(|k| protection::overlap(&rule.prefix, &k.prefix)).map(|k| {
            let place = if k.prefix.is_empty() { "anywhere in it".to_owned() } else { format!("at {}", k.prefix) };
            format!("{} keeps state {place}", k.holder)
        });
        let named: Vec<String> = holders.by_ref().take(NAMED).collect();
        let more = holders.count();
        if named.is_empty() {
            continue;
        }
        model.expire.remove(&rule.prefix);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        words.push(format!("{} is not applied: {}{more}", rule.words(), named.join(", ")));
    }
    if !words.is_empty() {
        let message = format!("{}; narrow or remove the rule, or keep the state elsewhere", words.join("; "));
        conditions::set(status, REFUSED, ("True", Reason::StateKept, &message), now);
    } else if settling(status) {
        let message = "nothing is kept there any more; the rules of the spec are being applied";
        conditions::set(status, REFUSED, ("False", Reason::Lifted, message), now);
    }
}

/// Whether rules are changed because of a refusal, or because one has gone.
pub(super) fn settling(status: &DataBucketStatus) -> bool {
    conditions::get(status, REFUSED).is_some()
}

/// The store did not take the change: the bucket serves all the same, so the condition tells.
pub(super) fn stuck(status: &mut DataBucketStatus, failure: &Failure, now: Timestamp) {
    let Some(told) = conditions::get(status, REFUSED).cloned() else { return };
    let message = format!("{}; the object store has not applied it yet: {}", told.message, failure.message);
    conditions::set(status, REFUSED, (&told.status, ReasonText::as_given(told.reason), &message), now);
}

/// The store has what is wanted now: a refusal that has gone needs no more words.
pub(super) fn settled(status: &mut DataBucketStatus) {
    if !conditions::is_true(status, REFUSED) {
        conditions::unset(status, REFUSED);
    }
}

/// A rule is not applied any more.
pub(super) fn note(old: &DataBucketStatus, new: &DataBucketStatus) -> Option<Note> {
    let told = conditions::get(new, REFUSED).filter(|c| c.status == "True")?;
    let turned = !conditions::is_true(old, REFUSED);
    turned.then(|| Note { warning: true, reason: Reason::ExpiryRefused.into(), message: told.message.clone() })
}
