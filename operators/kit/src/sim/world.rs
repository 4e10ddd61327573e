//! The state of the simulated world and the gate through which every write passes.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use millrace_crds::ReasonText;
use serde_json::{Value, json};

use super::cut::Cut;
use crate::{
    Address, Class, Failure, Kind, Object,
    cache::{Event, controller_uid},
    decision::later,
    names,
    port::{key_of, text},
};

#[derive(Default)]
struct Gate {
    count: usize,
    plan: Option<(usize, Cut)>,
    dead: bool,
}

pub(crate) struct Feed {
    pub(crate) kind: Kind,
    pub(crate) labels: Option<&'static str>,
    pub(crate) events: VecDeque<Event<Value>>,
}

pub(crate) struct Inner {
    pub(crate) objects: BTreeMap<Address, Value>,
    pub(crate) version: u64,
    incarnations: BTreeMap<Address, u32>,
    now: Timestamp,
    pub(crate) feeds: Vec<Feed>,
    gate: Gate,
    pub(crate) writes: Vec<String>,
    effects: Vec<String>,
    pub(crate) creates: BTreeMap<Address, u32>,
    /// The last server-side apply of each object: what it no longer says is taken back.
    pub(crate) applied: BTreeMap<Address, Value>,
    pub(crate) admission: Option<Admission>,
    pub(crate) webhook: Option<Webhook>,
    shelf: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    pub(super) reasons: BTreeSet<String>,
    /// What happened, a line each, if anybody wants to read it.
    pub(super) timeline: Option<Vec<String>>,
}

/// What an API server says to a new object before it stores it.
pub type Admission = fn(&Address, &Value) -> Result<(), Failure>;

/// What a mutating webhook makes of an object that is created or applied.
pub type Webhook = fn(&Address, &mut Value);

/// A handle to the world; cheap to clone.
#[derive(Clone)]
pub struct World(Arc<Mutex<Inner>>);

/// The instant at which every simulated story begins: 2026-01-01T00:00:00Z.
pub(crate) const EPOCH: i64 = 1_767_225_600;

impl Default for World {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            objects: BTreeMap::new(),
            version: 0,
            incarnations: BTreeMap::new(),
            now: Timestamp::from_second(EPOCH).unwrap_or(Timestamp::UNIX_EPOCH),
            feeds: Vec::new(),
            gate: Gate::default(),
            writes: Vec::new(),
            effects: Vec::new(),
            creates: BTreeMap::new(),
            applied: BTreeMap::new(),
            admission: None,
            webhook: None,
            shelf: HashMap::new(),
            reasons: BTreeSet::new(),
            timeline: None,
        })))
    }
}

fn passing(what: &str) -> Failure {
    Failure::new(Class::Transient, ReasonText::as_given("Simulated"), format!("{what}: no answer"))
}

impl World {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The simulated time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    pub(crate) fn advance(&self, to: Timestamp) {
        let mut inner = self.lock();
        inner.now = inner.now.max(to);
    }

    /// Moves the clock by `wait`.
    pub fn pass_time(&self, wait: Duration) {
        let to = later(self.now(), wait);
        self.advance(to);
    }

    pub(crate) fn plan(&self, cut: Option<(usize, Cut)>) {
        self.lock().gate.plan = cut;
    }

    /// Whether the process was killed by the schedule.
    #[must_use]
    pub fn dead(&self) -> bool {
        self.lock().gate.dead
    }

    pub(crate) fn revive(&self) {
        self.lock().gate.dead = false;
    }

    /// Passes one write of the operator through the gate: counted, and cut if the schedule says so. Simulated brokers
    /// and stores use it for each change they are asked for.
    ///
    /// # Errors
    /// The write's own failure, or the cut.
    pub fn gate<T>(&self, what: &str, apply: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let cut = {
            let mut inner = self.lock();
            if inner.gate.dead {
                return Err(passing(what));
            }
            let at = inner.gate.count;
            inner.gate.count += 1;
            inner.writes.push(what.to_owned());
            let cut = inner.gate.plan.filter(|(n, _)| *n == at).map(|(_, cut)| cut);
            inner.gate.dead = matches!(cut, Some(Cut::KillBefore | Cut::KillAfter | Cut::Failover));
            if let Some(timeline) = &mut inner.timeline {
                timeline.push(format!("write    {at}: {what}{}", cut.map(Cut::consequence).unwrap_or_default()));
            }
            cut
        };
        match cut {
            Some(Cut::KillBefore | Cut::Refused) => Err(passing(what)),
            Some(Cut::KillAfter | Cut::Failover | Cut::Unanswered) => {
                let _ = apply();
                Err(passing(what))
            }
            None => apply(),
        }
    }

