//! The stories of a DataGrant: what the holder, the buckets and the store do, and what must hold at the end.

pub(crate) mod seeded_bugs;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::Time};
use millrace_crds::{
    Access, DataBucket, DataBucketSpec, DataGrant, DataGrantSpec, DataPlane, DataTopic, DataTopicSpec,
    NamespaceSelector, Reason, Share,
    data_bucket::Expire,
    data_grant::{AccessRequest, Holder},
    data_plane::Issuer,
};
use millrace_dataplane::grant::Grants;
use millrace_kit::{
    Controller, Env, Kernel, Standing, conditions,
    sim::{Actor, Scenario, World, once},
};
use strum::IntoEnumIterator;

use crate::store_sim::{Stored, TREASURE, connections, elapsed, plane, state};

/// What happens around the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::IntoStaticStr)]
pub(crate) enum Plot {
    #[strum(serialize = "everything is there: issued at once")]
    Issue,
    #[strum(serialize = "topics alone: no Secret")]
    TopicOnly,
    #[strum(serialize = "the bucket becomes ready later")]
    WaitBucket,
    #[strum(serialize = "the bucket does not exist at first")]
    MissingBucket,
    #[strum(serialize = "the bucket is another namespace's, shared to write")]
    Shared,
    #[strum(serialize = "the bucket is another namespace's, shared to read, and writing is asked")]
    SharedReadOnly,
    #[strum(serialize = "the bucket is another namespace's and not shared")]
    NotShared,
    #[strum(serialize = "two namespaces share a bucket of the name")]
    Ambiguous,
    #[strum(serialize = "renewed after three quarters of an hour")]
    Renew,
    #[strum(serialize = "credentials of fifteen minutes, for twenty minutes")]
    RenewShortest,
    #[strum(serialize = "the bucket goes away before the renewal: the credentials run out")]
    LostBeforeRenewal,
    #[strum(serialize = "the bucket is edited into nonsense before the renewal: the running job keeps its access")]
    EditBeforeRenewal,
    #[strum(serialize = "a rule of the bucket reaches what is to be kept, until its owner removes it")]
    Expires,
    #[strum(serialize = "what the job is restored from is not there at first")]
    RestorePoint,
    #[strum(serialize = "the store is away for the first minute")]
    Away,
    #[strum(serialize = "the grant is deleted; its Secret goes with it")]
    Delete,
    #[strum(serialize = "a grant of the same name follows another")]
    Again,
    #[strum(serialize = "too many prefixes")]
    TooLong,
    #[strum(serialize = "somebody deletes the Secret of a running job")]
    SecretDeleted,
    #[strum(serialize = "somebody writes into the Secret of a running job")]
    SecretChanged,
    #[strum(serialize = "the store has forgotten what it issued: the DataPlane says since when")]
    Forgotten,
    #[strum(serialize = "one thing it waits for comes, another turns out to be on another DataPlane")]
    CauseChanges,
}

fn bucket(world: &World, namespace: &str, ready: bool, share: Option<Access>) {
    let mut object =
        DataBucket::new("raw", DataBucketSpec { data_plane: "default".into(), ..DataBucketSpec::default() });
    object.metadata.namespace = Some(namespace.into());
    if let Some(access) = share {
        object.spec.bucket.share = vec![Share { namespaces: NamespaceSelector::default(), access: Some(access) }];
    }
    world.apply(&object);
    if ready {
        make_ready(world, namespace);
    }
}

fn make_ready(world: &World, namespace: &str) {
    world.change::<DataBucket>(namespace, "raw", |b| {
        let status = b.status.get_or_insert_default();
        status.bucket_name = Some(format!("lab-{namespace}-raw"));
        status.observed_generation = 1;
        conditions::stand(status, &Standing::ready(Reason::Available, "as declared"), Timestamp::UNIX_EPOCH);
    });
}

/// The rules of `ml/raw`, which is Ready with them.
fn rules(world: &World, rules: Vec<Expire>) {
    world.change::<DataBucket>("ml", "raw", |b| {
        let status = b.status.get_or_insert_default();
        status.managed_expire_prefixes = rules.iter().map(|rule| rule.prefix.clone()).collect();
        b.spec.bucket.expire = rules;
    });
}

