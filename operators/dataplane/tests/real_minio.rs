//! Buckets and grants on a real MinIO. Needs MILLRACE_S3_ENDPOINT, MILLRACE_S3_ACCESS_KEY,
//! MILLRACE_S3_SECRET_KEY.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod minio_support;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aws_sdk_s3::config::Credentials as Signer;
use k8s_openapi::api::core::v1::Secret;
use millrace_crds::{
    Access, DataBucket, DataBucketSpec, DataGrant, DataGrantSpec,
    data_bucket::{BucketDeletion, BucketSettings, Expire},
    data_grant::{AccessRequest, Holder},
};
use millrace_dataplane::{
    bucket::model::{TAG_NAME, TAG_NAMESPACE, TAG_OWNER, TAG_UID, derived},
    grant::policy::{MAX_CHARS, policy},
    store::{Assume, Bucket, Expiry, Keys, Trouble, Versioning},
};
use millrace_kit::{
    conditions,
    sim::{self, Actor, Scenario, Schedule, World},
};
use minio_support::{
    adapter, admin, build, client, endpoint, plane, prefix, put, root, runtime, said, tags, tamper, wait,
};

fn object(name: &str, settings: BucketSettings) -> DataBucket {
    let mut object = DataBucket::new(name, DataBucketSpec { data_plane: "default".into(), bucket: settings });
    object.metadata.namespace = Some("ml".into());
    object
}

fn kept() -> DataBucket {
    let expire = vec![Expire { prefix: "tmp/".into(), days: 14 }];
    object("raw", BucketSettings { versioning: Some(true), expire, ..BucketSettings::default() })
}

fn ready(world: &World, name: &str) -> bool {
    let ready = |b: &DataBucket| {
        conditions::is_ready(&b.status.clone().unwrap_or_default(), b.metadata.generation.unwrap_or(0))
    };
    world.get::<DataBucket>("ml", name).is_some_and(|b| ready(&b))
}