    /// Something of this run that outlives the operator's crashes: a simulated broker, store or server. Made by
    /// `Default` on first use, one of each type per run.
    #[must_use]
    pub fn shelf<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut inner = self.lock();
        let slot = inner.shelf.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(slot).downcast().unwrap_or_default()
    }

    /// From now on objects of the operator pass this admission before they are stored; `None` admits all.
    pub fn admission(&self, admission: Option<Admission>) {
        self.lock().admission = admission;
    }

    /// From now on this webhook changes what the operator creates or applies.
    pub fn webhook(&self, webhook: Webhook) {
        self.lock().webhook = Some(webhook);
    }

    /// Records an external change that really changed something; a repeated one makes the story fail.
    pub fn effect(&self, what: impl Into<String>) {
        let what = what.into();
        self.note(|| format!("effect   {what}"));
        self.lock().effects.push(what);
    }

    /// All recorded external changes, in order.
    #[must_use]
    pub fn effects(&self) -> Vec<String> {
        self.lock().effects.clone()
    }

    /// How often the operator has successfully created an object of this name, over all incarnations.
    #[must_use]
    pub fn created<K: Object>(&self, namespace: &str, name: &str) -> u32 {
        let at = Address::of::<K>(crate::Key::new(namespace, name));
        self.lock().creates.get(&at).copied().unwrap_or(0)
    }

    /// A live object.
    #[must_use]
    pub fn get<K: Object>(&self, namespace: &str, name: &str) -> Option<K> {
        let at = Address::of::<K>(crate::Key::new(namespace, name));
        let value = self.lock().objects.get(&at).cloned()?;
        serde_json::from_value(value).ok()
    }

    /// All live objects of a kind.
    #[must_use]
    pub fn list<K: Object>(&self) -> Vec<K> {
        let kind = Kind::of::<K>();
        let values: Vec<Value> = {
            let inner = self.lock();
            inner.objects.iter().filter(|(at, _)| at.kind == kind).map(|(_, v)| v.clone()).collect()
        };
        values.into_iter().filter_map(|v| serde_json::from_value(v).ok()).collect()
    }

    /// Puts back an object that another world held, uid and resourceVersion included, and moves the clock on to `now`.
    pub fn restore<K: Object>(&self, body: &Value, now: Timestamp) {
        let at = Address::of::<K>(key_of(body));
        let mut inner = self.lock();
        inner.now = inner.now.max(now);
        inner.version = inner.version.max(text(body, "/metadata/resourceVersion").parse().unwrap_or(0));
        inner.incarnations.insert(at.clone(), 1);
        inner.objects.insert(at, body.clone());
    }

    /// What `kubectl apply` does: creates, or replaces the spec and raises the generation if it changed.
    pub fn apply<K: Object>(&self, object: &K) {
        let kind = Kind::of::<K>();
        let mut body = serde_json::to_value(object).unwrap_or_default();
        let at = Address { kind, key: key_of(&body) };
        let mut inner = self.lock();
        let Some(old) = inner.objects.get(&at).cloned() else {
            let _ = inner.create(&at, body);
            return;
        };
        let changed = old.get("spec") != body.get("spec");
        let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(1);
        let mut meta = old.get("metadata").cloned().unwrap_or_default();
        meta["generation"] = json!(generation + i64::from(changed));
        for part in ["labels", "annotations"] {
            if let Some(new) = body.pointer(&format!("/metadata/{part}")) {
                meta[part] = new.clone();
            }
        }
        body["metadata"] = meta;
        body["status"] = old.get("status").cloned().unwrap_or_default();
        inner.store(&at, body);
    }

    /// Changes a live object as the cluster's own actors do (a kubelet, another controller): status included.
    pub fn change<K: Object>(&self, namespace: &str, name: &str, edit: impl FnOnce(&mut K)) {
        let at = Address::of::<K>(crate::Key::new(namespace, name));
        let Some(value) = self.lock().objects.get(&at).cloned() else { return };
        let Ok(mut object) = serde_json::from_value::<K>(value) else { return };
        edit(&mut object);
        let mut body = serde_json::to_value(object).unwrap_or_default();
        body["apiVersion"] = json!(at.kind.api_version());
        body["kind"] = json!(at.kind.kind);
        let mut inner = self.lock();
        if inner.objects.get(&at) != Some(&body) {
            inner.store(&at, body);
        }
    }

    /// What `kubectl delete` does.
    pub fn delete<K: Object>(&self, namespace: &str, name: &str) {
        let at = Address::of::<K>(crate::Key::new(namespace, name));
        let _ = self.lock().delete(&at, "");
    }

    /// Removes an object at once, as a force delete or a lost node does.
    pub fn vanish<K: Object>(&self, namespace: &str, name: &str) {
        let at = Address::of::<K>(crate::Key::new(namespace, name));
        self.lock().remove(&at);
    }

    /// One step of garbage collection: orphans go, Terminating pods end. Returns whether anything happened.
    pub fn collect(&self) -> bool {
        let mut inner = self.lock();
        let uids: Vec<String> = inner.objects.values().map(|v| text(v, "/metadata/uid").to_owned()).collect();
        let orphan = |v: &Value| {
            let owner = controller_uid(v);
            !owner.is_empty() && !uids.iter().any(|u| u == owner)
        };
        let ended =
            |at: &Address, v: &Value| at.kind.kind == "Pod" && v.pointer("/metadata/deletionTimestamp").is_some();
        let found = inner
            .objects
            .iter()
            .find(|(at, v)| ended(at, v) || (orphan(v) && v.pointer("/metadata/deletionTimestamp").is_none()));
        let Some((at, pod)) = found.map(|(at, v)| (at.clone(), ended(at, v))) else { return false };
        if pod {
            inner.remove(&at);
        } else {
            let _ = inner.delete(&at, "");
        }
        true
    }
}