fn topic(world: &World) {
    let mut object =
        DataTopic::new("events", DataTopicSpec { data_plane: "default".into(), ..DataTopicSpec::default() });
    object.metadata.namespace = Some("ml".into());
    world.apply(&object);
    world.change::<DataTopic>("ml", "events", |t| {
        let status = t.status.get_or_insert_default();
        status.topic_name = Some("ml.events".into());
        status.observed_generation = 1;
        conditions::stand(status, &Standing::ready(Reason::Available, "as declared"), Timestamp::UNIX_EPOCH);
    });
}

fn grant(plot: Plot, uid: &str) -> DataGrant {
    let on_bucket = |prefix: &str, mode: Access| AccessRequest {
        bucket: Some("raw".into()),
        prefix: Some(prefix.into()),
        mode,
        ..AccessRequest::default()
    };
    let topic = AccessRequest { topic: Some("events".into()), mode: Access::Write, ..AccessRequest::default() };
    let access = match plot {
        Plot::TopicOnly => vec![topic],
        Plot::RestorePoint => {
            let point = AccessRequest { requires: Some("in/sp/_metadata".into()), ..on_bucket("in/", Access::Read) };
            vec![point, on_bucket("out/", Access::Write), topic]
        }
        Plot::Expires => {
            let state = AccessRequest { protect: true, ..on_bucket("out/state/", Access::Write) };
            vec![on_bucket("in/", Access::Read), state, topic]
        }
        Plot::CauseChanges => {
            let other = AccessRequest { bucket: Some("beta".into()), mode: Access::Read, ..AccessRequest::default() };
            vec![on_bucket("in/", Access::Read), other]
        }
        Plot::TooLong => (0..60).map(|n| on_bucket(&format!("a-long-prefix-number-{n}/"), Access::Write)).collect(),
        _ => vec![on_bucket("in/", Access::Read), on_bucket("out/", Access::Write), topic],
    };
    let holder = Holder { kind: "ProcessingJob".into(), name: "j".into(), uid: uid.into() };
    let mut object =
        DataGrant::new("g", DataGrantSpec { data_plane: "default".into(), holder, access, ..DataGrantSpec::default() });
    object.metadata.namespace = Some("ml".into());
    object
}

fn setup(plot: Plot, world: &World) {
    plane(world, |spec| {
        if let (Plot::RenewShortest, Some(store)) = (plot, spec.object_store.as_mut()) {
            store.credential_lifetime = Some("15m".into());
        }
    });
    topic(world);
    match plot {
        Plot::MissingBucket | Plot::CauseChanges => {}
        Plot::WaitBucket => bucket(world, "ml", false, None),
        Plot::Shared => bucket(world, "other", true, Some(Access::Write)),
        Plot::SharedReadOnly => bucket(world, "other", true, Some(Access::Read)),
        Plot::NotShared => bucket(world, "other", true, None),
        Plot::Ambiguous => {
            bucket(world, "other", true, Some(Access::Write));
            bucket(world, "third", true, Some(Access::Write));
        }
        _ => bucket(world, "ml", true, None),
    }
    if plot == Plot::RestorePoint {
        state(world).lock().buckets.insert("lab-ml-raw".into(), Stored::default());
    }
    if plot == Plot::Expires {
        rules(world, vec![Expire { prefix: "out/".into(), days: 3 }]);
    }
    state(world).lock().away = plot == Plot::Away;
    world.apply(&grant(plot, "uid-1"));
}

fn ready(world: &World) -> bool {
    world.get::<DataGrant>("ml", "g").is_some_and(|g| g.status.is_some_and(|s| conditions::is_ready(&s, 1)))
}

fn message(world: &World) -> String {
    let status = world.get::<DataGrant>("ml", "g").and_then(|g| g.status).unwrap_or_default();
    conditions::get(&status, "Ready").map(|c| c.message.clone()).unwrap_or_default()
}

fn waits(world: &World) -> bool {
    says(world, "WaitingForData")
}

fn says(world: &World, reason: &str) -> bool {
    let status = world.get::<DataGrant>("ml", "g").and_then(|g| g.status).unwrap_or_default();
    conditions::get(&status, "Ready").is_some_and(|c| c.reason == reason)
}

/// What a spec that cannot be carried out makes of a bucket.
fn spoil(world: &World) {
    world.change::<DataBucket>("ml", "raw", |b| {
        let status = b.status.get_or_insert_default();
        conditions::stand(
            status,
            &Standing::stalled(Reason::InvalidSpec, "spec.expire[0].days is 0"),
            Timestamp::UNIX_EPOCH,
        );
    });
}

