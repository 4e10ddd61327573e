//! The broker's view: one task per DataPlane that asks and changes for all its topics together.
//!
//! Questions and changes are collected for 10 ms and sent in batches; all watched topics are read again every 30 s; the
//! broker is pinged every 5 s (2 s while away). Whoever was told something that is no longer so is woken, and nobody
//! else. Sequential on purpose: an answer is always newer than the change before it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use millrace_kit::{Class, Failure, Key};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    Broker, Change, Freshness, Health, Sight, UNREACHABLE,
    admin::Admin,
    batch,
    state::{Asking, State},
};

/// Most topics in one question.
pub const CHUNK: usize = 500;
/// How long questions and changes are collected.
const COLLECT: Duration = Duration::from_millis(10);
/// How often all watched topics are read again.
const POLL: Duration = Duration::from_secs(30);
/// How often the broker is pinged.
const PING: Duration = Duration::from_secs(5);
/// How often it is pinged while it is away.
const PING_AWAY: Duration = Duration::from_secs(2);
/// A broker shows a change a little after it has confirmed it, and a busy one seconds after: how long to wait before
/// looking again, once more of it each time, and how often; 4.2 s in all.
const SETTLE: (Duration, u32) = (Duration::from_millis(20), 20);

/// What a view needs from the process around it.
pub trait Surroundings: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
    /// Whether the DataPlane is still there.
    fn wanted(&self) -> bool;
    /// Whether this DataTopic is still there.
    fn alive(&self, topic: &Key) -> bool;
    /// Wakes this DataTopic.
    fn wake(&self, topic: Key);
    /// Wakes the DataPlane.
    fn wake_plane(&self);
}

enum Ask {
    Look((String, Key), oneshot::Sender<Sight>),
    Perform(Change, oneshot::Sender<Result<(), Failure>>),
}

/// The view of one DataPlane's broker.
pub struct View {
    state: Arc<Mutex<State>>,
    asks: mpsc::UnboundedSender<Ask>,
}

impl View {
    /// Starts the task; it ends when the view is dropped or its DataPlane is gone.
    #[must_use]
    pub fn start(admin: Arc<dyn Admin>, around: Arc<dyn Surroundings>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (asks, inbox) = mpsc::unbounded_channel();
        let task = Task { admin, around, state: Arc::clone(&state), inbox, expected: BTreeMap::new() };
        tokio::spawn(task.run());
        Self { state, asks }
    }
}

#[async_trait]
impl Broker for View {
    fn health(&self) -> Health {
        lock(&self.state).health()
    }

    fn closed(&self) -> bool {
        self.asks.is_closed()
    }

    async fn look(&self, name: &str, who: &Key, freshness: Freshness) -> Sight {
        {
            let mut state = lock(&self.state);
            state.watch(name, who);
            if let Some(sight) = state.tell(name, freshness) {
                return sight;
            }
        }
        let (answer, answered) = oneshot::channel();
        let _ = self.asks.send(Ask::Look((name.to_owned(), who.clone()), answer));
        answered.await.unwrap_or_else(|_| ended())
    }