impl Inner {
    pub(crate) fn emit(&mut self, at: &Address, event: &Event<Value>) {
        let (Event::Applied(value) | Event::Deleted(value) | Event::Listed(value)) = event else { return };
        for feed in &mut self.feeds {
            if feed.kind == at.kind && selected(feed.labels, value) {
                feed.events.push_back(event.clone());
            }
        }
    }

    pub(crate) fn store(&mut self, at: &Address, mut body: Value) -> Value {
        self.version += 1;
        body["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(at.clone(), body.clone());
        self.emit(at, &Event::Applied(body.clone()));
        body
    }

    pub(crate) fn create(&mut self, at: &Address, mut body: Value) -> Result<Value, Failure> {
        if self.objects.contains_key(at) {
            return Err(Failure::http(409, "AlreadyExists", format!("{at} already exists")));
        }
        let incarnation = self.incarnations.entry(at.clone()).and_modify(|n| *n += 1).or_insert(1);
        let uid = names::hash(&[&at.to_string(), &incarnation.to_string()], 12);
        body["apiVersion"] = json!(at.kind.api_version());
        body["kind"] = json!(at.kind.kind);
        body["metadata"]["uid"] = json!(uid);
        body["metadata"]["generation"] = json!(1);
        body["metadata"]["creationTimestamp"] = json!(self.now.to_string());
        if at.kind.group == "millrace.dev" && body.get("status").is_none_or(Value::is_null) {
            body["status"] = json!({"observedGeneration": -1});
        }
        Ok(self.store(at, body))
    }

    pub(crate) fn remove(&mut self, at: &Address) {
        if let Some(mut last) = self.objects.remove(at) {
            self.version += 1;
            last["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.emit(at, &Event::Deleted(last));
        }
    }

    pub(crate) fn delete(&mut self, at: &Address, uid: &str) -> Result<Value, Failure> {
        let Some(mut body) = self.objects.get(at).cloned() else {
            return Err(Failure::http(404, "NotFound", format!("{at} not found")));
        };
        if !uid.is_empty() && text(&body, "/metadata/uid") != uid {
            return Err(Failure::http(409, "Conflict", format!("{at} is another incarnation")));
        }
        let held = body.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|f| !f.is_empty());
        if !held && at.kind.kind != "Pod" {
            self.remove(at);
            return Ok(body);
        }
        if body.pointer("/metadata/deletionTimestamp").is_none() {
            body["metadata"]["deletionTimestamp"] = json!(self.now.to_string());
            body = self.store(at, body);
        }
        Ok(body)
    }
}

/// Equality and sets (`a=b,c,d!=e,f in (g,h)`), which is all the watch budget uses.
pub(crate) fn selected(selector: Option<&str>, value: &Value) -> bool {
    let labels = value.pointer("/metadata/labels");
    let label = |key: &str| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
    let has = |term: &str| match (term.split_once(" in ("), term.split_once("!="), term.split_once('=')) {
        (Some((key, set)), ..) => {
            label(key).is_some_and(|have| set.trim_end_matches(')').split(',').any(|want| want.trim() == have))
        }
        (_, Some((key, not)), _) => label(key) != Some(not),
        (.., Some((key, want))) => label(key) == Some(want),
        _ => label(term).is_some(),
    };
    selector.is_none_or(|s| terms(s).into_iter().all(has))
}

/// The terms of a selector; the commas of a set part none.
fn terms(selector: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    selector
        .split(|c: char| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            c == ',' && depth == 0
        })
        .collect()
}
