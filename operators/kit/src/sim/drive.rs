//! Runs one story under one schedule: who moves next is drawn from a seed, so any run can be replayed by its numbers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use super::{
    schedule::Schedule,
    world::{Feed, World, selected},
};
use crate::{
    Address, Kind, Reader,
    cache::{Cache, Event},
    decision::later,
    kernel::Controller,
    metrics::Metrics,
    port::{key_of, text},
    queue::{Queue, Slot},
    run::{Env, Streams, Waker, merge, wakes},
};

/// Something of the world that is not the operator: a kubelet, a user, another controller. Returns whether it moved.
pub type Actor = Box<dyn FnMut(&World) -> bool>;

/// An actor that acts once, as soon as `when` holds.
#[must_use]
pub fn once(when: impl Fn(&World) -> bool + 'static, act: impl Fn(&World) + 'static) -> Actor {
    let mut done = false;
    Box::new(move |world| {
        if done || !when(world) {
            return false;
        }
        done = true;
        act(world);
        true
    })
}

/// Builds the controllers of a process, anew after each crash.
pub type Build<'a> = dyn Fn(&Env, &World) -> Vec<Box<dyn Controller>> + 'a;

/// A scenario as the driver sees it, with the operators to run.
pub(super) struct Story<'a> {
    /// For messages.
    pub(super) name: &'a str,
    /// Fills the world before the operator starts.
    pub(super) setup: &'a dyn Fn(&World),
    /// The operator's controllers, as its `main` builds them, on simulated adapters.
    pub(super) build: &'a Build<'a>,
    /// Fresh actors for one run.
    pub(super) actors: &'a dyn Fn() -> Vec<Actor>,
    /// Must hold after every step.
    pub(super) invariant: &'a dyn Fn(&World) -> Result<(), String>,
    /// Must hold at the end, beside equality with the undisturbed run.
    pub(super) end: &'a dyn Fn(&World) -> Result<(), String>,
    /// How far simulated time may run on timers alone.
    pub(super) horizon: Duration,
}

/// What a run ended with.
#[derive(Debug)]
pub struct Outcome {
    /// All objects, without uids, versions and times.
    pub end: BTreeMap<String, Value>,
    /// External changes, sorted.
    pub effects: Vec<String>,
    /// Every write tried, in order.
    pub writes: Vec<String>,
    /// Broken invariants, and the story's own complaints.
    pub faults: Vec<String>,
    /// Every reason of a condition or step, and every class of a failure, that a status of the operator had; empty unless
    /// the run was [`recorded`].
    pub reasons: BTreeSet<String>,
    /// Everything that happened, in order; empty unless the run was [`recorded`].
    pub timeline: Vec<String>,
}

/// A process of the operator: the one that leads, or a standby whose cache fills all the same.
struct Process {
    /// Where its feeds begin among those of the world.
    feeds: usize,
    controllers: Vec<Box<dyn Controller>>,
    streams: Vec<Streams>,
    cache: Arc<Cache>,
    queue: Queue,
    woken: tokio::sync::mpsc::UnboundedReceiver<(&'static str, crate::Key)>,
}

/// Starts the process that leads: whatever ran before is gone.
fn start(story: &Story<'_>, world: &World) -> Process {
    world.lock().feeds.clear();
    open(story, world)
}

/// Starts a process beside those that run.
fn open(story: &Story<'_>, world: &World) -> Process {
    let cache = Arc::new(Cache::default());
    let (waker, woken) = Waker::pair();
    let env = Env {
        reader: Reader::new(Arc::clone(&cache), Arc::new(world.clone())),
        waker,
        metrics: Metrics::default(),
        namespace: "millrace".into(),
    };
    let controllers = (story.build)(&env, world);
    let streams: Vec<Streams> = merge(&controllers).map(|m| m.into_values().collect()).unwrap_or_default();
    let mut inner = world.lock();
    let feeds = inner.feeds.len();
    for group in &streams {
        let Some(lead) = group.lead() else { continue };
        cache.expect(lead.kind.clone());
        let mut events = std::collections::VecDeque::from([Event::Restart]);
        let listed = inner.objects.iter().filter(|(at, v)| at.kind == lead.kind && selected(lead.labels, v));
        events.extend(listed.map(|(_, v)| Event::Listed(v.clone())));
        events.push_back(Event::Complete);
        inner.feeds.push(Feed { kind: lead.kind.clone(), labels: lead.labels, events });
    }
    drop(inner);
    Process { feeds, controllers, streams, cache, queue: Queue::default(), woken }
}

/// A xorshift generator: small, seeded, ours, so that a schedule is a number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (n.max(1) as u64)).unwrap_or(0)
    }
}

/// More steps than any story needs: a run that gets here loops.
const MAX_STEPS: usize = 20_000;

