use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_crds::Reason;
use millrace_kit::{Class, Failure, Key};

use super::{Surroundings, View};
use crate::kafka::{Broker, Change, Freshness, Sight, Topic, admin::Admin};

/// A cluster that notes every request and shows what it made only on the third question.
#[derive(Default)]
struct Fake {
    requests: Mutex<Vec<String>>,
    topics: Mutex<BTreeMap<String, u32>>,
}

#[async_trait]
impl Admin for Fake {
    async fn cluster(&self, _: Duration) -> Result<(String, i32), Failure> {
        Ok(("fake".into(), 1))
    }

    async fn describe(&self, names: &[String]) -> Result<BTreeMap<String, Sight>, Failure> {
        self.requests.lock().unwrap().push(format!("describe {}", names.len()));
        if names.iter().any(|n| n == "secret") {
            return Err(Failure::new(Class::Forbidden, Reason::KafkaDenied, "not yours"));
        }
        let mut topics = self.topics.lock().unwrap();
        let mut sight = |name: &String| match topics.get_mut(name) {
            Some(asked) if *asked >= 2 => Sight::Present(Topic { id: "1".into(), partitions: 1, ..Topic::default() }),
            Some(asked) => {
                *asked += 1;
                Sight::Absent
            }
            None => Sight::Absent,
        };
        Ok(names.iter().map(|n| (n.clone(), sight(n))).collect())
    }

    async fn change(&self, changes: &[Change]) -> Result<BTreeMap<String, Result<(), Failure>>, Failure> {
        self.requests.lock().unwrap().push(format!("change {}", changes.len()));
        let mut topics = self.topics.lock().unwrap();
        let done = |c: &Change| {
            topics.insert(c.name().to_owned(), 0);
            (c.name().to_owned(), Ok(()))
        };
        Ok(changes.iter().map(done).collect())
    }
}

#[derive(Default)]
struct Around(Mutex<BTreeSet<Key>>);

impl Surroundings for Around {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn wanted(&self) -> bool {
        true
    }

    fn alive(&self, _: &Key) -> bool {
        true
    }

    fn wake(&self, topic: Key) {
        self.0.lock().unwrap().insert(topic);
    }

    fn wake_plane(&self) {}
}

fn create(name: &str) -> Change {
    Change::Create { name: name.into(), partitions: Some(1), replication_factor: None, config: BTreeMap::new() }
}

async fn look(view: &View, name: &str) -> Sight {
    view.look(name, &Key::new("ml", name), Freshness::Live).await
}

#[tokio::test]
async fn questions_and_changes_travel_together() {
    let (fake, around) = (Arc::new(Fake::default()), Arc::new(Around::default()));
    let view = View::start(Arc::clone(&fake) as Arc<dyn Admin>, Arc::clone(&around) as Arc<dyn Surroundings>);
    let names: Vec<String> = (0..30).map(|n| format!("t{n}")).collect();
    let changes: Vec<Change> = names.iter().map(|n| create(n)).collect();
    futures::future::join_all(names.iter().map(|n| look(&view, n))).await;
    let made = futures::future::join_all(changes.iter().map(|c| view.perform(c))).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!(*fake.requests.lock().unwrap(), ["describe 30", "change 30"]);
}

#[tokio::test]
async fn a_look_after_a_change_waits_until_the_change_shows() {
    let fake = Arc::new(Fake::default());
    let view = View::start(Arc::clone(&fake) as Arc<dyn Admin>, Arc::new(Around::default()));
    assert_eq!(look(&view, "t").await, Sight::Absent);
    view.perform(&create("t")).await.unwrap();
    let key = Key::new("ml", "t");
    let seen = view.look("t", &key, Freshness::Snapshot).await;
    assert!(matches!(seen, Sight::Present(_)), "{seen:?}");
    // From now on the snapshot answers by itself.
    let before = fake.requests.lock().unwrap().len();
    assert_eq!(view.look("t", &key, Freshness::Snapshot).await, seen);
    assert_eq!(fake.requests.lock().unwrap().len(), before);
}

#[tokio::test]
async fn a_refused_question_is_an_answer() {
    let view = View::start(Arc::new(Fake::default()), Arc::new(Around::default()));
    let sight = look(&view, "secret").await;
    assert!(matches!(&sight, Sight::Refused(f) if f.class == Class::Forbidden), "{sight:?}");
}

#[tokio::test]
async fn the_task_ends_with_its_view() {
    let fake = Arc::new(Fake::default());
    let view = View::start(Arc::clone(&fake) as Arc<dyn Admin>, Arc::new(Around::default()));
    look(&view, "t").await;
    drop(view);
    let ended = async {
        while Arc::strong_count(&fake) > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the task still holds its cluster");
}
