//! The broker's view: one task per DataPlane that asks and changes for all its topics together.
//!
//! A request under way gathers the next: while the broker answers one question, all that is asked meanwhile becomes the next
//! one, and so for changes. All watched topics are read again every 30 s; the broker is pinged every 3 s (2 s while away).
//! An object is woken if what it was told is no longer so, and no other. An answer that is older than a change of ours, or
//! does not show it yet, is not passed on.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use millrace_crds::Reason;
use millrace_kit::{Class, Failure, Key};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

pub use super::surroundings::Surroundings;
use super::{
    Broker, Change, Freshness, Health, Sight, UNREACHABLE,
    admin::Admin,
    batch,
    looks::{Ask, Asked, Looks, Question, Waiter},
    state::{Answer, State},
    surroundings::{ended, unreachable},
};
use crate::doubt::{Doubt, timed};

/// How often all watched topics are read again.
const POLL: Duration = Duration::from_secs(30);
/// How often the broker is pinged.
const PING: Duration = Duration::from_secs(3);
/// How often it is pinged while it is away.
const PING_AWAY: Duration = Duration::from_secs(2);
/// Longest wait for the answer to a ping.
const ANSWER: Duration = Duration::from_secs(3);
/// The same while in doubt: with the ping before it, an outage is known 12 s after it began.
const SECOND_ANSWER: Duration = Duration::from_secs(6);
/// Requests with changes under way at one time: the broker writes one while it checks the next.
const CHANGES: usize = 2;
/// How often a change is sent that got no answer.
const TRIES: u32 = 2;

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
        tokio::spawn(Task::new(admin, around, Arc::clone(&state)).run(inbox));
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
        let _ = self.asks.send(Ask::Look(name.to_owned(), (who.clone(), answer)));
        answered.await.unwrap_or_else(|_| ended())
    }

    async fn perform(&self, change: &Change) -> Result<(), Failure> {
        lock(&self.state).invalidate(change.name());
        let (answer, answered) = oneshot::channel();
        let _ = self.asks.send(Ask::Perform(Asked { change: change.clone(), answer, tries: 0 }));
        answered.await.unwrap_or_else(|_| Err(unreachable("the broker's view has ended")))
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

type Described = Result<BTreeMap<String, Sight>, Failure>;
type Changed = Result<BTreeMap<String, Result<(), Failure>>, Failure>;

/// A request that has ended.
enum Done {
    /// The topics with the number of changes each had seen.
    Looked(Question, Vec<u64>, Described),
    Changed(Vec<Asked>, Changed),
    /// With the lateness of our own timers.
    Pinged(Result<(String, i32), Failure>, Duration),
}

struct Task {
    admin: Arc<dyn Admin>,
    around: Arc<dyn Surroundings>,
    state: Arc<Mutex<State>>,
    looks: Looks,
    looking: bool,
    changes: VecDeque<Asked>,
    /// Topics with a change under way.
    busy: BTreeSet<String>,
    changing: usize,
    /// `None` while a ping is under way.
    ping_at: Option<Instant>,
    poll_at: Instant,
    doubt: Doubt,
    running: FuturesUnordered<BoxFuture<'static, Done>>,
}

impl Task {
    fn new(admin: Arc<dyn Admin>, around: Arc<dyn Surroundings>, state: Arc<Mutex<State>>) -> Self {
        let now = Instant::now();
        Self {
            admin,
            around,
            state,
            looks: Looks::default(),
            looking: false,
            changes: VecDeque::new(),
            busy: BTreeSet::new(),
            changing: 0,
            ping_at: Some(now),
            poll_at: now + POLL,
            doubt: Doubt::default(),
            running: FuturesUnordered::new(),
        }
    }

    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Ask>) {
        loop {
            if !self.send() {
                return;
            }
            let wake = [self.ping_at, Some(self.poll_at), self.looks.wakes_at()].into_iter().flatten().min();
            tokio::select! {
                ask = inbox.recv() => {
                    let Some(first) = ask else { return };
                    self.enter(first);
                    while let Ok(more) = inbox.try_recv() {
                        self.enter(more);
                    }
                }
                Some(done) = self.running.next(), if !self.running.is_empty() => self.done(done),
                () = sleep_until(wake.unwrap_or(self.poll_at)) => {}
            }
        }
    }

    fn enter(&mut self, ask: Ask) {
        match ask {
            Ask::Look(name, waiter) => self.looks.ask(name, waiter),
            Ask::Perform(asked) => self.changes.push_back(asked),
        }
    }

    /// Sends what can be sent. `false` if the DataPlane is gone.
    fn send(&mut self) -> bool {
        let now = Instant::now();
        if self.ping_at.is_some_and(|at| at <= now) {
            if !self.around.wanted() {
                return false;
            }
            self.ping();
        }
        if self.poll_at <= now {
            let mut state = lock(&self.state);
            state.prune(|key| self.around.alive(key));
            self.looks.again_all(state.names());
            drop(state);
            self.poll_at = now + POLL;
        }
        let away = lock(&self.state).away();
        match away {
            Some(message) => self.refuse(&message),
            // In doubt nothing is sent but the next ping: each question would only cost its whole patience.
            None if self.doubt.stands() => {}
            None => {
                self.question(now);
                self.request();
            }
        }
        true
    }

    fn ping(&mut self) {
        self.ping_at = None;
        let admin = Arc::clone(&self.admin);
        let patience = if self.doubt.stands() { SECOND_ANSWER } else { ANSWER };
        self.running.push(Box::pin(async move {
            let (answer, lag) = timed(admin.cluster(patience)).await;
            Done::Pinged(answer, lag)
        }));
    }

    fn question(&mut self, now: Instant) {
        if self.looking {
            return;
        }
        let question = self.looks.next(now);
        if question.is_empty() {
            return;
        }
        self.looking = true;
        let state = lock(&self.state);
        let changes = question.keys().map(|name| state.changes(name)).collect();
        drop(state);
        let admin = Arc::clone(&self.admin);
        self.running.push(Box::pin(async move {
            let names: Vec<String> = question.keys().cloned().collect();
            let began = Instant::now();
            let described = admin.describe(&names).await;
            tracing::debug!(topics = names.len(), took = ?began.elapsed(), "described");
            Done::Looked(question, changes, described)
        }));
    }

    fn request(&mut self) {
        while self.changing < CHANGES {
            let request = batch::next(&mut self.changes, &self.busy, |asked| &asked.change);
            if request.is_empty() {
                return;
            }
            self.changing += 1;
            self.busy.extend(request.iter().map(|asked| asked.change.name().to_owned()));
            let admin = Arc::clone(&self.admin);
            self.running.push(Box::pin(async move {
                let changes: Vec<Change> = request.iter().map(|asked| asked.change.clone()).collect();
                let began = Instant::now();
                let changed = admin.change(&changes).await;
                tracing::debug!(topics = changes.len(), took = ?began.elapsed(), "changed");
                Done::Changed(request, changed)
            }));
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Looked(question, changes, described) => {
                self.looking = false;
                self.looked((question, changes), described);
            }
            Done::Changed(request, changed) => {
                self.changing -= 1;
                for asked in &request {
                    self.busy.remove(asked.change.name());
                }
                self.changed(request, changed);
            }
            Done::Pinged(answer, lag) => self.pinged(answer, lag),
        }
    }

    fn pinged(&mut self, answer: Result<(String, i32), Failure>, lag: Duration) {
        let mut state = lock(&self.state);
        let was_down = state.away().is_some();
        let now = self.around.now();
        let news = match answer {
            Ok((cluster, brokers)) => {
                self.doubt.answered();
                state.up(cluster, brokers)
            }
            // Whatever a ping fails of, topics cannot be kept.
            Err(failure) => {
                tracing::debug!(%failure, ?lag, "no answer to a ping");
                self.doubt.unanswered(now, lag) && state.down(now, &self.doubt.words(&failure.message))
            }
        };
        let away = state.away();
        if was_down && away.is_none() {
            self.looks.again_all(state.names());
        }
        drop(state);
        let pause = match &away {
            Some(_) => PING_AWAY,
            None if self.doubt.stands() => Duration::ZERO,
            None => PING,
        };
        self.ping_at = Some(Instant::now() + pause);
        if news {
            match away {
                Some(message) => tracing::warn!(message, "Kafka is away"),
                None => tracing::info!("Kafka answers"),
            }
            self.around.wake_plane();
        }
    }

    /// A request got no answer: find out at once whether anybody is there.
    fn suspect(&mut self) {
        self.ping_at = self.ping_at.map(|at| at.min(Instant::now()));
    }

    /// The brokers are away: all who wait hear it.
    fn refuse(&mut self, message: &str) {
        for (name, waiters) in self.looks.take_all() {
            for (_, answer) in waiters {
                let _ = answer.send(lock(&self.state).tell(&name, Freshness::Snapshot).unwrap_or_else(ended));
            }
        }
        for asked in self.changes.drain(..) {
            let _ = asked.answer.send(Err(unreachable(message)));
        }
    }

    fn looked(&mut self, of: (Question, Vec<u64>), described: Described) {
        let (question, changes) = of;
        let mut sights = match described {
            Ok(sights) => sights,
            Err(lost) if lost.reason == UNREACHABLE => {
                self.looks.put_back(question);
                return self.suspect();
            }
            // The broker answers, but not to this question: that is an answer about each of them.
            Err(failure) => question.keys().map(|name| (name.clone(), Sight::Refused(failure.clone()))).collect(),
        };
        for ((name, waiters), changes) in question.into_iter().zip(changes) {
            let sight = sights.remove(&name);
            self.settle((name, waiters), sight, changes);
        }
    }

    fn settle(&mut self, of: (String, Vec<Waiter>), sight: Option<Sight>, changes: u64) {
        let (name, waiters) = of;
        let now = Instant::now();
        let last = self.looks.patience_is_over(&name, now);
        let undescribed = || {
            let message = "the broker does not describe the topic yet";
            Sight::Refused(Failure::new(Class::Waiting, Reason::TopicNotSettled, message))
        };
        let Some(sight) = sight.or_else(|| last.then(undescribed)) else {
            return self.looks.unsettled(name, waiters, now);
        };
        let asking: BTreeSet<Key> = waiters.iter().map(|(key, _)| key.clone()).collect();
        let mut state = lock(&self.state);
        let Some(news) = state.saw(Answer { name: &name, sight, changes, last }, &asking) else {
            drop(state);
            return self.looks.unsettled(name, waiters, now);
        };
        for (_, answer) in waiters {
            let _ = answer.send(state.tell(&name, Freshness::Snapshot).unwrap_or_else(ended));
        }
        drop(state);
        self.looks.settled(&name);
        for key in news {
            self.around.wake(key);
        }
    }

    fn changed(&mut self, request: Vec<Asked>, changed: Changed) {
        let lost = matches!(&changed, Err(failure) if failure.reason == UNREACHABLE);
        if lost {
            self.suspect();
        }
        for mut asked in request.into_iter().rev() {
            asked.tries += 1;
            // Sent again it does no harm: what was applied all the same is as asked. Only partitions cannot be added twice.
            if lost && asked.tries < TRIES && !matches!(asked.change, Change::Grow { .. }) {
                self.changes.push_front(asked);
                continue;
            }
            let verdict = match &changed {
                Ok(each) => each.get(asked.change.name()).cloned().unwrap_or(Ok(())),
                Err(failure) => Err(failure.clone()),
            };
            if verdict.is_ok() {
                lock(&self.state).confirmed(asked.change);
            }
            let _ = asked.answer.send(verdict);
        }
    }
}

#[cfg(test)]
#[path = "tests/view.rs"]
mod tests;
