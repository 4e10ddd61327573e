//! The stories of a DataBucket: what the user and the world around do, and what must hold at the end.

mod kept;
pub(crate) mod seeded_bugs;

use std::time::Duration;

use k8s_openapi::api::events::v1::Event;
use millrace_crds::{
    DataBucket, DataBucketSpec, DataPlane, NamespaceSelector,
    data_bucket::{BucketDeletion, BucketSettings, Expire},
};
use millrace_dataplane::{
    bucket::{
        Buckets,
        model::{TAG_NAME, TAG_NAMESPACE, TAG_OWNER, TAG_UID, derived},
    },
    store::Versioning,
};
use millrace_kit::{
    Controller, Env, Kernel, conditions,
    sim::{Actor, Scenario, World, once},
};
use strum::IntoEnumIterator;

use crate::store_sim::{Stored, connections, elapsed, plane, state};
use kept::refused;

/// What happens around the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::IntoStaticStr)]
pub(crate) enum Plot {
    #[strum(serialize = "created with versioning and an expiry rule")]
    Create,
    #[strum(serialize = "created, and idle for ten minutes")]
    Idle,
    #[strum(serialize = "the spec changes once it is ready")]
    Change,
    #[strum(serialize = "somebody else writes into the status meanwhile")]
    Edit,
    #[strum(serialize = "changed behind our back once it is ready")]
    Drift,
    #[strum(serialize = "a grant keeps what a rule would delete")]
    Kept,
    #[strum(serialize = "a grant keeps what a rule would delete, and goes")]
    KeptThenGone,
    #[strum(serialize = "deleted on the store once it is ready")]
    Vanish,
    #[strum(serialize = "deleted with everything in it")]
    DeleteAll,
    #[strum(serialize = "deleted while it is being created")]
    DeleteEarly,
    #[strum(serialize = "deleted if empty: somebody empties it in time")]
    DeleteIfEmpty,
    #[strum(serialize = "deleted if empty, and it never is")]
    NeverEmpty,
    #[strum(serialize = "kept on deletion, and applied again: adopted with its objects")]
    Retain,
    #[strum(serialize = "deleted while another cluster has claimed it")]
    ClaimedThenDeleted,
    #[strum(serialize = "an untagged bucket of that name is there")]
    Foreign,
    #[strum(serialize = "a bucket of that name is there, tagged for another owner")]
    ForeignTagged,
    #[strum(serialize = "`externalName`, allowed")]
    External,
    #[strum(serialize = "`externalName`, not allowed")]
    ExternalRefused,
    #[strum(serialize = "the store is away for the first minute")]
    AwayAtFirst,
    #[strum(serialize = "the store is away for two minutes once the bucket is ready")]
    AwayWhileReady,
    #[strum(serialize = "the store is away for ever when the object is deleted")]
    AwayAtDeletion,
    #[strum(serialize = "the DataPlane comes after the bucket has given up waiting for it")]
    PlaneVeryLate,
}

/// The derived name of `ml/raw`.
pub(crate) fn raw() -> String {
    derived("lab-", ("ml", "raw"))
}

fn object(plot: Plot) -> DataBucket {
    let deletion = match plot {
        Plot::DeleteAll | Plot::DeleteEarly | Plot::ClaimedThenDeleted | Plot::AwayAtDeletion => {
            Some(BucketDeletion::DeleteAll)
        }
        Plot::DeleteIfEmpty | Plot::NeverEmpty => Some(BucketDeletion::DeleteIfEmpty),
        _ => None,
    };
    let external = matches!(plot, Plot::External | Plot::ExternalRefused).then(|| "given".to_owned());
    // Which settings a bucket gets before it is deleted is a matter of luck: it has none.
    let settled = plot != Plot::DeleteEarly;
    let rule = Expire { prefix: "tmp/".into(), days: 14 };
    let bucket = BucketSettings {
        versioning: settled.then_some(true),
        expire: settled.then_some(rule).into_iter().collect(),
        deletion_policy: deletion,
        external_name: external,
        share: vec![],
    };
    let mut object = DataBucket::new("raw", DataBucketSpec { data_plane: "default".into(), bucket });
    object.metadata.namespace = Some("ml".into());
    object
}