/// A step of a user: what it is, and whether it could be taken.
type Step = (&'static str, Box<dyn Fn(&World) -> bool>);

/// Steps of a user, each taken once, when the one before it is done and its condition holds.
fn steps(list: Vec<Step>) -> Actor {
    let mut at = 0;
    Box::new(move |world| {
        let Some((_, step)) = list.get(at) else { return false };
        let done = step(world);
        at += usize::from(done);
        done
    })
}

/// Plays a scenario on the real store.
fn play(scenario: &Scenario) {
    let _inside = runtime().enter();
    let outcome = sim::run(scenario, &build, Schedule::UNDISTURBED);
    assert!(outcome.faults.is_empty(), "{:#?}\nobjects: {:#?}", outcome.faults, outcome.end);
}

fn scenario(name: &str) -> Scenario {
    Scenario::new(name).within(Duration::from_secs(600))
}

fn seen(bucket: &str) -> Bucket {
    wait(adapter(&endpoint(), root()).look(bucket)).unwrap().unwrap()
}

#[test]
fn a_bucket_is_made_kept_and_adopted_again() {
    let prefix = prefix("keep");
    let bucket = derived(&prefix, ("ml", "raw"));
    let setup = move |world: &World| {
        plane(world, &prefix);
        world.apply(&kept());
    };
    let made = bucket.clone();
    let actors = move || {
        let name = made.clone();
        let drifted = name.clone();
        let again = name.clone();
        vec![steps(vec![
            (
                "tamper once it is ready",
                Box::new(move |world| {
                    let now = ready(world, "raw");
                    if now {
                        let tags = wait(tags(&name));
                        let want = [(TAG_OWNER, "rung2"), (TAG_NAMESPACE, "ml"), (TAG_NAME, "raw")];
                        assert!(want.iter().all(|(k, v)| tags.get(*k).map(String::as_str) == Some(*v)), "{tags:?}");
                        assert_eq!(seen(&name).versioning, Versioning::Enabled);
                        assert_eq!(seen(&name).expire, BTreeMap::from([("tmp/".to_owned(), 14)]));
                        assert_eq!(wait(put(&admin(), &name, "tmp/keep-me")), "ok");
                        tamper(&name);
                    }
                    now
                }),
            ),
            (
                "delete once it is put back",
                Box::new(move |world| {
                    let object = world.get::<DataBucket>("ml", "raw").unwrap();
                    let back = object.status.is_some_and(|s| s.last_drift.is_some())
                        && seen(&drifted).versioning == Versioning::Enabled
                        && seen(&drifted).expire.contains_key("tmp/");
                    if back {
                        world.delete::<DataBucket>("ml", "raw");
                    }
                    back
                }),
            ),
            (
                "apply it again",
                Box::new(move |world| {
                    let rules = wait(admin().get_bucket_lifecycle_configuration().bucket(&again).send()).unwrap();
                    assert!(rules.rules().iter().any(|r| r.id() == Some("theirs")), "their rule was lost: {rules:?}");
                    world.apply(&kept());
                    true
                }),
            ),
        ])]
    };
    let end = move |world: &World| {
        let object = world.get::<DataBucket>("ml", "raw").ok_or("gone")?;
        let all = wait(tags(&bucket));
        let tagged = all.get(TAG_UID).cloned();
        if all.get("cost-centre").is_none() {
            return Err(format!("their tag was lost: {all:?}"));
        }
        if !ready(world, "raw") || tagged != object.metadata.uid {
            return Err(format!("not adopted: {tagged:?} {:?}", object.status));
        }
        let there = said(wait(admin().head_object().bucket(&bucket).key("tmp/keep-me").send()));
        if there == "ok" { Ok(()) } else { Err(format!("the object was lost: {there}")) }
    };
    play(&scenario("on a real store").given(setup).actors(actors).then(end));
}

#[test]
fn a_foreign_bucket_is_left_alone() {
    let prefix = prefix("take");
    let bucket = derived(&prefix, ("ml", "raw"));
    wait(admin().create_bucket().bucket(&bucket).send()).unwrap();
    let setup = move |world: &World| {
        plane(world, &prefix);
        world.apply(&kept());
    };
    let end = move |world: &World| {
        let status = world.get::<DataBucket>("ml", "raw").unwrap().status.unwrap();
        let says = conditions::get(&status, "Stalled").map(|c| c.reason.clone());
        if says.as_deref() == Some("NameTaken") && seen(&bucket) == Bucket::default() {
            Ok(())
        } else {
            Err(format!("{says:?} {:?}", seen(&bucket)))
        }
    };
    play(&scenario("on a real store").given(setup).then(end));
}

#[test]
fn delete_all_takes_versions_and_unfinished_uploads() {
    let prefix = prefix("del");
    let bucket = derived(&prefix, ("ml", "tmp"));
    let setup = move |world: &World| {
        plane(world, &prefix);
        let deletion_policy = Some(BucketDeletion::DeleteAll);
        world.apply(&object(
            "tmp",
            BucketSettings { versioning: Some(true), deletion_policy, ..BucketSettings::default() },
        ));
    };
    let made = bucket.clone();
    let actors = move || {
        let bucket = made.clone();
        vec![steps(vec![(
            "fill and delete",
            Box::new(move |world| {
                let now = ready(world, "tmp");
                if now {
                    wait(async {
                        let admin = admin();
                        for n in 0..30 {
                            assert_eq!(put(&admin, &bucket, &format!("k{}", n % 20)).await, "ok");
                        }
                        admin.delete_object().bucket(&bucket).key("k3").send().await.unwrap();
                        admin.create_multipart_upload().bucket(&bucket).key("half").send().await.unwrap();
                        let store = adapter(&endpoint(), root());
                        assert_eq!(store.delete(&bucket).await.unwrap_err().trouble, Trouble::NotEmpty);
                    });
                    world.delete::<DataBucket>("ml", "tmp");
                }
                now
            }),
        )])]
    };
    let end = move |world: &World| {
        let gone = wait(adapter(&endpoint(), root()).look(&bucket)).unwrap().is_none();
        if gone && world.get::<DataBucket>("ml", "tmp").is_none() { Ok(()) } else { Err("still there".to_owned()) }
    };
    play(&scenario("on a real store").given(setup).actors(actors).then(end));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "real credentials run by the real clock")]