    async fn perform(&self, change: &Change) -> Result<(), Failure> {
        lock(&self.state).spoil(std::iter::once(change.name()));
        let (answer, answered) = oneshot::channel();
        let _ = self.asks.send(Ask::Perform(change.clone(), answer));
        answered
            .await
            .unwrap_or_else(|_| Err(Failure::new(Class::Transient, UNREACHABLE, "the broker's view has ended")))
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended() -> Sight {
    Sight::Unreachable { since: Timestamp::UNIX_EPOCH, message: "the broker's view has ended".to_owned() }
}

struct Task {
    admin: Arc<dyn Admin>,
    around: Arc<dyn Surroundings>,
    state: Arc<Mutex<State>>,
    inbox: mpsc::UnboundedReceiver<Ask>,
    /// Confirmed changes that no answer has shown yet.
    expected: BTreeMap<String, Change>,
}

impl Task {
    async fn run(mut self) {
        let mut ping_at = Instant::now();
        let mut poll_at = Instant::now() + POLL;
        loop {
            tokio::select! {
                ask = self.inbox.recv() => match ask {
                    Some(first) => self.serve(first).await,
                    None => return,
                },
                () = sleep_until(ping_at) => {
                    if !self.around.wanted() {
                        return;
                    }
                    self.ping().await;
                    ping_at = Instant::now() + if self.is_down() { PING_AWAY } else { PING };
                }
                () = sleep_until(poll_at) => {
                    lock(&self.state).prune(|key| self.around.alive(key));
                    self.read_all().await;
                    poll_at = Instant::now() + POLL;
                }
            }
        }
    }

    fn is_down(&self) -> bool {
        matches!(lock(&self.state).health(), Health::Down { .. })
    }

    fn away(&self, failure: &Failure) {
        if failure.reason == UNREACHABLE && lock(&self.state).down(self.around.now(), &failure.message) {
            tracing::warn!(message = failure.message, "Kafka is away");
            self.around.wake_plane();
        }
    }

    async fn ping(&mut self) {
        let was_down = self.is_down();
        match self.admin.cluster().await {
            Ok((cluster, brokers)) => {
                if lock(&self.state).up(cluster, brokers) {
                    self.around.wake_plane();
                }
                if was_down {
                    self.read_all().await;
                }
            }
            // Whatever a ping fails of, topics cannot be kept.
            Err(failure) => {
                if lock(&self.state).down(self.around.now(), &failure.message) {
                    tracing::warn!(message = failure.message, "Kafka is away");
                    self.around.wake_plane();
                }
            }
        }
    }

    async fn read_all(&mut self) {
        let names = lock(&self.state).names();
        self.read(names.into_iter().collect(), &Asking::new()).await;
    }

    /// Collects what else is asked within a moment, performs the changes, then answers the questions.
    async fn serve(&mut self, first: Ask) {
        let mut changes = Vec::new();
        let mut looks = Vec::new();
        let until = Instant::now() + COLLECT;
        let mut next = Some(first);
        while let Some(ask) = next {
            match ask {
                Ask::Look(what, answer) => looks.push((what, answer)),
                Ask::Perform(change, answer) => changes.push((change, answer)),
            }
            next = if changes.len() < batch::TOPICS && looks.len() < CHUNK {
                timeout_at(until, self.inbox.recv()).await.ok().flatten()
            } else {
                None
            };
        }
        if !changes.is_empty() {
            self.change(changes).await;
        }
        if !looks.is_empty() {
            let mut asking = Asking::new();
            for ((name, who), _) in &looks {
                asking.entry(name.clone()).or_default().insert(who.clone());
            }
            self.read(asking.keys().cloned().collect(), &asking).await;
            let mut state = lock(&self.state);
            for ((name, _), answer) in looks {
                let _ = answer.send(state.tell(&name, Freshness::Snapshot).unwrap_or_else(ended));
            }
        }
    }

    async fn change(&mut self, asked: Vec<(Change, oneshot::Sender<Result<(), Failure>>)>) {
        let mut waiting: Vec<(Change, Option<oneshot::Sender<_>>)> =
            asked.into_iter().map(|(change, answer)| (change, Some(answer))).collect();
        for request in batch::requests(waiting.iter().map(|(change, _)| change.clone()).collect()) {
            let began = Instant::now();
            let outcome = match self.unreachable() {
                Some(failure) => Err(failure),
                None => self.admin.change(&request).await,
            };
            tracing::debug!(topics = request.len(), took = ?began.elapsed(), "changed");
            if let Err(failure) = &outcome {
                self.away(failure);
            }
            for change in request {
                let verdict = match &outcome {
                    Ok(each) => each.get(change.name()).cloned().unwrap_or(Ok(())),
                    Err(failure) => Err(failure.clone()),
                };
                let slot = waiting.iter_mut().find(|(c, answer)| *c == change && answer.is_some());
                if let Some(answer) = slot.and_then(|(_, answer)| answer.take()) {
                    let _ = answer.send(verdict.clone());
                }
                if verdict.is_ok() {
                    self.expected.insert(change.name().to_owned(), change);
                }
            }
        }
    }

    fn unreachable(&self) -> Option<Failure> {
        match lock(&self.state).health() {
            Health::Down { message, .. } => Some(Failure::new(Class::Transient, UNREACHABLE, message)),
            Health::Connecting | Health::Up { .. } => None,
        }
    }

    /// Asks about these topics until all confirmed changes show, or for as long as it is worth waiting.
    async fn read(&mut self, mut names: BTreeSet<String>, asking: &Asking) {
        let (pause, tries) = SETTLE;
        for attempt in 0..=tries {
            if names.is_empty() || self.unreachable().is_some() {
                return;
            }
            if attempt > 0 {
                sleep(pause * attempt).await;
            }
            let all: Vec<String> = names.iter().cloned().collect();
            for chunk in all.chunks(CHUNK) {
                let began = Instant::now();
                let described = self.admin.describe(chunk).await;
                tracing::debug!(topics = chunk.len(), attempt, took = ?began.elapsed(), "described");
                match described {
                    Ok(sights) => self.take(sights, (&mut names, attempt == tries), asking),
                    Err(failure) => {
                        self.away(&failure);
                        // The broker answers, but not to this question: that is an answer about each of them.
                        let about = |name: &String| (name.clone(), Sight::Refused(failure.clone()));
                        let sights = if self.unreachable().is_some() {
                            BTreeMap::new()
                        } else {
                            all.iter().map(about).collect()
                        };
                        return self.take(sights, (&mut names, true), asking);
                    }
                }
            }
        }
        let unsettled = Failure::new(Class::Waiting, "TopicNotSettled", "the broker does not describe the topic yet");
        let left = names.iter().map(|name| (name.clone(), Sight::Refused(unsettled.clone()))).collect();
        self.take(left, (&mut names, true), asking);
    }

    /// Takes in answers; those that do not show a confirmed change yet are left in `names`, unless it is the last try.
    fn take(&mut self, mut sights: BTreeMap<String, Sight>, open: (&mut BTreeSet<String>, bool), asking: &Asking) {
        let (names, last) = open;
        sights.retain(|name, sight| last || self.expected.get(name).is_none_or(|change| shows(change, sight)));
        for name in sights.keys() {
            names.remove(name);
            self.expected.remove(name);
        }
        for key in lock(&self.state).saw(sights, asking) {
            self.around.wake(key);
        }
    }
}

/// Whether the topic looks as this change leaves it.
fn shows(change: &Change, sight: &Sight) -> bool {
    match (change, sight) {
        (_, Sight::Refused(_) | Sight::Unreachable { .. }) | (Change::Delete { .. }, Sight::Absent) => true,
        (Change::Delete { id, .. }, Sight::Present(topic)) => topic.id != *id,
        (Change::Create { .. }, Sight::Present(_)) => true,
        (Change::Grow { partitions, .. }, Sight::Present(topic)) => topic.partitions >= *partitions,
        (Change::Configure { set, reset, .. }, Sight::Present(topic)) => {
            set.keys().all(|k| topic.config.contains_key(k)) && !reset.iter().any(|k| topic.config.contains_key(k))
        }
        (_, Sight::Absent) => false,
    }
}

#[cfg(test)]
#[path = "tests/view.rs"]
mod tests;