/// Runs a story under a schedule.
#[must_use]
pub(super) fn run(story: &Story<'_>, schedule: Schedule) -> Outcome {
    run_in(World::default(), story, schedule)
}

/// The same, with everything that happens written down.
#[must_use]
pub(super) fn recorded(story: &Story<'_>, schedule: Schedule) -> Outcome {
    let world = World::default();
    world.record();
    run_in(world, story, schedule)
}

fn run_in(world: World, story: &Story<'_>, schedule: Schedule) -> Outcome {
    let (play, mut faults) = Play::to_the_end(world, story, schedule);
    if let Err(fault) = (story.end)(&play.world) {
        faults.push(fault);
    }
    faults.sort();
    faults.dedup();
    finish(&play.world, faults)
}

/// A story on its way.
pub(super) struct Play {
    pub(super) world: World,
    process: Process,
    /// Takes over when the process dies, with what it has seen by then.
    standby: Option<Process>,
    actors: Vec<Actor>,
}

impl Play {
    /// Plays until nothing moves and no timer is due before the story's horizon; with what went wrong.
    pub(super) fn to_the_end(world: World, story: &Story<'_>, schedule: Schedule) -> (Self, Vec<String>) {
        (story.setup)(&world);
        world.plan(schedule.cut);
        let actors = (story.actors)();
        let process = start(story, &world);
        let standby = schedule.standby().then(|| open(story, &world));
        let mut play = Self { process, standby, world, actors };
        let mut dice = Dice(schedule.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut faults = Vec::new();
        let deadline = later(play.world.now(), story.horizon);
        let mut steps = 0;
        loop {
            if play.world.dead() {
                play.world.revive();
                play.replace(story);
            }
            let shuffled = schedule.seed != 0;
            let mut turn = Turn { world: &play.world, standby: play.standby.as_mut(), dice: &mut dice, shuffled };
            let moved = turn.step(&mut play.process, &mut play.actors);
            if let Err(fault) = (story.invariant)(&play.world) {
                faults.push(fault);
                break;
            }
            steps += 1;
            if steps > MAX_STEPS {
                faults.push(format!("does not come to rest; last writes, newest first: {:?}", play.tail()));
                break;
            }
            if moved {
                continue;
            }
            match play.process.queue.next_at() {
                Some(at) if at <= deadline => {
                    play.world.note(|| format!("clock    {at}"));
                    play.world.advance(at);
                }
                _ => break,
            }
        }
        (play, faults)
    }

    /// Somebody takes over: a standby, or a new process.
    fn replace(&mut self, story: &Story<'_>) {
        self.process = match self.standby.take() {
            Some(standby) => {
                self.world.note(|| "start    the standby takes over".to_owned());
                for controller in &standby.controllers {
                    // Nothing but a dead process keeps this world from answering.
                    let _ = futures::executor::block_on(controller.catch_up());
                }
                standby
            }
            None => {
                self.world.note(|| "start    the operator, anew".to_owned());
                start(story, &self.world)
            }
        };
    }

    /// Lets `time` pass in which nobody but the operator and the garbage collector does anything. The clock moves on by at
    /// least `stride`, so that what is only looked at again and again costs little. `Err` if it does not come to rest.
    pub(super) fn alone(&mut self, time: Duration, stride: Duration) -> Result<(), String> {
        self.actors.clear();
        let mut dice = Dice(1);
        let until = later(self.world.now(), time);
        loop {
            let mut steps = 0;
            while (Turn { world: &self.world, standby: None, dice: &mut dice, shuffled: false })
                .step(&mut self.process, &mut [])
            {
                steps += 1;
                if steps > MAX_STEPS {
                    return Err(format!("does not come to rest; last writes, newest first: {:?}", self.tail()));
                }
            }
            match self.process.queue.next_at() {
                Some(at) if at <= until => self.world.advance(at.max(later(self.world.now(), stride))),
                _ => return Ok(()),
            }
        }
    }

    /// The kinds this process keeps.
    pub(super) fn primaries(&self) -> Vec<Kind> {
        self.process.controllers.iter().map(|c| c.primary()).collect()
    }

    fn tail(&self) -> Vec<String> {
        self.world.lock().writes.iter().rev().take(4).cloned().collect()
    }
}

/// Whose turn it is.
struct Turn<'a> {
    world: &'a World,
    standby: Option<&'a mut Process>,
    dice: &'a mut Dice,
    /// Anything may come first; else all is delivered, then all passes are made, then the world moves.
    shuffled: bool,
}