fn actors(plot: Plot) -> Vec<Actor> {
    match plot {
        Plot::WaitBucket => vec![once(waits, |world| make_ready(world, "ml"))],
        Plot::MissingBucket => vec![once(waits, |world| bucket(world, "ml", true, None))],
        Plot::LostBeforeRenewal => vec![once(ready, |world| world.vanish::<DataBucket>("ml", "raw"))],
        Plot::EditBeforeRenewal => vec![once(ready, spoil)],
        Plot::Expires => vec![once(|world| says(world, "StateExpires"), |world| rules(world, vec![]))],
        Plot::RestorePoint => vec![once(
            |world| says(world, "RestorePointMissing"),
            |world| {
                if let Some(stored) = state(world).lock().buckets.get_mut("lab-ml-raw") {
                    stored.keys.insert("in/sp/_metadata".into());
                }
            },
        )],
        Plot::SecretDeleted => vec![once(ready, |world| world.vanish::<Secret>("ml", "g"))],
        Plot::SecretChanged => vec![once(ready, |world| {
            world.change::<Secret>("ml", "g", |secret| _ = secret.string_data.take());
        })],
        Plot::Forgotten => vec![once(ready, |world| {
            let since = Timestamp::from_second(world.now().as_second() + 1).unwrap();
            state(world).lock().forgot += 1;
            world.change::<DataPlane>("", "default", |plane| {
                let issuer = Issuer { resource_version: "1".into(), since: Time(since) };
                plane.status.get_or_insert_default().issuer = Some(issuer);
            });
        })],
        Plot::CauseChanges => vec![
            once(
                |world| message(world).contains("DataBucket raw does not exist"),
                |world| bucket(world, "ml", true, None),
            ),
            once(
                |world| waits(world) && !message(world).contains("raw"),
                |world| {
                    let spec = DataBucketSpec { data_plane: "typo".into(), ..DataBucketSpec::default() };
                    let mut beta = DataBucket::new("beta", spec);
                    beta.metadata.namespace = Some("ml".into());
                    world.apply(&beta);
                },
            ),
        ],
        Plot::Away => vec![once(|world| elapsed(world) >= 60, |world| state(world).lock().away = false)],
        Plot::Delete => vec![once(ready, |world| world.delete::<DataGrant>("ml", "g"))],
        Plot::Again => vec![
            once(ready, |world| world.delete::<DataGrant>("ml", "g")),
            // Whether the old Secret is overwritten or made anew is a race with the garbage collector; both are right, but
            // they end with different uids.
            once(
                |world| world.get::<DataGrant>("ml", "g").is_none() && world.get::<Secret>("ml", "g").is_none(),
                |world| world.apply(&grant(Plot::Again, "uid-2")),
            ),
        ],
        _ => Vec::new(),
    }
}

/// Must hold after every step: no credential outside a Secret, and Ready only with a Secret that lives, but for a minute after
/// somebody else has taken it away.
fn invariant(plot: Plot, world: &World) -> Result<(), String> {
    let Some(object) = world.get::<DataGrant>("ml", "g") else { return Ok(()) };
    let text = format!("{:?}{:?}", object.status, world.list::<k8s_openapi::api::events::v1::Event>());
    if text.contains(TREASURE) {
        return Err(format!("a credential in {text}"));
    }
    let status = object.status.clone().unwrap_or_default();
    if conditions::get(&status, "Ready").is_some_and(|c| c.reason == "DataPlaneMissing") {
        return Err("what was only not listed yet was called missing".into());
    }
    if !conditions::is_true(&status, "Ready") {
        return Ok(());
    }
    let secret = world.get::<Secret>("ml", "g");
    match (&status.secret_name, secret) {
        (None, _) if status.buckets.is_empty() => {}
        (Some(_), None) if plot == Plot::SecretDeleted && elapsed(world) < 60 => {}
        (Some(_), Some(secret)) => {
            let owner = secret.metadata.owner_references.unwrap_or_default();
            if owner.first().map(|o| &o.uid) != object.metadata.uid.as_ref() {
                return Err("Ready with a Secret of another grant".into());
            }
        }
        other => return Err(format!("Ready with {:?}", other.0)),
    }
    let over = status.expires_at.is_some_and(|t| world.now() > t.0 + jiff::Span::new().seconds(30));
    if over { Err("Ready with credentials that have run out".into()) } else { Ok(()) }
}

