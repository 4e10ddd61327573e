//! Runs one story under one schedule: who moves next is drawn from a seed, so any run can be replayed by its numbers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

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

/// A workload to run to its end.
pub struct Story<'a> {
    /// For messages.
    pub name: &'a str,
    /// Fills the world before the operator starts.
    pub setup: &'a dyn Fn(&World),
    /// The operator's controllers, as its `main` builds them, on simulated adapters.
    pub build: &'a Build<'a>,
    /// Fresh actors for one run.
    pub actors: &'a dyn Fn() -> Vec<Actor>,
    /// Must hold after every step.
    pub invariant: &'a dyn Fn(&World) -> Result<(), String>,
    /// Must hold at the end, beside equality with the undisturbed run.
    pub end: &'a dyn Fn(&World) -> Result<(), String>,
    /// How far simulated time may run on timers alone.
    pub horizon: Duration,
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
    /// Everything that happened, in order; empty unless the run was [`recorded`].
    pub timeline: Vec<String>,
}

struct Process {
    controllers: Vec<Box<dyn Controller>>,
    streams: Vec<Streams>,
    cache: Arc<Cache>,
    queue: Queue,
    woken: tokio::sync::mpsc::UnboundedReceiver<(&'static str, crate::Key)>,
}

fn start(story: &Story<'_>, world: &World) -> Process {
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
    inner.feeds.clear();
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
    Process { controllers, streams, cache, queue: Queue::default(), woken }
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
pub fn run(story: &Story<'_>, schedule: Schedule) -> Outcome {
    run_in(World::default(), story, schedule)
}

/// The same, with everything that happens written down.
#[must_use]
pub fn recorded(story: &Story<'_>, schedule: Schedule) -> Outcome {
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
    actors: Vec<Actor>,
}

impl Play {
    /// Plays until nothing moves and no timer is due before the story's horizon; with what went wrong.
    pub(super) fn to_the_end(world: World, story: &Story<'_>, schedule: Schedule) -> (Self, Vec<String>) {
        (story.setup)(&world);
        world.plan(schedule.cut);
        let actors = (story.actors)();
        let mut play = Self { process: start(story, &world), world, actors };
        let mut dice = Dice(schedule.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut faults = Vec::new();
        let deadline = later(play.world.now(), story.horizon);
        let mut steps = 0;
        loop {
            if play.world.dead() {
                play.world.revive();
                play.world.note(|| "start    the operator, anew".to_owned());
                play.process = start(story, &play.world);
            }
            let moved = step(&play.world, &mut play.process, &mut play.actors, (&mut dice, schedule.seed != 0));
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

    /// Lets `time` pass in which nobody but the operator and the garbage collector does anything. The clock moves on by at
    /// least `stride`, so that what is only looked at again and again costs little. `Err` if it does not come to rest.
    pub(super) fn alone(&mut self, time: Duration, stride: Duration) -> Result<(), String> {
        self.actors.clear();
        let mut dice = Dice(1);
        let until = later(self.world.now(), time);
        loop {
            let mut steps = 0;
            while step(&self.world, &mut self.process, &mut [], (&mut dice, false)) {
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

fn step(world: &World, process: &mut Process, actors: &mut [Actor], dice: (&mut Dice, bool)) -> bool {
    let (dice, shuffled) = dice;
    while let Ok((name, key)) = process.woken.try_recv() {
        if let Some(index) = process.controllers.iter().position(|c| c.name() == name) {
            process.queue.push((index, key), world.now());
        }
    }
    let feeds: Vec<usize> = {
        let inner = world.lock();
        inner.feeds.iter().enumerate().filter(|(_, f)| !f.events.is_empty()).map(|(i, _)| i).collect()
    };
    let ready: Vec<Slot> = process.queue.ready(world.now()).cloned().collect();
    // In order: deliver all, then pass all, then let the world move. Shuffled: anything may come first.
    let turn = if shuffled { dice.below(4) } else { 0 };
    for offset in 0..4 {
        let moved = match (turn + offset) % 4 {
            0 if !feeds.is_empty() => deliver(world, process, feeds.get(dice.below(feeds.len())).copied()),
            1 if !ready.is_empty() => pass(world, process, ready.get(dice.below(ready.len()))),
            2 => {
                let first = dice.below(actors.len());
                (0..actors.len()).any(|i| {
                    let at = (first + i) % actors.len();
                    let moved = actors.get_mut(at).is_some_and(|actor| actor(world));
                    if moved {
                        world.note(|| format!("actor    {at} moves"));
                    }
                    moved
                })
            }
            3 => {
                let collected = world.collect();
                if collected {
                    world.note(|| "collect  garbage".to_owned());
                }
                collected
            }
            _ => false,
        };
        if moved {
            return true;
        }
    }
    false
}

fn deliver(world: &World, process: &mut Process, feed: Option<usize>) -> bool {
    let Some(index) = feed else { return false };
    let event = world.lock().feeds.get_mut(index).and_then(|f| f.events.pop_front());
    let (Some(event), Some(group)) = (event, process.streams.get(index)) else { return false };
    world.note(|| format!("deliver  {}", described(group, &event)));
    for slot in wakes(&process.cache, group, event, |_, _, _| {}) {
        process.queue.push(slot, world.now());
    }
    true
}

/// An event of a stream, for people.
fn described(group: &Streams, event: &Event) -> String {
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
    let writes = inner.writes.clone();
    drop(inner);
    let mut effects = world.effects();
    effects.sort();
    Outcome { end, effects, writes, faults, timeline: world.timeline() }
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