fn a_grant_is_a_wall() {
    let prefix = prefix("wall");
    let (raw, other) = (derived(&prefix, ("ml", "raw")), derived(&prefix, ("ml", "other")));
    let ask = |prefix: &str, mode| AccessRequest {
        bucket: Some("raw".into()),
        prefix: Some(prefix.into()),
        mode,
        ..AccessRequest::default()
    };
    let setup = move |world: &World| {
        plane(world, &prefix);
        world.apply(&object("raw", BucketSettings::default()));
        world.apply(&object("other", BucketSettings::default()));
        let holder = Holder { kind: "ProcessingJob".into(), name: "j".into(), uid: "u".into() };
        let access = vec![ask("in/", Access::Read), ask("out/day=1/", Access::Write)];
        let spec = DataGrantSpec { data_plane: "default".into(), holder, access, ..DataGrantSpec::default() };
        let mut grant = DataGrant::new("g", spec);
        grant.metadata.namespace = Some("ml".into());
        world.apply(&grant);
    };
    let end = move |world: &World| {
        let grant = world.get::<DataGrant>("ml", "g").unwrap().status.unwrap();
        let secret = world.get::<Secret>("ml", "g").ok_or_else(|| format!("no Secret: {grant:?}"))?;
        let document: serde_json::Value =
            serde_json::from_str(&secret.string_data.unwrap()["credentials.json"]).unwrap();
        let word = |key: &str| document[key].as_str().unwrap().to_owned();
        // Real credentials carry the store's clock: fifteen minutes from now, not from the simulated now.
        let ends: jiff::Timestamp = word("Expiration").parse().unwrap();
        let left = ends.as_second() - jiff::Timestamp::now().as_second();
        assert!((800..=900).contains(&left), "{left} s left");
        let job =
            client(Signer::new(word("AccessKeyId"), word("SecretAccessKey"), Some(word("SessionToken")), None, "job"));
        let faults: Vec<String> = wait(try_walls(&job, (&raw, &other)))
            .into_iter()
            .filter(|(_, want, have)| want != have)
            .map(|(what, want, have)| format!("{what}: {have}, expected {want}"))
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    };
    play(&scenario("on a real store").given(setup).then(end));
}

const NO: &str = "AccessDenied";

/// What a job tries, what it must be told, what it was told.
async fn try_walls(job: &aws_sdk_s3::Client, of: (&str, &str)) -> Vec<(&'static str, &'static str, String)> {
    let (raw, other) = of;
    for key in ["in/a", "secret/a", "out/day=2/a"] {
        assert_eq!(put(&admin(), raw, key).await, "ok");
    }
    let get = |bucket: &str, key: &str| job.get_object().bucket(bucket).key(key).send();
    let head = |key: &str| job.head_object().bucket(raw).key(key).send();
    let delete = |key: &str| job.delete_object().bucket(raw).key(key).send();
    let list = |bucket: &str, prefix: &str| job.list_objects_v2().bucket(bucket).prefix(prefix).send();
    let upload = job.create_multipart_upload().bucket(raw).key("out/day=1/big").send().await;
    let part = async {
        let id = upload.as_ref().ok()?.upload_id().map(str::to_owned)?;
        let body = aws_sdk_s3::primitives::ByteStream::from_static(b"part");
        let sent =
            job.upload_part().bucket(raw).key("out/day=1/big").upload_id(&id).part_number(1).body(body).send().await;
        let listed = job.list_parts().bucket(raw).key("out/day=1/big").upload_id(&id).send().await;
        let aborted = job.abort_multipart_upload().bucket(raw).key("out/day=1/big").upload_id(&id).send().await;
        Some(format!("{} {} {}", said(sent), said(listed), said(aborted)))
    };
    let part = part.await.unwrap_or_default();
    vec![
        ("read in the read prefix", "ok", said(get(raw, "in/a").await)),
        ("list the read prefix", "ok", said(list(raw, "in/").await)),
        ("look for a missing key in the read prefix", "404", said_missing(head("in/none").await)),
        ("look for the directory key itself", "404", said_missing(head("out/day=1").await)),
        ("write in the read prefix", NO, put(job, raw, "in/b").await),
        ("delete in the read prefix", NO, said(delete("in/a").await)),
        ("write in the write prefix", "ok", put(job, raw, "out/day=1/a").await),
        ("read back what was written", "ok", said(get(raw, "out/day=1/a").await)),
        ("delete what was written", "ok", said(delete("out/day=1/a").await)),
        ("begin a multipart upload", "ok", said(upload)),
        ("send, list, abort parts", "ok ok ok", part),
        ("write beside the write prefix", NO, put(job, raw, "out/day=10/a").await),
        ("write in a sibling prefix", NO, put(job, raw, "out/day=2/b").await),
        ("read in a sibling prefix", NO, said(get(raw, "out/day=2/a").await)),
        ("read elsewhere in the bucket", NO, said(get(raw, "secret/a").await)),
        ("list a sibling prefix", NO, said(list(raw, "out/day=2/").await)),
        ("list the parent prefix", NO, said(list(raw, "out/").await)),
        ("list the whole bucket", NO, said(list(raw, "").await)),
        ("write to another bucket", NO, put(job, other, "in/a").await),
        ("read another bucket", NO, said(get(other, "in/a").await)),
        ("list another bucket", NO, said(list(other, "in/").await)),
        ("make a bucket", NO, said(job.create_bucket().bucket(format!("{other}-x")).send().await)),
        ("read the tags", NO, said(job.get_bucket_tagging().bucket(raw).send().await)),
        ("delete the bucket", NO, said(job.delete_bucket().bucket(other).send().await)),
        ("ask where the bucket is", "ok", said(job.get_bucket_location().bucket(raw).send().await)),
    ]
}

