//! The two floors under `cargo xtask bench`: creating objects with nobody watching, and creating topics with no API server.
//!
//! `floor objects N NAMESPACE` creates N DataTopics; `floor topics N` creates N topics in batches of 100. Each prints seconds.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use kube::{Api, Client, api::PostParams};
use millrace_crds::{DataTopic, DataTopicSpec};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let began = Instant::now();
    match words.as_slice() {
        ["objects", count, namespace] => objects(count.parse()?, namespace).await?,
        ["topics", count] => topics(count.parse()?).await?,
        _ => return Err("floor objects N NAMESPACE | floor topics N".into()),
    }
    println!("{:.3}", began.elapsed().as_secs_f64());
    Ok(())
}

/// Creates the objects, 32 calls at a time: as many as the operator has passes.
#[expect(clippy::disallowed_methods, reason = "a user's hands, not the operator's")]
async fn objects(count: usize, namespace: &str) -> Outcome<()> {
    let api: Api<DataTopic> = Api::namespaced(Client::try_default().await?, namespace);
    let api = &api;
    let one = |n: usize| async move {
        let mut spec = DataTopicSpec { data_plane: "default".into(), ..DataTopicSpec::default() };
        spec.topic.partitions = 1;
        api.create(&PostParams::default(), &DataTopic::new(&format!("bench-{n}"), spec)).await.map(|_| ())
    };
    stream::iter(0..count).map(one).buffer_unordered(32).try_collect::<Vec<()>>().await?;
    Ok(())
}

async fn topics(count: usize) -> Outcome<()> {
    let servers = std::env::var("MILLRACE_KAFKA_BOOTSTRAP")?;
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", servers).create()?;
    let names: Vec<String> = (0..count).map(|n| format!("floor-{n}")).collect();
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    for batch in names.chunks(100) {
        let new: Vec<NewTopic<'_>> = batch.iter().map(|n| NewTopic::new(n, 1, TopicReplication::Fixed(1))).collect();
        for result in admin.create_topics(&new, &options).await? {
            result.map_err(|(name, code)| format!("{name}: {code}"))?;
        }
    }
    Ok(())
}