fn setup(plot: Plot, world: &World) {
    plane(world, |spec| {
        if plot == Plot::External {
            spec.external_names = Some(NamespaceSelector::default());
        }
    });
    let shelf = state(world);
    let mut inner = shelf.lock();
    match plot {
        Plot::Foreign => {
            inner.buckets.insert(raw(), Stored { objects: 3, ..Stored::default() });
        }
        Plot::ForeignTagged => {
            let mut stored = Stored { objects: 3, ..Stored::default() };
            stored.bucket.tags = identity("someone", "uid-x");
            inner.buckets.insert(raw(), stored);
        }
        Plot::External | Plot::ExternalRefused => {
            let mut stored = Stored { objects: 3, ..Stored::default() };
            stored.bucket.expire = [("logs/".to_owned(), 90)].into();
            if plot == Plot::External {
                stored.bucket.tags = [("cost-centre".to_owned(), "7".to_owned())].into();
            }
            inner.buckets.insert("given".into(), stored);
        }
        Plot::AwayAtFirst => inner.away = true,
        Plot::PlaneVeryLate => world.vanish::<DataPlane>("", "default"),
        _ => {}
    }
    drop(inner);
    world.apply(&object(plot));
}

fn identity(owner: &str, uid: &str) -> std::collections::BTreeMap<String, String> {
    [(TAG_OWNER, owner), (TAG_NAMESPACE, "ml"), (TAG_NAME, "raw"), (TAG_UID, uid)]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

fn ready(world: &World) -> bool {
    world.get::<DataBucket>("ml", "raw").is_some_and(|b| {
        let status = b.status.clone().unwrap_or_default();
        conditions::is_ready(&status, b.metadata.generation.unwrap_or(0))
    })
}

fn fill(world: &World) {
    if let Some(stored) = state(world).lock().buckets.get_mut(&raw()) {
        stored.objects = 5;
    }
}

fn delete(world: &World) {
    world.delete::<DataBucket>("ml", "raw");
}

fn away(world: &World, away: bool) {
    state(world).lock().away = away;
}

fn actors(plot: Plot) -> Vec<Actor> {
    match plot {
        Plot::Change => vec![once(ready, |world| {
            let mut changed = object(Plot::Change);
            changed.spec.bucket.versioning = None;
            changed.spec.bucket.expire = vec![Expire { prefix: "old/".into(), days: 2 }];
            world.apply(&changed);
        })],
        Plot::Edit => (0..3)
            .map(|n| {
                once(
                    |_| true,
                    move |world| {
                        world.change::<DataBucket>("ml", "raw", |b| {
                            let other = &mut b.status.get_or_insert_default().other;
                            other.insert(format!("newer{n}"), n.into());
                        });
                    },
                )
            })
            .collect(),
        Plot::Drift => vec![once(ready, |world| {
            if let Some(stored) = state(world).lock().buckets.get_mut(&raw()) {
                stored.bucket.versioning = Versioning::Suspended;
                stored.bucket.expire = [("tmp/".to_owned(), 1), ("theirs/".to_owned(), 7)].into();
            }
        })],
        Plot::Kept => kept::actors(false),
        Plot::KeptThenGone => kept::actors(true),
        Plot::Vanish => vec![once(ready, |world| {
            state(world).lock().buckets.clear();
        })],
        Plot::DeleteAll => vec![once(ready, |world| {
            fill(world);
            delete(world);
        })],
        Plot::DeleteEarly => vec![once(|world| state(world).lock().buckets.contains_key(&raw()), delete)],
        Plot::DeleteIfEmpty | Plot::NeverEmpty => {
            let mut all = vec![once(ready, |world| {
                fill(world);
                delete(world);
            })];
            if plot == Plot::DeleteIfEmpty {
                all.push(once(
                    |world| elapsed(world) >= 60,
                    |world| {
                        if let Some(stored) = state(world).lock().buckets.get_mut(&raw()) {
                            stored.objects = 0;
                        }
                    },
                ));
            }
            all
        }
        Plot::Retain => vec![
            once(ready, |world| {
                fill(world);
                delete(world);
            }),
            once(
                |world| {
                    state(world).lock().buckets.get(&raw()).is_some_and(|s| s.objects > 0)
                        && world.get::<DataBucket>("ml", "raw").is_none()
                },
                |world| world.apply(&object(Plot::Retain)),
            ),
        ],
        Plot::ClaimedThenDeleted => vec![once(ready, |world| {
            fill(world);
            if let Some(stored) = state(world).lock().buckets.get_mut(&raw()) {
                stored.bucket.tags = identity("lab", "uid-of-another-cluster");
            }
            delete(world);
        })],
        Plot::PlaneVeryLate => vec![once(
            |world| {
                let status = world.get::<DataBucket>("ml", "raw").and_then(|b| b.status).unwrap_or_default();
                conditions::is_true(&status, "Stalled")
            },
            |world| plane(world, |_| {}),
        )],
        Plot::AwayAtFirst => vec![once(|world| elapsed(world) >= 60, |world| away(world, false))],
        Plot::AwayWhileReady => vec![
            once(ready, |world| away(world, true)),
            once(|world| elapsed(world) >= 180, |world| away(world, false)),
        ],
        Plot::AwayAtDeletion => vec![once(ready, |world| {
            away(world, true);
            delete(world);
        })],
        _ => Vec::new(),
    }
}

/// Must hold after every step.
fn invariant(plot: Plot, world: &World) -> Result<(), String> {
    let Some(object) = world.get::<DataBucket>("ml", "raw") else { return Ok(()) };
    let status = object.status.clone().unwrap_or_default();
    let reason = conditions::get(&status, "Ready").map_or("", |c| c.reason.as_str());
    if reason == "DataPlaneMissing" && plot != Plot::PlaneVeryLate {
        return Err("what was only not listed yet was called missing".into());
    }
    if status.bucket_name.is_some() && status.creating.is_some() {
        return Err("an intent beside a finished bucket".into());
    }
    if plot == Plot::AwayWhileReady && status.bucket_name.is_some() && reason != "Available" {
        return Err(format!("an outage flipped a ready bucket to {reason}"));
    }
    if plot != Plot::Drift && status.last_drift.is_some() {
        return Err("our own change was called a drift".into());
    }
    if matches!(plot, Plot::Kept | Plot::KeptThenGone) && status.bucket_name.is_some() && reason != "Available" {
        return Err(format!("a refused rule flipped a ready bucket to {reason}"));
    }
    if plot != Plot::Vanish && reason == "Recreating" {
        return Err("a bucket that is there was called lost".into());
    }
    let shelf = state(world);
    let inner = shelf.lock();
    let stray: Vec<&String> = inner.buckets.keys().filter(|name| **name != raw() && *name != "given").collect();
    if stray.is_empty() { Ok(()) } else { Err(format!("buckets under other names: {stray:?}")) }
}

fn events(world: &World) -> Vec<String> {
    world.list::<Event>().into_iter().filter_map(|e| e.reason).collect()
}

/// Must hold at the end.
fn end(plot: Plot, world: &World) -> Result<(), String> {
    let shelf = state(world);
    let inner = shelf.lock();
    let bucket = inner.buckets.get(&raw());
    let object = world.get::<DataBucket>("ml", "raw");
    let status = object.and_then(|o| o.status).unwrap_or_default();
    let says = conditions::get(&status, "Ready").map_or("", |c| c.reason.as_str());
    let objects = bucket.map(|b| b.objects);
    let as_declared =
        bucket.is_some_and(|b| b.bucket.versioning == Versioning::Enabled && b.bucket.expire.get("tmp/") == Some(&14));
    let holds = match plot {
        Plot::Create
        | Plot::Idle
        | Plot::Edit
        | Plot::AwayAtFirst
        | Plot::AwayWhileReady
        | Plot::PlaneVeryLate
        | Plot::Vanish => ready(world) && as_declared && status.uri == Some(format!("s3://{}", raw())),
        Plot::Kept => {
            let b = &bucket.ok_or("no bucket")?.bucket;
            ready(world) && b.versioning == Versioning::Enabled && b.expire.is_empty() && refused(world)
        }
        Plot::KeptThenGone => ready(world) && as_declared && conditions::get(&status, "ExpiryRefused").is_none(),
        Plot::Change => {
            let b = &bucket.ok_or("no bucket")?.bucket;
            ready(world) && b.versioning == Versioning::Suspended && b.expire == [("old/".to_owned(), 2)].into()
        }
        Plot::Drift => {
            let theirs = bucket.and_then(|b| b.bucket.expire.get("theirs/")) == Some(&7);
            ready(world) && as_declared && theirs && status.last_drift.is_some()
        }
        Plot::DeleteAll | Plot::DeleteEarly | Plot::DeleteIfEmpty => bucket.is_none() && says.is_empty(),
        Plot::NeverEmpty | Plot::ClaimedThenDeleted => objects == Some(5) && says.is_empty(),
        Plot::AwayAtDeletion => bucket.is_some() && says.is_empty(),
        Plot::Retain => ready(world) && as_declared && objects == Some(5),
        Plot::Foreign | Plot::ForeignTagged => {
            let untouched = bucket.is_some_and(|b| b.objects == 3 && b.bucket.versioning == Versioning::Off);
            says == "NameTaken" && untouched
        }
        Plot::External => {
            let given = inner.buckets.get("given").ok_or("no bucket")?;
            let kept = given.objects == 3 && given.bucket.expire.get("logs/") == Some(&90);
            let tags = &given.bucket.tags;
            ready(world) && kept && tags.contains_key(TAG_UID) && tags.contains_key("cost-centre")
        }
        Plot::ExternalRefused => says == "ExternalNameNotAllowed" && inner.buckets["given"].bucket.tags.is_empty(),
    };
    if holds { Ok(()) } else { Err(format!("{plot:?} ends with {says} {:?}", inner.buckets)) }
}

/// Events of the undisturbed run must name what happened.
pub(crate) fn told(plot: Plot, world: &World) -> Result<(), String> {
    let want: &[&str] = match plot {
        Plot::Drift => &["DriftCorrected"],
        Plot::Kept | Plot::KeptThenGone => &["ExpiryRefused"],
        Plot::Vanish => &["BucketVanished"],
        Plot::NeverEmpty | Plot::AwayAtDeletion => &["DeletionAbandoned"],
        Plot::Retain | Plot::External => &["Adopted"],
        Plot::ClaimedThenDeleted => &["NotOurs"],
        Plot::Foreign | Plot::ForeignTagged => &["NameTaken"],
        Plot::ExternalRefused => &["ExternalNameNotAllowed"],
        Plot::PlaneVeryLate => &["DataPlaneMissing"],
        _ => &[],
    };
    let have = events(world);
    if have == want { Ok(()) } else { Err(format!("{plot:?}: events {have:?}, expected {want:?}")) }
}

/// The scenario of a plot.
pub(crate) fn scenario(plot: Plot) -> Scenario {
    checked(plot, move |world| end(plot, world))
}

/// The same with another check of its end.
pub(crate) fn checked(plot: Plot, end: impl Fn(&World) -> Result<(), String> + 'static) -> Scenario {
    // Time that passes without anything to see costs schedules of nothing.
    let long = matches!(plot, Plot::Idle | Plot::AwayWhileReady | Plot::NeverEmpty | Plot::AwayAtDeletion);
    let horizon = match plot {
        Plot::PlaneVeryLate => 900,
        _ if long => 600,
        _ => 150,
    };
    Scenario::new(<&str>::from(plot))
        .within(Duration::from_secs(horizon))
        .given(move |world| setup(plot, world))
        .actors(move || actors(plot))
        .invariant(move |world| invariant(plot, world))
        .then(end)
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    Plot::iter().map(scenario).collect()
}

/// The operator as it is.
pub(crate) fn sound(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    vec![Box::new(Kernel::new(operator(env, world), env.reader.clone()))]
}

pub(crate) fn operator(env: &Env, world: &World) -> Buckets {
    Buckets::new(connections(world), env.reader.clone())
}