fn said_missing<T, E>(answer: Result<T, aws_sdk_s3::error::SdkError<E>>) -> String {
    answer.map_or_else(|e| e.raw_response().map_or(0, |r| r.status().as_u16()).to_string(), |_| "ok".to_owned())
}

#[test]
fn rules_of_others_are_kept() {
    let bucket = format!("{}x", prefix("tag"));
    let store = adapter(&endpoint(), root());
    wait(async {
        store.create(&bucket).await.unwrap();
        assert_eq!(store.create(&bucket).await.unwrap_err().trouble, Trouble::Exists);
        store.tag(&bucket, &BTreeMap::from([("cost-centre".to_owned(), "7".to_owned())])).await.unwrap();
        assert_eq!(store.tags(&bucket).await.unwrap(), tags(&bucket).await);
        let set = Expiry { set: [("a/".to_owned(), 1), (String::new(), 30)].into(), drop: vec![] };
        store.expire(&bucket, &set).await.unwrap();
        assert_eq!(store.look(&bucket).await.unwrap().unwrap().expire, set.set);
        let drop = Expiry { set: BTreeMap::new(), drop: vec!["a/".into(), String::new()] };
        store.expire(&bucket, &drop).await.unwrap();
        assert!(store.look(&bucket).await.unwrap().unwrap().expire.is_empty());
        assert_eq!(put(&admin(), &bucket, "savepoints/sp-10/_metadata").await, "ok");
        for key in ["savepoints/sp-10/_metadata", "savepoints/sp-10/"] {
            assert!(store.has(&bucket, key).await.unwrap(), "{key}");
        }
        for key in ["savepoints/sp-1", "savepoints/sp-1/", "savepoints/sp-10"] {
            assert!(!store.has(&bucket, key).await.unwrap(), "{key}");
        }
        assert!(store.empty(&bucket).await.unwrap() || store.empty(&bucket).await.unwrap());
        store.delete(&bucket).await.unwrap();
        store.delete(&bucket).await.unwrap();
        assert_eq!(store.look(&bucket).await.unwrap(), None);
        assert_eq!(store.has(&bucket, "k").await.unwrap_err().trouble, Trouble::NoSuchBucket);
    });
}

#[test]
fn troubles_are_told_apart() {
    wait(async {
        let wrong = Keys { access: "nobody".into(), secret: "nothing-at-all".into() };
        let denied = adapter(&endpoint(), wrong).probe().await.unwrap_err();
        assert_eq!(denied.trouble, Trouble::StoreDenied, "{denied}");
        assert!(!format!("{denied:?}").contains("nothing-at-all"));
        let began = Instant::now();
        let away = adapter("http://127.0.0.1:1", root()).probe().await.unwrap_err();
        assert_eq!(away.trouble, Trouble::StoreUnreachable, "{away}");
        println!("a store that is away is told after {:?}", began.elapsed());
        adapter(&endpoint(), root()).probe().await.unwrap();
        let policy = " ".to_owned();
        let ask = Assume { policy, duration: Duration::from_secs(900), session: "s".into() };
        let refused = adapter(&endpoint(), root()).assume(&ask).await.unwrap_err();
        assert_eq!(refused.trouble, Trouble::StoreRefused, "{refused}");
    });
}

#[test]
fn the_longest_policy_is_taken() {
    let mut prefixes = BTreeMap::new();
    let mut longest = String::new();
    for n in 0..100 {
        prefixes.insert(format!("prefix-{n}/"), Access::Write);
        match policy(&[("some-bucket".to_owned(), prefixes.clone())].into()) {
            Ok(text) => longest = text,
            Err(_) => break,
        }
    }
    assert!(longest.len() > MAX_CHARS - 200, "{}", longest.len());
    let ask = Assume { policy: longest, duration: Duration::from_secs(900), session: "ml.grant".into() };
    wait(adapter(&endpoint(), root()).assume(&ask)).unwrap();
}
