//! The broker's view against a real Kafka at `MILLRACE_KAFKA_BOOTSTRAP`, a loopback address.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod real_kafka_proxy;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use millrace_dataplane::kafka::{
    Broker, Change, Freshness, Health, Sight, Topic, UNREACHABLE,
    admin::Admin,
    client,
    view::{Surroundings, View},
};
use millrace_kit::{Class, Key, sim::patience};
use real_kafka_proxy::Proxy;

/// The real cluster.
fn bootstrap() -> String {
    std::env::var("MILLRACE_KAFKA_BOOTSTRAP").expect(
        "MILLRACE_KAFKA_BOOTSTRAP is not set: start a Kafka and give its host:port, or run `cargo xtask test`, which does both",
    )
}

/// Notes who was woken.
#[derive(Default)]
struct Around {
    topics: Mutex<BTreeSet<Key>>,
    planes: Mutex<u32>,
}

impl Surroundings for Around {
    #[expect(clippy::disallowed_methods, reason = "a real broker has real time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wanted(&self) -> bool {
        true
    }

    fn alive(&self, _: &Key) -> bool {
        true
    }

    fn wake(&self, topic: Key) {
        self.topics.lock().unwrap().insert(topic);
    }

    fn wake_plane(&self) {
        *self.planes.lock().unwrap() += 1;
    }
}

/// A view and what is its own in this test: topic names nobody else uses.
struct Bench {
    view: Arc<View>,
    around: Arc<Around>,
    admin: Arc<dyn Admin>,
    prefix: String,
}

