//! The lease in the simulated world: processes that are paused between any two requests and come back, renewals that are
//! refused, unanswered or late, clocks of machines that jump, pods that go. There are never two writers, and a lease that
//! nobody holds is taken in time.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::core::ObjectMeta;
use millrace_crds::{Reason, ReasonText};
use millrace_kit::{
    Address, Class, Failure, Key, Kind, Port, Query, Version, Write,
    fence::Fenced,
    lease::{ACT, Elector, HOLD, LOOK, MISSED, RENEW, Tenure},
    sim::World,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What goes wrong between a process and the API server, for the requests to come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Line {
    #[default]
    Works,
    /// Nothing gets through.
    Cut,
    /// Writes are applied and their answers lost.
    Deaf,
}

/// A machine with a clock of its own, and a line to the API server.
#[derive(Clone)]
struct Machine {
    world: World,
    line: Arc<Mutex<Line>>,
    /// How far its clock is off: it may jump at any time.
    off: Arc<Mutex<i64>>,
    /// How long the next write is under way, before it arrives and before its answer does.
    slow: Arc<Mutex<[u64; 2]>>,
}

fn lost() -> Failure {
    Failure::new(Class::Transient, ReasonText::as_given("Simulated"), "no answer")
}

impl Machine {
    /// Lets others move until the world's clock has moved on.
    async fn sleep(&self, seconds: u64) {
        let until = self.world.elapsed() + Duration::from_secs(seconds);
        futures::future::poll_fn(|_| if self.world.elapsed() < until { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    fn gets_through(&self) -> Result<(), Failure> {
        if *self.line.lock().unwrap() == Line::Cut { Err(lost()) } else { Ok(()) }
    }
}

#[async_trait]
impl Port for Machine {
    fn now(&self) -> Timestamp {
        self.world.now().saturating_add(SignedDuration::from_secs(*self.off.lock().unwrap())).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.world.elapsed()
    }

    async fn get(&self, at: &Address) -> Result<Option<Value>, Failure> {
        self.gets_through()?;
        Port::get(&self.world, at).await
    }

    async fn list(&self, kind: &Kind, query: &Query) -> Result<Vec<Value>, Failure> {
        Port::list(&self.world, kind, query).await
    }

    async fn versions(&self, kind: &Kind) -> Result<Vec<Version>, Failure> {
        self.world.versions(kind).await
    }

    async fn dry_run(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        self.world.dry_run(kind, body).await
    }

    async fn dry_put(&self, kind: &Kind, body: Value) -> Result<(), Failure> {
        self.world.dry_put(kind, body).await
    }

    async fn write(&self, write: Write) -> Result<Value, Failure> {
        let [there, back] = std::mem::take(&mut *self.slow.lock().unwrap());
        self.sleep(there).await;
        self.gets_through()?;
        let stored = self.world.write(write).await?;
        self.sleep(back).await;
        if *self.line.lock().unwrap() == Line::Deaf { Err(lost()) } else { Ok(stored) }
    }
}

/// A turn that may be under way for long.
type Turn = Pin<Box<dyn Future<Output = Elector>>>;

async fn turn(mut elector: Elector) -> Elector {
    // What goes wrong shows in the tenure.
    let _ = elector.turn().await;
    elector
}

struct Process {
    machine: Machine,
    elector: Option<Elector>,
    turn: Option<Turn>,
    tenure: Arc<Tenure>,
    /// How it writes what it works on.
    port: Fenced,
    /// Until then it does not run at all.
    paused: Duration,
    next: Duration,
}

const NAMES: [&str; 2] = ["operator-a", "operator-b"];

fn process(world: &World, name: &str) -> Process {
    let machine = Machine { world: world.clone(), line: Arc::default(), off: Arc::default(), slow: Arc::default() };
    let tenure = Arc::new(Tenure::default());
    let open: Arc<dyn Port> = Arc::new(machine.clone());
    let at = Key::new("millrace", "millrace-toy");
    let elector = Elector::new(Arc::clone(&open), at, name.to_owned(), Arc::clone(&tenure));
    let port = Fenced::new(open, Arc::clone(&tenure));
    Process { machine, elector: Some(elector), turn: None, tenure, port, paused: Duration::ZERO, next: Duration::ZERO }
}

fn pod(name: &str) -> Pod {
    let metadata = ObjectMeta { name: Some(name.into()), namespace: Some("millrace".into()), ..ObjectMeta::default() };
    Pod { metadata, ..Pod::default() }
}

/// What happens to one of the processes.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// It does not run for so many seconds.
    Pause(u64),
    Line(Line),
    /// The clock of its machine jumps.
    Jump(i64),
    /// Its next write is under way for so long, there and back.
    Slow([u64; 2]),
    Nothing,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Nothing),
        2 => (1_u64..40).prop_map(Event::Pause),
        2 => prop_oneof![Just(Line::Works), Just(Line::Cut), Just(Line::Deaf)].prop_map(Event::Line),
        1 => (-100_000_i64..100_000).prop_map(Event::Jump),
        2 => [0_u64..20, 0..20].prop_map(Event::Slow),
    ]
}

struct Play {
    world: World,
    processes: [Process; 2],
}

impl Play {
    fn new() -> Self {
        let world = World::default();
        NAMES.iter().for_each(|name| world.apply(&pod(name)));
        let processes = NAMES.map(|name| process(&world, name));
        Self { world, processes }
    }

    fn happens(&mut self, who: usize, event: Event) {
        let now = self.world.elapsed();
        let process = &mut self.processes[who];
        match event {
            Event::Pause(seconds) => process.paused = now + Duration::from_secs(seconds),
            Event::Line(line) => *process.machine.line.lock().unwrap() = line,
            Event::Jump(by) => *process.machine.off.lock().unwrap() += by,
            Event::Slow(seconds) => *process.machine.slow.lock().unwrap() = seconds,
            Event::Nothing => {}
        }
    }

    /// Half a second in which each process that runs does what is due.
    fn tick(&mut self) {
        self.world.pass_time(Duration::from_millis(500));
        for process in &mut self.processes {
            let now = self.world.elapsed();
            if now < process.paused {
                continue;
            }
            if process.turn.is_none() && now >= process.next {
                process.turn = process.elector.take().map(|elector| Box::pin(turn(elector)) as Turn);
            }
            let Some(turn) = &mut process.turn else { continue };
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(elector) = turn.as_mut().poll(&mut context) {
                process.elector = Some(elector);
                process.turn = None;
                process.next = now + if process.tenure.holds(now) { RENEW } else { LOOK };
            }
        }
    }

    /// Who may write now: a paused process may, when it comes back, as far as its own clock says.
    fn writers(&self) -> Vec<usize> {
        let now = self.world.elapsed();
        (0..2).filter(|who| self.processes[*who].tenure.holds(now)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn there_are_never_two_writers(events in prop::collection::vec((0_usize..2, event(), 1_usize..60), 1..30)) {
        let mut play = Play::new();
        for (who, event, ticks) in events {
            play.happens(who, event);
            for _ in 0..ticks {
                play.tick();
                let writers = play.writers();
                prop_assert!(writers.len() < 2, "both may write at {:?}", play.world.elapsed());
                // The fence is what the work passes: it says the same as the tenure.
                for (who, process) in play.processes.iter().enumerate() {
                    prop_assert_eq!(process.port.may_act().is_ok(), writers.contains(&who));
                }
            }
        }
        // Whatever has happened: with everything in order there is one in time.
        for process in &mut play.processes {
            *process.machine.line.lock().unwrap() = Line::Works;
            *process.machine.slow.lock().unwrap() = [0; 2];
            process.paused = Duration::ZERO;
        }
        (0..2 * (2 * 20 + HOLD.as_secs() + 2)).for_each(|_| play.tick());
        prop_assert_eq!(play.writers().len(), 1, "nobody leads");
    }
}

/// Seconds until the other one leads, when the leader ends without a word.
fn failover(stop: impl Fn(&mut Play)) -> f64 {
    let mut play = Play::new();
    (0..20).for_each(|_| play.tick());
    assert_eq!(play.writers(), [0], "the first one leads");
    play.happens(0, Event::Pause(1_000_000));
    stop(&mut play);
    let begun = play.world.elapsed();
    while !play.processes[1].tenure.holds(play.world.elapsed()) {
        play.tick();
        assert!(play.world.elapsed() < begun + 2 * HOLD, "nobody takes over");
    }
    (play.world.elapsed() - begun).as_secs_f64()
}

#[test]
fn a_leader_whose_pod_is_gone_is_not_waited_for() {
    let gone = failover(|play| play.world.vanish::<Pod>("millrace", NAMES[0]));
    assert!(gone <= (MISSED + 2 * LOOK).as_secs_f64(), "{gone} s");
    let ended = failover(|play| {
        play.world.change::<Pod>("millrace", NAMES[0], |pod| {
            pod.status.get_or_insert_default().phase = Some("Failed".into());
        });
    });
    assert!(ended <= (MISSED + 2 * LOOK).as_secs_f64(), "{ended} s");
}

#[test]
fn a_leader_whose_node_is_away_is_waited_for_and_no_longer() {
    let away = failover(|_| {});
    assert!(away > ACT.as_secs_f64(), "{away} s: it might still act");
    assert!(away <= (HOLD + 2 * LOOK).as_secs_f64(), "{away} s");
}

#[test]
fn a_lease_that_is_given_back_is_taken_at_once() {
    let mut play = Play::new();
    (0..20).for_each(|_| play.tick());
    play.happens(0, Event::Pause(1_000_000));
    play.processes[0].tenure.end();
    futures::executor::block_on(play.processes[0].elector.as_ref().unwrap().release()).unwrap();
    (0..4).for_each(|_| play.tick());
    assert_eq!(play.writers(), [1]);
}

#[test]
fn what_is_written_after_the_tenure_is_refused() {
    let mut play = Play::new();
    (0..4).for_each(|_| play.tick());
    let write = || Write::Create(Kind::of::<Pod>(), json!({"metadata": {"name": "x", "namespace": "millrace"}}));
    let [leader, standby] = &play.processes;
    let refused = futures::executor::block_on(standby.port.write(write())).unwrap_err();
    assert_eq!(refused.reason, Reason::NotLeading);
    assert!(futures::executor::block_on(leader.port.write(write())).is_ok());
    play.world.pass_time(ACT);
    let late = futures::executor::block_on(play.processes[0].port.write(write())).unwrap_err();
    assert_eq!(late.reason, Reason::NotLeading);
}
