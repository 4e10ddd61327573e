//! Declared buckets and topics: made, kept as declared, taken away when no longer declared; and data of others that is
//! just used. A name that somebody else holds is left alone.

use std::collections::BTreeSet;

use millrace_crds::{DataBucket, DataTopic, HasConditions, MLPipeline, Reason};
use millrace_kit::{Action, Child, NoEffect, Object, Primary, Target, conditions, reader::controlled_by};

use super::seen::Observed;
use crate::{children, spec::references};

/// How the data stands.
pub(super) enum Data {
    Ready,
    Waiting(Reason, String),
    Stalled(Reason, String),
}

/// What to do about the data, and how it stands.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) actions: Vec<Action<NoEffect>>,
    waiting: Vec<(Reason, String)>,
    stalled: Vec<(Reason, String)>,
}

impl Plan {
    pub(super) fn standing(&self) -> Data {
        let told = |all: &[(Reason, String)]| all.iter().map(|(_, m)| m.as_str()).collect::<Vec<_>>().join("; ");
        match (self.stalled.as_slice(), self.waiting.as_slice()) {
            ([], []) => Data::Ready,
            ([], [(reason, _), ..]) => Data::Waiting(*reason, told(&self.waiting)),
            ([(reason, _), ..], _) => Data::Stalled(*reason, told(&self.stalled)),
        }
    }
}

pub(super) fn plan(pipeline: &MLPipeline, around: &Observed) -> Plan {
    let mut plan = Plan::default();
    for declared in &pipeline.spec.buckets {
        let path = format!("spec.buckets[{}]", declared.name);
        let want = children::data::bucket(pipeline, declared);
        let live = around.buckets.iter().find(|b| b.metadata.name.as_ref() == Some(&declared.name));
        keep(&mut plan, (pipeline, &path), (&want, live, &|a: &DataBucket, b| a.spec == b.spec));
    }
    for declared in &pipeline.spec.topics {
        let path = format!("spec.topics[{}]", declared.name);
        let want = children::data::topic(pipeline, declared);
        let live = around.topics.iter().find(|t| t.metadata.name.as_ref() == Some(&declared.name));
        keep(&mut plan, (pipeline, &path), (&want, live, &|a: &DataTopic, b| a.spec == b.spec));
    }
    let names: BTreeSet<&String> = pipeline.spec.buckets.iter().map(|b| &b.name).collect();
    prune(&mut plan, pipeline, (&around.buckets, &names));
    let names: BTreeSet<&String> = pipeline.spec.topics.iter().map(|t| &t.name).collect();
    prune(&mut plan, pipeline, (&around.topics, &names));
    strangers(&mut plan, pipeline, around);
    plan
}

type Wanted<'a, K> = (&'a K, Option<&'a K>, &'a dyn Fn(&K, &K) -> bool);

fn keep<K: Primary>(plan: &mut Plan, from: (&MLPipeline, &str), wanted: Wanted<'_, K>) {
    let (pipeline, path) = from;
    let (want, live, same) = wanted;
    let kind = K::kind(&());
    let name = want.meta().name.as_deref().unwrap_or_default();
    let Some(live) = live else {
        plan.actions.push(Action::Apply(Child::of(pipeline, want)));
        plan.waiting.push((Reason::DataMissing, format!("{path}: {kind} {name} is being created")));
        return;
    };
    if !owned(pipeline, live) {
        let whose = controller(live).unwrap_or_else(|| "someone else".to_owned());
        let message = format!(
            "{path}: {kind} {name} belongs to {whose}; remove it from the declarations to use it as it is, or choose another name"
        );
        plan.stalled.push((Reason::NameTaken, message));
        return;
    }
    if live.meta().deletion_timestamp.is_some() {
        plan.waiting.push((
            Reason::DataTerminating,
            format!("{path}: {kind} {name} is being deleted and will be created again"),
        ));
        return;
    }
    if !same(live, want) {
        plan.actions.push(Action::Apply(Child::of(pipeline, want)));
        plan.waiting.push((Reason::DataNotReady, format!("{path}: {kind} {name} is being changed")));
        return;
    }
    let status = live.status().cloned().unwrap_or_default();
    let current = status.observed_generation() == live.meta().generation.unwrap_or(0);
    let said = |kind: &str| conditions::get(&status, kind).map(|c| format!(": {}", c.message)).unwrap_or_default();
    if current && conditions::is_true(&status, "Stalled") {
        plan.stalled.push((Reason::DataStalled, format!("{path}: {kind} {name} is stalled{}", said("Stalled"))));
    } else if !current || !conditions::is_true(&status, "Ready") {
        plan.waiting.push((Reason::DataNotReady, format!("{path}: {kind} {name} is not ready{}", said("Ready"))));
    }
}

fn prune<K: Object>(plan: &mut Plan, pipeline: &MLPipeline, (live, names): (&[K], &BTreeSet<&String>)) {
    let extra = live.iter().filter(|o| o.meta().name.as_ref().is_some_and(|n| !names.contains(n)));
    let extra = extra.filter(|o| owned(pipeline, *o) && o.meta().deletion_timestamp.is_none());
    plan.actions.extend(extra.map(|o| Action::Delete(Target::of(o))));
}

fn strangers(plan: &mut Plan, pipeline: &MLPipeline, around: &Observed) {
    let declared = |word: &str| {
        pipeline.spec.buckets.iter().any(|b| word == format!("bucket/{}", b.name))
            || pipeline.spec.topics.iter().any(|t| word == format!("topic/{}", t.name))
    };
    for (word, path) in references::uses(&pipeline.spec) {
        if declared(&word) || around.used.contains(&word) {
            continue;
        }
        let kind = if word.starts_with("bucket/") { "DataBucket" } else { "DataTopic" };
        let field = if kind == "DataBucket" { "spec.buckets" } else { "spec.topics" };
        let name = word.split_once('/').map_or("", |(_, name)| name);
        let message = format!("{path}: {kind} {name} does not exist yet; declare it in {field} or create it");
        plan.waiting.push((Reason::DataMissing, message));
    }
}

fn owned<K: Object>(pipeline: &MLPipeline, live: &K) -> bool {
    let uid = pipeline.metadata.uid.as_deref().unwrap_or_default();
    controlled_by(live, uid)
}

fn controller<K: Object>(live: &K) -> Option<String> {
    let owner = live.meta().owner_references.iter().flatten().find(|o| o.controller == Some(true))?;
    Some(format!("{} {}", owner.kind, owner.name))
}