impl Bench {
    fn new(test: &str) -> Self {
        let around = Arc::new(Around::default());
        let at = around.now().as_millisecond();
        let servers = bootstrap();
        let view = Arc::new(View::start(client(&servers), Arc::clone(&around) as Arc<dyn Surroundings>));
        Self { view, around, admin: client(&servers), prefix: format!("{test}.{at}.") }
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn look(&self, name: &str) -> Sight {
        self.view.look(&self.name(name), &Key::new("ml", name), Freshness::Snapshot).await
    }

    async fn topic(&self, name: &str) -> Topic {
        match self.look(name).await {
            Sight::Present(topic) => topic,
            other => panic!("{name}: {other:?}"),
        }
    }

    async fn shows(&self, name: &str, wanted: fn(&Sight) -> bool) {
        until(Duration::from_secs(60), || async { wanted(&self.look(name).await) }, || name.to_owned()).await;
    }

    fn create(&self, name: &str, partitions: i32, config: &[(&str, &str)]) -> Change {
        Change::Create {
            name: self.name(name),
            partitions: Some(partitions),
            replication_factor: None,
            config: pairs(config),
        }
    }

    async fn perform(&self, change: Change) {
        self.view.perform(&change).await.unwrap_or_else(|e| panic!("{change:?}: {e}"));
    }
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// Waits for a condition; on time-out fails with what `state` says.
async fn until<F: Future<Output = bool>>(
    within: Duration,
    mut is: impl FnMut() -> F,
    state: impl Fn() -> String,
) -> Duration {
    let (began, within) = (Instant::now(), patience(within));
    while !is().await {
        assert!(began.elapsed() < within, "not within {within:?}: {}", state());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_from_birth_to_death() {
    let b = Bench::new("life");
    assert_eq!(b.look("t").await, Sight::Absent);
    // Asking must not have made it, although this broker may make topics that are asked for.
    assert_eq!(b.view.look(&b.name("t"), &Key::new("ml", "t"), Freshness::Live).await, Sight::Absent);

    b.perform(b.create("t", 2, &[("retention.ms", "600000"), ("cleanup.policy", "compact,delete")])).await;
    let made = b.topic("t").await;
    assert_eq!((made.partitions, made.replication_factor), (2, 1));
    assert_eq!(made.config, pairs(&[("retention.ms", "600000"), ("cleanup.policy", "compact,delete")]));
    assert_eq!(made.id.len(), 22, "{made:?}");

    // Again, as after a crash: done, and the same topic.
    b.perform(b.create("t", 2, &[])).await;
    assert_eq!(b.topic("t").await, made);

    // Somebody else sets another key; ours are changed one by one and theirs stays.
    let theirs = Change::Configure { name: b.name("t"), set: pairs(&[("segment.ms", "700000")]), reset: vec![] };
    b.admin.change(&[theirs]).await.unwrap();
    let set = pairs(&[("retention.ms", "500000")]);
    b.perform(Change::Configure { name: b.name("t"), set, reset: vec!["cleanup.policy".into()] }).await;
    assert_eq!(b.topic("t").await.config, pairs(&[("retention.ms", "500000"), ("segment.ms", "700000")]));

    b.perform(Change::Grow { name: b.name("t"), partitions: 5 }).await;
    assert_eq!(b.topic("t").await.partitions, 5);

    b.perform(Change::Delete { name: b.name("t"), id: "AAAAAAAAAAAAAAAAAAAAAA".into() }).await;
    assert_eq!(b.topic("t").await.id, made.id, "a topic with another id is not ours");
    b.perform(Change::Delete { name: b.name("t"), id: made.id.clone() }).await;
    assert_eq!(b.look("t").await, Sight::Absent);
    b.perform(Change::Delete { name: b.name("t"), id: made.id }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_carry_the_brokers_words() {
    let b = Bench::new("refused");
    b.perform(b.create("dots.and_dashes", 3, &[])).await;
    let cases = [
        (b.create("x", 1, &[("retention.ms", "soon")]), "KafkaRefused", "retention.ms"),
        (b.create("dots_and.dashes", 1, &[]), "NameTaken", "collides"),
        (
            Change::Create { name: b.name("y"), partitions: Some(1), replication_factor: Some(3), config: pairs(&[]) },
            "KafkaRefused",
            "replica",
        ),
        (Change::Grow { name: b.name("dots.and_dashes"), partitions: 2 }, "KafkaRefused", "3"),
        (
            Change::Configure {
                name: b.name("dots.and_dashes"),
                set: pairs(&[("max.message.bytes", "-7")]),
                reset: vec![],
            },
            "KafkaRefused",
            "max.message.bytes",
        ),
    ];
    for (change, reason, words) in cases {
        let failure = b.view.perform(&change).await.expect_err("the broker refuses this");
        assert_eq!((failure.class, &*failure.reason), (Class::Invalid, reason), "{failure}");
        assert!(failure.message.contains(words), "{failure}");
        println!("{failure}");
    }
    // One bad change does not spoil the others of its request.
    let (good, bad) = (b.create("good", 1, &[]), b.create("bad", 1, &[("retention.ms", "never")]));
    let (good, bad) = tokio::join!(b.view.perform(&good), b.view.perform(&bad));
    good.unwrap();
    bad.expect_err("the broker refuses this");
    assert_eq!(b.topic("good").await.partitions, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_at_once() {
    const TOPICS: usize = 500;
    let b = Arc::new(Bench::new("many"));
    let all = |b: &Arc<Bench>, what: fn(Arc<Bench>, String) -> tokio::task::JoinHandle<()>| {
        let tasks: Vec<_> = (0..TOPICS).map(|n| what(Arc::clone(b), format!("t{n}"))).collect();
        async move {
            for task in tasks {
                task.await.unwrap();
            }
        }
    };
    let began = Instant::now();
    all(&b, |b, name| {
        tokio::spawn(async move {
            assert_eq!(b.view.look(&b.name(&name), &Key::new("ml", &name), Freshness::Live).await, Sight::Absent);
            b.perform(b.create(&name, 1, &[("retention.ms", "600000")])).await;
            // A broker that is busy with five hundred may show one later than the view waits for it.
            b.shows(&name, |sight| matches!(sight, Sight::Present(_))).await;
            assert_eq!(b.topic(&name).await.config.len(), 1);
        })
    })
    .await;
    println!("{TOPICS} topics looked for, created and seen in {:?}", began.elapsed());
    let began = Instant::now();
    all(&b, |b, name| {
        tokio::spawn(async move {
            let id = b.topic(&name).await.id;
            b.perform(Change::Delete { name: b.name(&name), id }).await;
            b.shows(&name, |sight| *sight == Sight::Absent).await;
        })
    })
    .await;
    println!("{TOPICS} topics deleted in {:?}", began.elapsed());
    assert!(b.around.topics.lock().unwrap().is_empty(), "nobody is woken by what they did themselves");
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_wakes_its_object_and_no_other() {
    let b = Bench::new("drift");
    for name in ["a", "b"] {
        b.perform(b.create(name, 1, &[("retention.ms", "600000")])).await;
        b.topic(name).await;
    }
    let set = pairs(&[("retention.ms", "1")]);
    b.admin.change(&[Change::Configure { name: b.name("a"), set, reset: vec![] }]).await.unwrap();
    let woken = || b.around.topics.lock().unwrap().clone();
    let took = until(Duration::from_secs(40), || async { !woken().is_empty() }, || format!("{:?}", woken())).await;
    println!("drift noticed after {took:?}");
    assert_eq!(woken(), BTreeSet::from([Key::new("ml", "a")]));
    assert_eq!(b.topic("a").await.config["retention.ms"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_known_both_ways() {
    let limit = Duration::from_secs(15);
    let kafka = Proxy::start(&bootstrap());
    let around = Arc::new(Around::default());
    let view = View::start(client(&kafka.address), Arc::clone(&around) as Arc<dyn Surroundings>);
    let health = || format!("{:?}", view.health());
    let up = || async { matches!(view.health(), Health::Up { brokers: 1, .. }) };
    let down = || async { matches!(view.health(), Health::Down { .. }) };
    println!("up after {:?}", until(limit, up, health).await);

    kafka.switch(false);
    println!("down after {:?}", until(limit, down, health).await);
    let key = Key::new("ml", "t");
    let sight = view.look("t", &key, Freshness::Live).await;
    assert!(matches!(sight, Sight::Unreachable { .. }), "{sight:?}");
    let change =
        Change::Create { name: "t".into(), partitions: None, replication_factor: None, config: BTreeMap::new() };
    assert_eq!(view.perform(&change).await.expect_err("nobody is there").reason, UNREACHABLE);

    kafka.switch(true);
    println!("up again after {:?}", until(limit, up, health).await);
    assert_eq!(*around.planes.lock().unwrap(), 3, "woken for each turn and for nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_never_was_is_unreachable() {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let view = View::start(client(&nowhere.to_string()), Arc::new(Around::default()));
    let began = Instant::now();
    let sight = view.look("t", &Key::new("ml", "t"), Freshness::Live).await;
    assert!(matches!(sight, Sight::Unreachable { .. }), "{sight:?}");
    println!("told that nobody answers after {:?}", began.elapsed());
}
