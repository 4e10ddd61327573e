//! Real store, simulated API server: the controllers run in the simulated world on the S3 adapter, and an admin looks at
//! the store by its own client.

use std::{
    collections::BTreeMap,
    future::Future,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, OnceLock},
};

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials as Signer, Region, RequestChecksumCalculation, retry::RetryConfig},
    error::ProvideErrorMetadata,
    primitives::ByteStream,
    types::{
        BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus, LifecycleExpiration, LifecycleRule,
        LifecycleRuleFilter, Tag, Tagging, VersioningConfiguration,
    },
};
use k8s_openapi::{
    ByteString,
    api::core::v1::{Namespace, Secret},
};
use kube::api::ObjectMeta;
use millrace_crds::{
    DataPlane, DataPlaneSpec, SecretRef,
    data_plane::{KafkaSpec, ObjectStoreSpec},
};
use millrace_dataplane::{
    bucket::Buckets,
    connect::Connections,
    grant::Grants,
    kafka::{Broker, OpenKafka},
    store::{Keys, OpenStore, Settings, Store, StoreKeys, s3::Open},
};
use millrace_kit::{Controller, Env, Kernel, sim::World};
use tokio::runtime::Runtime;

const HOME: &str = "millrace";

fn env(name: &str) -> String {
    let missing = || {
        panic!(
            "set {name}: these tests need a MinIO (MILLRACE_S3_ENDPOINT, MILLRACE_S3_ACCESS_KEY, MILLRACE_S3_SECRET_KEY)"
        )
    };
    std::env::var(name).unwrap_or_else(|_| missing())
}

pub(crate) fn endpoint() -> String {
    env("MILLRACE_S3_ENDPOINT")
}

pub(crate) fn root() -> Keys {
    Keys { access: env("MILLRACE_S3_ACCESS_KEY"), secret: env("MILLRACE_S3_SECRET_KEY") }
}

/// The runtime whose threads carry the SDK's connections; passes themselves run on the test's own thread.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// A bucket prefix of this run alone, at most 16 characters.
pub(crate) fn prefix(test: &str) -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("{test}{:x}-", random & 0xfff_ffff)
}

pub(crate) fn settings(endpoint: &str) -> Settings {
    Settings::of(&ObjectStoreSpec { endpoint: endpoint.to_owned(), ..ObjectStoreSpec::default() })
}

/// The adapter under test.
pub(crate) fn adapter(endpoint: &str, keys: Keys) -> Arc<dyn Store> {
    Open.open(&settings(endpoint), &StoreKeys { admin: keys.clone(), sts: Some(keys) })
}

/// An independent client: root's, or with the credentials of a grant.
pub(crate) fn client(signer: Signer) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint())
        .region(Region::new("us-east-1"))
        .force_path_style(true)
        .credentials_provider(signer)
        .retry_config(RetryConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .build();
    Client::from_conf(config)
}

pub(crate) fn admin() -> Client {
    let keys = root();
    client(Signer::new(keys.access, keys.secret, None, None, "test"))
}

/// `ok`, or the error code (HTTP status where there is none).
pub(crate) fn said<T, E: ProvideErrorMetadata>(answer: Result<T, aws_sdk_s3::error::SdkError<E>>) -> String {
    match answer {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            let status = error.raw_response().map(|r| r.status().as_u16()).unwrap_or_default();
            let code = error.as_service_error().and_then(|e| e.code()).map(str::to_owned);
            code.unwrap_or_else(|| status.to_string())
        }
    }
}

pub(crate) async fn put(client: &Client, bucket: &str, key: &str) -> String {
    said(client.put_object().bucket(bucket).key(key).body(ByteStream::from_static(b"x")).send().await)
}

pub(crate) async fn tags(bucket: &str) -> BTreeMap<String, String> {
    let answer = admin().get_bucket_tagging().bucket(bucket).send().await.unwrap();
    answer.tag_set.into_iter().map(|t| (t.key, t.value)).collect()
}

/// What somebody else does to a bucket: versioning off, a rule and a tag of their own in place of ours.
pub(crate) fn tamper(bucket: &str) {
    wait(async {
        let admin = admin();
        let config = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
        admin.put_bucket_versioning().bucket(bucket).versioning_configuration(config).send().await.unwrap();
        let theirs = Tag::builder().key("cost-centre").value("7").build().unwrap();
        let all = admin.get_bucket_tagging().bucket(bucket).send().await.unwrap().tag_set;
        let all = Tagging::builder().set_tag_set(Some(all)).tag_set(theirs).build().unwrap();
        admin.put_bucket_tagging().bucket(bucket).tagging(all).send().await.unwrap();
        let tag = Tag::builder().key("class").value("cold").build().unwrap();
        let rule = LifecycleRule::builder()
            .id("theirs")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().tag(tag).build())
            .expiration(LifecycleExpiration::builder().days(3).build())
            .build()
            .unwrap();
        let rules = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
        admin.put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(rules).send().await.unwrap();
    });
}

struct NoKafka;

impl OpenKafka for NoKafka {
    fn open(&self, _: &str, _: &KafkaSpec) -> Arc<dyn Broker> {
        unreachable!("buckets and grants never talk to brokers")
    }
}

/// The controllers of buckets and grants, on the real adapter.
pub(crate) fn build(env: &Env, _: &World) -> Vec<Box<dyn Controller>> {
    let connections = Connections::new(HOME, Arc::new(NoKafka), Arc::new(Open));
    vec![
        Box::new(Kernel::new(Buckets::new(Arc::clone(&connections), env.reader.clone()), env.reader.clone())),
        Box::new(Kernel::new(Grants::new(connections, env.reader.clone()), env.reader.clone())),
    ]
}

/// A DataPlane on the real store.
pub(crate) fn plane(world: &World, prefix: &str) {
    let named = |name: &str, namespace: Option<&str>| ObjectMeta {
        name: Some(name.into()),
        namespace: namespace.map(str::to_owned),
        ..ObjectMeta::default()
    };
    world.apply(&Namespace { metadata: named("ml", None), ..Namespace::default() });
    let keys = root();
    let data = [("accessKey", keys.access), ("secretKey", keys.secret)];
    let data: BTreeMap<_, _> = data.map(|(k, v)| (k.to_owned(), ByteString(v.into_bytes()))).into();
    world.apply(&Secret { metadata: named("store", Some(HOME)), data: Some(data), ..Secret::default() });
    let secret = Some(SecretRef { name: "store".into() });
    let spec = DataPlaneSpec {
        owner: "rung2".into(),
        object_store: Some(ObjectStoreSpec {
            endpoint: endpoint(),
            bucket_prefix: Some(prefix.into()),
            credential_lifetime: Some("15m".into()),
            ..ObjectStoreSpec::default()
        }),
        admin_secret_ref: secret.clone(),
        sts_secret_ref: secret,
        ..DataPlaneSpec::default()
    };
    world.apply(&DataPlane::new("default", spec));
}