impl Turn<'_> {
    /// One step of somebody; false if nobody can move.
    fn step(&mut self, process: &mut Process, actors: &mut [Actor]) -> bool {
        while let Ok((name, key)) = process.woken.try_recv() {
            if let Some(index) = process.controllers.iter().position(|c| c.name() == name) {
                process.queue.push((index, key), self.world.now());
            }
        }
        let mut feeds: Vec<usize> = {
            let inner = self.world.lock();
            inner.feeds.iter().enumerate().filter(|(_, f)| !f.events.is_empty()).map(|(i, _)| i).collect()
        };
        // The feeds of a process that is gone are nobody's.
        let standby = self.standby.as_ref().map(|s| s.feeds..s.feeds + s.streams.len());
        let own = process.feeds..process.feeds + process.streams.len();
        feeds.retain(|feed| own.contains(feed) || standby.as_ref().is_some_and(|range| range.contains(feed)));
        let ready: Vec<Slot> = process.queue.ready(self.world.now()).cloned().collect();
        let turn = if self.shuffled { self.dice.below(4) } else { 0 };
        (0..4).any(|offset| match (turn + offset) % 4 {
            0 if !feeds.is_empty() => {
                let feed = feeds.get(self.dice.below(feeds.len())).copied();
                let to_standby = feed.is_some_and(|f| standby.as_ref().is_some_and(|range| range.contains(&f)));
                match &mut self.standby {
                    Some(other) if to_standby => deliver(self.world, other, feed),
                    _ => deliver(self.world, process, feed),
                }
            }
            1 if !ready.is_empty() => pass(self.world, process, ready.get(self.dice.below(ready.len()))),
            2 => self.act(actors),
            3 => self.collect(),
            _ => false,
        })
    }

    fn act(&mut self, actors: &mut [Actor]) -> bool {
        let first = self.dice.below(actors.len());
        (0..actors.len()).any(|i| {
            let at = (first + i) % actors.len();
            let moved = actors.get_mut(at).is_some_and(|actor| actor(self.world));
            if moved {
                self.world.note(|| format!("actor    {at} moves"));
            }
            moved
        })
    }

    fn collect(&self) -> bool {
        let collected = self.world.collect();
        if collected {
            self.world.note(|| "collect  garbage".to_owned());
        }
        collected
    }
}

fn deliver(world: &World, process: &mut Process, feed: Option<usize>) -> bool {
    let Some(index) = feed else { return false };
    let event = world.lock().feeds.get_mut(index).and_then(|f| f.events.pop_front());
    let (Some(event), Some(group)) = (event, process.streams.get(index - process.feeds)) else { return false };
    world.note(|| format!("deliver  {}", described(group, &event)));
    let Some(lead) = group.lead() else { return false };
    let event = event.map(|object| lead.stream().deliver(object));
    for slot in wakes(&process.cache, group, event, |_, _, _| {}) {
        process.queue.push(slot, world.now());
    }
    true
}

/// An event of a stream, for people.
fn described(group: &Streams, event: &Event<Value>) -> String {
    let kind = group.lead().map(|lead| lead.kind.kind.to_string()).unwrap_or_default();
    match event {
        Event::Restart => format!("{kind}: a list begins"),
        Event::Complete => format!("{kind}: the list is complete"),
        Event::Listed(object) => format!("{kind} {} as listed", key_of(object)),
        Event::Applied(object) => {
            format!("{kind} {} at resourceVersion {}", key_of(object), text(object, "/metadata/resourceVersion"))
        }
        Event::Deleted(object) => format!("{kind} {} is gone", key_of(object)),
    }
}

fn pass(world: &World, process: &mut Process, slot: Option<&Slot>) -> bool {
    let Some(slot) = slot.cloned() else { return false };
    process.queue.start(&slot);
    let Some(controller) = process.controllers.get(slot.0) else { return false };
    world.note(|| format!("pass     {} {}", controller.name(), slot.1));
    let next = futures::executor::block_on(controller.pass(&slot.1));
    process.queue.finish(slot, next, world.now());
    true
}

fn finish(world: &World, faults: Vec<String>) -> Outcome {
    let inner = world.lock();
    let keep = |at: &Address| at.kind.kind != "Event";
    let end = inner.objects.iter().filter(|(at, _)| keep(at)).map(|(at, v)| (at.to_string(), plain(v))).collect();
    let (writes, reasons) = (inner.writes.clone(), inner.reasons.clone());
    drop(inner);
    let mut effects = world.effects();
    effects.sort();
    Outcome { end, effects, writes, faults, reasons, timeline: world.timeline() }
}

/// Without what differs from run to run by nature: versions, times, and the order of a list-map of conditions.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(k, _)| k.as_str() != "resourceVersion").map(|(k, v)| (k.clone(), plain(v))).collect(),
        ),
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(plain).collect();
            list.sort_by_key(|item| item.get("type").and_then(Value::as_str).map(str::to_owned));
            Value::Array(list)
        }
        Value::String(s) if s.parse::<jiff::Timestamp>().is_ok() => Value::String("<time>".into()),
        other => other.clone(),
    }
}