fn end(plot: Plot, world: &World) -> Result<(), String> {
    let object = world.get::<DataGrant>("ml", "g");
    let status = object.and_then(|o| o.status).unwrap_or_default();
    let (reason, message) =
        conditions::get(&status, "Ready").map_or(("", ""), |c| (c.reason.as_str(), c.message.as_str()));
    let secret = world.get::<Secret>("ml", "g");
    let expires = status.expires_at.as_ref().map_or(0, |t| t.0.duration_since(world.now()).as_secs());
    let bucket = status.buckets.first().map_or("", |b| b.bucket_name.as_str());
    let served = |name: &str| {
        let texts = secret.as_ref().and_then(|s| s.string_data.clone()).unwrap_or_default();
        reason == "Granted"
            && bucket == name
            && status.topics.first().is_some_and(|t| t.topic_name == "ml.events")
            && status.bootstrap_servers.as_deref() == Some("kafka:9092")
            && status.endpoint.as_deref() == Some("http://minio:9000")
            && conditions::get(&status, "Isolated").is_some_and(|c| c.status == "False")
            && texts.get("credentials.json").is_some_and(|t| t.contains(TREASURE) && t.contains("\"Version\":1"))
            && texts
                .get("config")
                .is_some_and(|t| t.contains("credential_process = /bin/cat /var/run/millrace/grant/credentials.json"))
            && secret.as_ref().and_then(|s| s.type_.as_deref()) == Some("millrace.dev/grant")
    };
    let holds = match plot {
        Plot::Issue
        | Plot::WaitBucket
        | Plot::MissingBucket
        | Plot::Away
        | Plot::Again
        | Plot::Expires
        | Plot::RestorePoint => served("lab-ml-raw"),
        Plot::SecretDeleted | Plot::SecretChanged | Plot::Forgotten => {
            let wrote = secret.as_ref().and_then(|s| s.string_data.clone()).unwrap_or_default();
            let fresh = format!("\"AK{}\"", u32::from(plot == Plot::Forgotten));
            served("lab-ml-raw")
                && status.last_drift.is_some()
                && wrote.get("credentials.json").is_some_and(|t| t.contains(&fresh))
        }
        Plot::CauseChanges => reason == "NotGranted" && message.contains("beta is on DataPlane typo"),
        Plot::Shared => served("lab-other-raw"),
        Plot::Renew | Plot::RenewShortest | Plot::EditBeforeRenewal => served("lab-ml-raw") && expires > 0,
        Plot::TopicOnly => {
            reason == "Granted" && secret.is_none() && status.secret_name.is_none() && status.topics.len() == 1
        }
        Plot::SharedReadOnly => reason == "NotGranted" && message.contains("shared with this namespace to Read only"),
        Plot::NotShared => {
            reason == "WaitingForData" && message.contains("DataBucket raw does not exist in this namespace")
        }
        Plot::Ambiguous => reason == "NotGranted" && message.contains("from other and third"),
        Plot::LostBeforeRenewal => reason == "WaitingForData",
        Plot::Delete => secret.is_none() && reason.is_empty(),
        Plot::TooLong => reason == "PolicyTooLong" && message.contains("at most 2048") && secret.is_none(),
    };
    if holds { Ok(()) } else { Err(format!("{plot:?} ends with {reason}: {message}; {status:?}")) }
}

const fn horizon(plot: Plot) -> Duration {
    match plot {
        Plot::Renew => Duration::from_secs(50 * 60),
        Plot::RenewShortest => Duration::from_secs(20 * 60),
        Plot::LostBeforeRenewal | Plot::EditBeforeRenewal => Duration::from_secs(70 * 60),
        _ => Duration::from_secs(300),
    }
}

/// The scenario of a plot.
pub(crate) fn scenario(plot: Plot) -> Scenario {
    Scenario::new(<&str>::from(plot))
        .within(horizon(plot))
        .given(move |world| setup(plot, world))
        .actors(move || actors(plot))
        .invariant(move |world| invariant(plot, world))
        .then(move |world| end(plot, world))
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    Plot::iter().map(scenario).collect()
}

/// The operator as it is.
pub(crate) fn sound(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    vec![Box::new(Kernel::new(operator(env, world), env.reader.clone()))]
}

pub(crate) fn operator(env: &Env, world: &World) -> Grants {
    Grants::new(connections(world), env.reader.clone())
}
