//! From the names a grant asks for to names on the store and the broker, or the reason why not.
//!
//! A grant that has served goes on by the names in its own status while they still belong to the objects: an edit that
//! makes an object unready must not take the data away from a running job.

use std::collections::BTreeMap;

use millrace_crds::{DataGrant, DataGrantStatus, Reason, data_grant::Holder};
use millrace_kit::Standing;

use super::{
    model::{Model, What},
    observe::{Found, Observed},
};
use crate::protection;

/// Names on the store or on the broker, by name of the object.
pub(super) type Names = BTreeMap<String, String>;

/// Names on the store and on the broker; or every name that stands in the way, in one message.
pub(super) fn resolved(
    model: &Model,
    data: &Observed,
    status: Option<&DataGrantStatus>,
) -> Result<(Names, Names), Standing> {
    let (mut buckets, mut topics) = (Names::new(), Names::new());
    let (mut wrong, mut waiting) = (Vec::new(), Vec::new());
    for (what, name) in model.names() {
        let kind = what.kind();
        let had = status.and_then(|status| had(status, what, &name));
        let into = if what == What::Bucket { &mut buckets } else { &mut topics };
        match found(data, what, &name) {
            Some(Found::Ready { external, most, .. }) if model.most(what, &name) <= *most => {
                into.insert(name, external.clone());
            }
            Some(Found::NotReady { still: Some((external, most)), .. })
                if had == Some(external) && model.most(what, &name) <= *most =>
            {
                into.insert(name, external.clone());
            }
            Some(Found::Ready { .. }) => wrong.push(format!(
                "{kind} {name} is shared with this namespace to Read only; its owner can share it with access Write"
            )),
            Some(Found::OtherPlane(plane)) => wrong.push(format!(
                "{kind} {name} is on DataPlane {plane}; one grant has one DataPlane"
            )),
            Some(Found::Ambiguous(owners)) => wrong.push(format!(
                "{kind} {name} is shared with this namespace from {}; declare one of your own, or have one share removed",
                owners.join(" and ")
            )),
            Some(Found::NotReady { message, .. }) if message.is_empty() => {
                waiting.push(format!("{kind} {name} is not ready yet"));
            }
            Some(Found::NotReady { message, .. }) => waiting.push(format!("{kind} {name} is not ready: {message}")),
            Some(Found::Missing) | None => waiting.push(format!(
                "{kind} {name} does not exist in this namespace and is not shared with it; create it, or correct the name"
            )),
        }
    }
    if !wrong.is_empty() {
        wrong.extend(waiting);
        return Err(Standing::stalled(Reason::NotGranted, wrong.join("; ")));
    }
    if !waiting.is_empty() {
        return Err(Standing::progressing(Reason::WaitingForData, waiting.join("; ")));
    }
    Ok((buckets, topics))
}

fn found<'a>(data: &'a Observed, what: What, name: &str) -> Option<&'a Found> {
    data.names.iter().find(|n| n.what == what && n.name == name).map(|n| &n.found)
}

/// What the grant gave under this name when it last served.
fn had<'a>(status: &'a DataGrantStatus, what: What, name: &str) -> Option<&'a String> {
    match what {
        What::Bucket => status.buckets.iter().find(|b| b.name == name).map(|b| &b.bucket_name),
        What::Topic => status.topics.iter().find(|t| t.name == name).map(|t| &t.topic_name),
    }
}

/// Whether nothing that is to be kept is about to expire. A grant that has served is not asked: the bucket refuses the
/// rule then.
pub(super) fn lasting(object: &DataGrant, model: &Model, data: &Observed) -> Result<(), Standing> {
    if object.status.as_ref().is_some_and(|status| !status.buckets.is_empty()) {
        return Ok(());
    }
    let mut expire = Vec::new();
    for (name, prefix) in model.kept.iter().flat_map(|(name, all)| all.iter().map(move |prefix| (name, prefix))) {
        let Some(Found::Ready { owner, rules, .. }) = found(data, What::Bucket, name) else { continue };
        let holder = &object.spec.holder;
        let bucket = owner.as_ref().map_or_else(|| name.clone(), |owner| format!("{owner}/{name}"));
        for rule in rules.iter().filter(|rule| protection::overlap(&rule.prefix, prefix)) {
            let end = match rule.listed {
                Some(_) => "narrow or remove the rule, or keep the state elsewhere",
                None => "it is being removed",
            };
            expire.push(format!(
                "{} {} keeps state at bucket/{name}/{prefix}, and {} of DataBucket {bucket} would delete it; {end}",
                holder.kind,
                holder.name,
                rule.words()
            ));
        }
    }
    // The rule belongs to another object, whose edit helps: the holder waits for it as for data that is not there.
    if expire.is_empty() { Ok(()) } else { Err(Standing::progressing(Reason::StateExpires, expire.join("; "))) }
}

/// Whether everything is there that the holder begins with, as far as the store was asked.
pub(super) fn present(object: &DataGrant, data: &Observed) -> Result<(), Standing> {
    let Holder { kind, name, .. } = &object.spec.holder;
    for need in &data.needs {
        let at = format!("bucket/{}/{}", need.bucket, need.key);
        match &need.there {
            Ok(true) => {}
            Ok(false) => {
                let message = format!(
                    "{kind} {name} is to start from {at}, which does not exist; correct the path to restore from \
                     (flink.state.restoreFrom of a Flink job), or put the state there"
                );
                return Err(Standing::stalled(Reason::RestorePointMissing, message));
            }
            Err(error) => {
                return Err(Standing::progressing(
                    error.trouble.reason(),
                    format!("looking for {at}: {}", error.message),
                ));
            }
        }
    }
    Ok(())
}
