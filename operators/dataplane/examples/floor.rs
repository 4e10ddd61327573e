//! What `cargo xtask bench topics` measures with: objects created with nobody watching, the broker and the store without an
//! API server, and objects created and followed until an operator has made them Ready.
//!
//! `floor objects KIND N NAMESPACE`: N objects. `floor written KIND N NAMESPACE`: N objects and a status write each (of a grant
//! a Secret too), the least any operator does. `floor topics N`, `floor buckets N`, `floor grants N`: broker, store and its STS
//! alone. `floor ready KIND N NAMESPACE`: N objects until all are Ready. KIND is topic, bucket or grant. Each prints seconds; `topics` prints the
//! time until all are confirmed, and until the broker shows them; `ready` prints the time of the
//! creations, of the whole, and the median and 99th percentile from an object's creation to its Ready.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use aws_credential_types::Credentials;
use aws_sdk_s3::{
    config::{BehaviorVersion, Region},
    types::{Tag, Tagging},
};
use futures::{Stream, StreamExt, TryStreamExt, future::try_join, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, PostParams},
    runtime::watcher,
};
use millrace_crds::well_known::GRANT_SECRET_TYPE;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    metadata::MetadataTopic,
};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Longest wait for the broker.
const PATIENCE: Duration = Duration::from_secs(30);
/// Calls at one time of one pair of hands.
const CALLS: usize = 32;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let began = Instant::now();
    match words.as_slice() {
        ["objects", kind, count, namespace] => {
            objects(&Writer::new(kind, namespace).await?, count.parse()?, false).await?
        }
        ["written", kind, count, namespace] => {
            objects(&Writer::new(kind, namespace).await?, count.parse()?, true).await?
        }
        ["topics", count] => return topics(count.parse()?).await,
        ["buckets", count] => buckets(count.parse()?).await?,
        ["grants", count] => grants(count.parse()?).await?,
        ["ready", kind, count, namespace] => return ready(&Writer::new(kind, namespace).await?, count.parse()?).await,
        _ => return Err("see the head of examples/floor.rs".into()),
    }
    println!("{:.3}", began.elapsed().as_secs_f64());
    Ok(())
}

/// A user's hands in a namespace.
struct Writer {
    kind: &'static str,
    resource: ApiResource,
    client: Client,
    namespace: String,
    api: Api<DynamicObject>,
}

impl Writer {
    async fn new(kind: &str, namespace: &str) -> Outcome<Self> {
        let (kind, plural) = match kind {
            "topic" => ("DataTopic", "datatopics"),
            "bucket" => ("DataBucket", "databuckets"),
            "grant" => ("DataGrant", "datagrants"),
            other => return Err(format!("no kind {other}").into()),
        };
        let resource = ApiResource {
            group: "millrace.dev".into(),
            version: "v1alpha1".into(),
            api_version: "millrace.dev/v1alpha1".into(),
            kind: kind.into(),
            plural: plural.into(),
        };
        let client = Client::try_default().await?;
        let api = Api::namespaced_with(client.clone(), namespace, &resource);
        Ok(Self { kind, resource, client, namespace: namespace.to_owned(), api })
    }

    fn object(&self, n: usize) -> DynamicObject {
        let spec = match self.kind {
            "DataGrant" => json!({
                "dataPlane": "default",
                "holder": {"kind": "ProcessingJob", "name": format!("bench-{n}"), "uid": format!("uid-{n}")},
                "access": [{"bucket": "data", "prefix": format!("job-{n}/"), "mode": "Write"}],
            }),
            _ => json!({"dataPlane": "default"}),
        };
        DynamicObject::new(&format!("bench-{n}"), &self.resource).data(json!({"spec": spec}))
    }

    #[expect(clippy::disallowed_methods, reason = "a user's hands, not the operator's")]
    async fn create(&self, n: usize) -> Outcome<DynamicObject> {
        Ok(self.api.create(&PostParams::default(), &self.object(n)).await?)
    }

    /// What an operator's last writes say, more or less.
    #[expect(clippy::disallowed_methods, reason = "a user's hands, not the operator's")]
    async fn write(&self, mut made: DynamicObject) -> Outcome<()> {
        if self.kind == "DataGrant" {
            let body = json!({
                "metadata": {"name": made.name_any()}, "type": GRANT_SECRET_TYPE,
                "stringData": {"config": "x".repeat(200), "credentials.json": "x".repeat(900)},
            });
            let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
            secrets.create(&PostParams::default(), &serde_json::from_value(body)?).await?;
        }
        let condition = json!({
            "type": "Ready", "status": "True", "reason": "AsDeclared", "message": "it is as declared",
            "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
        });
        if let Some(object) = made.data.as_object_mut() {
            object.insert("status".to_owned(), json!({"observedGeneration": 1, "conditions": [condition]}));
        }
        self.api.replace_status(&made.name_any(), &PostParams::default(), &made).await?;
        Ok(())
    }
}

async fn objects(writer: &Writer, count: usize, written: bool) -> Outcome<()> {
    let one = |n: usize| async move {
        let made = writer.create(n).await?;
        if written { writer.write(made).await } else { Ok(()) }
    };
    stream::iter(0..count).map(one).buffer_unordered(CALLS).try_collect().await
}

