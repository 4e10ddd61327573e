//! Jobs as numbers for Prometheus: attempts started and ended, how long phases take, what is live now.
//!
//! Counters are differences of two stored statuses, gauges the sum over all jobs at the moment of a scrape: right as soon
//! as every job was looked at once. No label names a job, so the number of series does not grow with their number; which
//! job it is stands in its status.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use kube::ResourceExt;
use millrace_crds::{
    ProcessingJob, ProcessingJobStatus,
    job::ENGINES,
    processing_job::{AttemptRecord, JobPhase},
};
use millrace_kit::{Child, DomainMetrics, Key, metrics::Metrics};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::Counter, family::Family, gauge::ConstGauge, histogram::Histogram},
    registry::Unit,
};

use crate::{Processing, engines};

/// All words but the one for phases of a newer version.
const PHASES: [JobPhase; 8] = [
    JobPhase::Pending,
    JobPhase::Starting,
    JobPhase::Running,
    JobPhase::Retrying,
    JobPhase::Stopping,
    JobPhase::Suspended,
    JobPhase::Succeeded,
    JobPhase::Failed,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByEngine {
    engine: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByPhase {
    engine: &'static str,
    phase: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByEnd {
    engine: &'static str,
    result: String,
    class: String,
}

/// Run and attempt.
type Numbers = (i64, i64);

/// What is remembered of a job: enough to tell what changed.
#[derive(Clone, Debug)]
struct Line {
    uid: String,
    engine: &'static str,
    phase: JobPhase,
    /// When the phase began; none where the status does not tell and nobody watched.
    since: Option<Timestamp>,
    attempt: Numbers,
    ended: Numbers,
    /// Its first pod was counted, or is not to be.
    pod: bool,
    workers: i64,
    /// See [`restorable`]; none unless it runs.
    restorable: Option<Timestamp>,
}

impl Line {
    /// The job as it is; `old` is what was remembered of it.
    fn of(job: &ProcessingJob, status: &ProcessingJobStatus, old: Option<&Self>, now: Timestamp) -> Self {
        let attempt = (status.run_number.unwrap_or(0), status.attempt.as_ref().map_or(0, |a| a.number));
        let phase = status.phase.unwrap_or_default();
        let same = old.filter(|o| o.phase == phase && o.attempt == attempt);
        let runs = phase == JobPhase::Running;
        let started = status.attempt.as_ref().is_some_and(|a| a.pod_uid.is_some());
        Self {
            uid: job.uid().unwrap_or_default(),
            // An attempt that runs stays what it is when the spec turns to another engine.
            engine: status.attempt.as_ref().map_or_else(|| engines::of_spec(&job.spec.job), engines::of).name(),
            phase,
            since: match (old, same) {
                (_, Some(same)) => same.since,
                (Some(_), None) => Some(now),
                (None, None) => began(job, status, phase),
            },
            attempt,
            ended: status.last_attempts.first().map_or((0, 0), numbers),
            pod: started || attempt > (1, 1) || old.is_some_and(|o| o.pod),
            workers: if runs { workers(job) } else { 0 },
            restorable: restorable(job, status).filter(|_| runs),
        }
    }
}

const fn numbers(record: &AttemptRecord) -> Numbers {
    (record.run, record.number)
}

/// How many pods beside a driver or manager its attempts ask for; the least where that may change.
fn workers(job: &ProcessingJob) -> i64 {
    let spec = &job.spec.job;
    engines::of_spec(spec).pods(spec).map_or(1, i64::from)
}

/// The newest point a running job that keeps state can go back to; its start, while it has none.
fn restorable(job: &ProcessingJob, status: &ProcessingJobStatus) -> Option<Timestamp> {
    let spec = &job.spec.job;
    if !engines::of_spec(spec).keeps_state(spec) {
        return None;
    }
    let newest = status.state.as_ref().and_then(|s| s.restore_points.first()).and_then(|p| p.at.as_ref());
    newest.or(status.attempt.as_ref()?.started_at.as_ref()).map(|t| t.0)
}

/// When a phase began, as far as the status tells it: in whole seconds.
fn began(job: &ProcessingJob, status: &ProcessingJobStatus, phase: JobPhase) -> Option<Timestamp> {
    let attempt = status.attempt.as_ref();
    let time = match phase {
        JobPhase::Pending if attempt.is_none() => job.metadata.creation_timestamp.as_ref(),
        JobPhase::Starting => attempt?.created_at.as_ref(),
        JobPhase::Running => attempt?.started_at.as_ref(),
        JobPhase::Stopping => attempt?.stopping_at.as_ref(),
        JobPhase::Retrying => status.last_attempts.first()?.finished_at.as_ref(),
        _ => None,
    };
    time.map(|t| t.0)
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

/// The jobs of this process by name; a gauge is a sum over them.
#[derive(Debug, Default)]
struct Ledger(Mutex<HashMap<Key, Line>>);

impl Ledger {
    fn lines(&self) -> MutexGuard<'_, HashMap<Key, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Ledger {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        // Every series is always there, so that a rule can tell none from unknown.
        let every = ENGINES.iter().flat_map(|engine| PHASES.iter().map(move |phase| ((*engine, *phase), 0_i64)));
        let mut jobs: BTreeMap<(&'static str, JobPhase), i64> = every.collect();
        let mut workers: BTreeMap<&'static str, i64> = ENGINES.iter().map(|engine| (*engine, 0)).collect();
        let mut oldest: BTreeMap<&'static str, Timestamp> = BTreeMap::new();
        for line in self.lines().values() {
            if let Some(at) = line.restorable {
                let least = oldest.entry(line.engine).or_insert(at);
                *least = at.min(*least);
            }
            *jobs.entry((line.engine, line.phase)).or_default() += 1;
            *workers.entry(line.engine).or_default() += line.workers;
        }
        let told = "ProcessingJobs there are, by phase.";
        let mut family = encoder.encode_descriptor("processing_jobs", told, None, MetricType::Gauge)?;
        for ((engine, phase), count) in jobs {
            let labels = ByPhase { engine, phase: format!("{phase:?}") };
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
        }
        let told = "Pods beside a driver or manager that running attempts ask for.";
        let mut family = encoder.encode_descriptor("processing_workers", told, None, MetricType::Gauge)?;
        for (engine, count) in workers {
            ConstGauge::new(count).encode(family.encode_family(&ByEngine { engine })?)?;
        }
        let told = "Unix time of the newest restore point of that running job whose newest is the oldest.";
        let (name, unit) = ("processing_oldest_restore_point_timestamp", Some(&Unit::Seconds));
        let mut family = encoder.encode_descriptor(name, told, unit, MetricType::Gauge)?;
        for (engine, at) in oldest {
            ConstGauge::new(at.as_second()).encode(family.encode_family(&ByEngine { engine })?)?;
        }
        Ok(())
    }
}

/// The operator's own metrics.
pub(crate) struct Jobs {
    ledger: Arc<Ledger>,
    started: Family<ByEngine, Counter>,
    ended: Family<ByEnd, Counter>,
    first_pod: Family<ByEngine, Histogram, fn() -> Histogram>,
    phases: Family<ByPhase, Histogram, fn() -> Histogram>,
}

fn to_pod() -> Histogram {
    Histogram::new([0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0])
}

fn in_phase() -> Histogram {
    Histogram::new([1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0])
}

impl Jobs {
    /// Metrics that begin at nothing, registered.
    pub(crate) fn register(metrics: &Metrics) -> Arc<Self> {
        let this = Self {
            ledger: Arc::default(),
            started: Family::default(),
            ended: Family::default(),
            first_pod: Family::new_with_constructor(to_pod),
            phases: Family::new_with_constructor(in_phase),
        };
        metrics.register(|r| {
            r.register("processing_attempts_started", "Attempts stored to be started", this.started.clone());
            let told = "Attempts that ended, by result and class of failure";
            r.register("processing_attempts_ended", told, this.ended.clone());
            let told = "From a job's creation, which is known in whole seconds, to its first pod; edited jobs apart";
            r.register_with_unit("processing_first_pod", told, Unit::Seconds, this.first_pod.clone());
            let told = "Time spent in a phase, told when it is left";
            r.register_with_unit("processing_phase", told, Unit::Seconds, this.phases.clone());
            r.register_collector(Box::new(Arc::clone(&this.ledger)));
        });
        Arc::new(this)
    }

    fn count(&self, change: (&Line, &Line), status: &ProcessingJobStatus, now: Timestamp) {
        let (old, new) = change;
        if new.attempt != old.attempt && new.attempt.1 > 0 {
            self.started.get_or_create(&ByEngine { engine: new.engine }).inc();
        }
        for record in status.last_attempts.iter().take_while(|r| numbers(r) > old.ended) {
            let engine = if numbers(record) == old.attempt { old.engine } else { new.engine };
            let result = format!("{:?}", record.result);
            let class = record.class.map_or_else(String::new, |c| format!("{c:?}"));
            self.ended.get_or_create(&ByEnd { engine, result, class }).inc();
        }
        if old.phase != new.phase || old.attempt != new.attempt {
            self.left(old, status, now);
        }
    }

    /// The phase of `old` was left.
    fn left(&self, old: &Line, status: &ProcessingJobStatus, now: Timestamp) {
        let Some(since) = old.since else { return };
        let spent = |phase: JobPhase, from: Timestamp, to: Timestamp| {
            let labels = ByPhase { engine: old.engine, phase: format!("{phase:?}") };
            self.phases.get_or_create(&labels).observe(seconds(from, to));
        };
        let ended = status.last_attempts.first().filter(|r| numbers(r) == old.attempt && numbers(r) > old.ended);
        let ran = ended.and_then(|r| Some((r.started_at.as_ref()?.0, r.finished_at.as_ref()?.0)));
        match (old.phase, ran) {
            // Over before anybody looked.
            (JobPhase::Starting, Some((started, finished))) => {
                spent(JobPhase::Starting, since, started);
                spent(JobPhase::Running, started, finished);
            }
            (JobPhase::Succeeded | JobPhase::Failed | JobPhase::Unknown, _) => {}
            (phase, _) => spent(phase, since, now),
        }
    }
}

impl DomainMetrics<Processing> for Jobs {
    fn stored(&self, job: &ProcessingJob, now: Timestamp) {
        let nothing = ProcessingJobStatus::default();
        let status = job.status.as_ref().unwrap_or(&nothing);
        let mut lines = self.ledger.lines();
        let key = Key::of(job);
        let old = lines.get(&key).filter(|line| Some(&line.uid) == job.metadata.uid.as_ref());
        let new = Line::of(job, status, old, now);
        if let Some(old) = old {
            self.count((old, &new), status, now);
        }
        lines.insert(key, new);
    }

    fn created(&self, job: &ProcessingJob, child: &Child, now: Timestamp) {
        if child.address().kind.kind != "Pod" {
            return;
        }
        let mut lines = self.ledger.lines();
        let Some(line) = lines.get_mut(&Key::of(job)).filter(|line| !line.pod) else { return };
        line.pod = true;
        let made = job.metadata.creation_timestamp.as_ref().map(|t| t.0);
        // A later generation may have waited for its user: suspended, or wrong at first.
        if let Some(made) = made.filter(|_| job.metadata.generation == Some(1)) {
            self.first_pod.get_or_create(&ByEngine { engine: line.engine }).observe(seconds(made, now));
        }
    }

    fn gone(&self, key: &Key) {
        self.ledger.lines().remove(key);
    }
}

#[cfg(test)]
mod tests;