/// Creates the objects and follows them by one watch.
async fn ready(writer: &Writer, count: usize) -> Outcome<()> {
    let watch = watcher::watcher(writer.api.clone(), watcher::Config::default()).boxed();
    let began = Instant::now();
    let created = async {
        let one = |n: usize| async move {
            let sent = Instant::now();
            Ok::<_, Box<dyn std::error::Error>>((writer.create(n).await?.name_any(), sent))
        };
        let all: HashMap<String, Instant> =
            stream::iter(0..count).map(one).buffer_unordered(CALLS).try_collect().await?;
        Ok((all, began.elapsed()))
    };
    let ((sent, created), seen) = try_join(created, follow(watch, count)).await?;
    let whole = began.elapsed();
    let mut each: Vec<f64> =
        seen.iter().filter_map(|(name, at)| Some(at.duration_since(*sent.get(name)?).as_secs_f64())).collect();
    each.sort_by(f64::total_cmp);
    let at = |part: usize| each.get(each.len() * part / 100).copied().unwrap_or(f64::NAN);
    println!("{:.3} {:.3} {:.3} {:.3}", created.as_secs_f64(), whole.as_secs_f64(), at(50), at(99));
    Ok(())
}

/// When each of the objects was first seen Ready.
async fn follow(
    mut watch: impl Stream<Item = watcher::Result<watcher::Event<DynamicObject>>> + Unpin,
    count: usize,
) -> Outcome<HashMap<String, Instant>> {
    let mut seen = HashMap::new();
    while seen.len() < count {
        let Some(event) = watch.next().await else { return Err("the watch has ended".into()) };
        let (watcher::Event::Apply(object) | watcher::Event::InitApply(object)) = event? else { continue };
        let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
        let ready = conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
        if ready && object.name_any().starts_with("bench-") {
            seen.entry(object.name_any()).or_insert_with(Instant::now);
        }
    }
    Ok(seen)
}

/// Creates topics in batches of 100; prints when the last is confirmed, and when the broker shows all of them.
async fn topics(count: usize) -> Outcome<()> {
    let servers = std::env::var("MILLRACE_KAFKA_BOOTSTRAP")?;
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", servers).create()?;
    let prefix = format!("floor-{}-", std::process::id());
    let names: Vec<String> = (0..count).map(|n| format!("{prefix}{n}")).collect();
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    let began = Instant::now();
    for batch in names.chunks(100) {
        let new: Vec<NewTopic<'_>> = batch.iter().map(|n| NewTopic::new(n, 1, TopicReplication::Fixed(1))).collect();
        for result in admin.create_topics(&new, &options).await? {
            result.map_err(|(name, code)| format!("{name}: {code}"))?;
        }
    }
    let confirmed = began.elapsed();
    loop {
        let all = admin.inner().fetch_metadata(None, PATIENCE)?;
        let shown = |topic: &&MetadataTopic| topic.name().starts_with(&prefix) && !topic.partitions().is_empty();
        if all.topics().iter().filter(shown).count() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{:.3} {:.3}", confirmed.as_secs_f64(), began.elapsed().as_secs_f64());
    Ok(())
}

fn word(name: &str) -> Outcome<String> {
    Ok(std::env::var(format!("MILLRACE_S3_{name}"))?)
}

fn login() -> Outcome<Credentials> {
    Ok(Credentials::new(word("ACCESS_KEY")?, word("SECRET_KEY")?, None, None, "floor"))
}

/// Fetches credentials as grants do.
async fn grants(count: usize) -> Outcome<()> {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .endpoint_url(word("ENDPOINT")?)
        .region(Region::new("us-east-1"))
        .credentials_provider(login()?)
        .build();
    let client = &aws_sdk_sts::Client::from_conf(config);
    let one = |n: usize| async move {
        let actions = json!(["s3:GetObject", "s3:PutObject"]);
        let statement =
            json!({"Effect": "Allow", "Action": actions, "Resource": format!("arn:aws:s3:::data/job-{n}/*")});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let ask = client.assume_role().role_arn("arn:aws:iam::000000000000:role/floor").role_session_name("floor");
        ask.policy(policy).duration_seconds(3_600).send().await?;
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    stream::iter(0..count).map(one).buffer_unordered(CALLS).try_collect().await
}

/// Creates and tags buckets.
async fn buckets(count: usize) -> Outcome<()> {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(word("ENDPOINT")?)
        .region(Region::new("us-east-1"))
        .force_path_style(true)
        .credentials_provider(login()?)
        .build();
    let client = &aws_sdk_s3::Client::from_conf(config);
    let one = |n: usize| async move {
        let name = format!("floor-{}-{n}", std::process::id());
        client.create_bucket().bucket(&name).send().await?;
        let tags = Tagging::builder().tag_set(Tag::builder().key("owner").value("bench").build()?).build()?;
        client.put_bucket_tagging().bucket(&name).tagging(tags).send().await?;
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    stream::iter(0..count).map(one).buffer_unordered(CALLS).try_collect().await
}
