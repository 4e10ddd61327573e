//! A simulated MLflow server: one per run, outliving the operator's crashes; every change passes the world's gate.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use jiff::Timestamp;
use millrace_crds::ModelRegistry;
use millrace_kit::{async_trait, later, sim::World};
use millrace_registry::{
    Key,
    mlflow::{Answer, Catalogue, Change, Given, Mlflow, MlflowError, Mounted, NewVersion, Server, Version, What},
};

use super::{KEY, cluster::secret_value};

#[derive(Default)]
pub struct Store(Mutex<State>);

#[derive(Default)]
pub struct State {
    pub models: BTreeMap<String, BTreeMap<i64, Version>>,
    last: BTreeMap<String, i64>,
    pub aliases: BTreeMap<String, BTreeMap<String, i64>>,
    pub down: bool,
    pub refuses: bool,
    /// The next registration is heard of too late and done later still.
    pub slow: bool,
    late: Option<(NewVersion, Timestamp)>,
    /// What the running server was given.
    pub given: Option<Given>,
    /// Whether the server's second port is closed to the operator.
    pub closed: bool,
    /// Something that must never happen.
    pub fault: Option<String>,
    /// How often something that served stopped serving.
    pub outages: usize,
    /// Whether there are no files at any source.
    pub empty: bool,
    /// Whether something beside each program runs on.
    pub sidecar: bool,
    /// The Job whose pod is evicted when its program has ended; empty for the next one that measures.
    pub evicts: Option<String>,
    /// Exit code of a measurement.
    pub store_says: i32,
    /// What happens elsewhere at the moment of a registration.
    pub meanwhile: Option<fn(&World, &NewVersion)>,
    /// Whether changes are not recorded: where several ways lead to one end.
    pub quiet: bool,
}

impl State {
    fn register(&mut self, new: &NewVersion) -> Answer<Version> {
        let versions = self.models.get_mut(&new.model).ok_or_else(|| missing(&new.model))?;
        let last = self.last.entry(new.model.clone()).or_default();
        *last += 1;
        let version = Version {
            model: new.model.clone(),
            version: *last,
            source: new.source.clone(),
            description: new.description.clone(),
            tags: new.tags.clone(),
        };
        versions.insert(*last, version.clone());
        Ok(version)
    }

    /// Does what was asked for 10 s ago; whether there was anything.
    pub fn catch_up(&mut self, now: Timestamp) -> bool {
        let due = self.late.take_if(|(_, at)| now >= later(*at, Duration::from_secs(10)));
        due.is_some_and(|(new, _)| self.register(&new).is_ok())
    }
}

impl Store {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

pub struct Simulated(pub World);

impl Simulated {
    fn read<T>(&self, with: impl FnOnce(&State) -> T) -> Answer<T> {
        let store = self.0.shelf::<Store>();
        let state = store.lock();
        match (self.0.dead(), state.down, state.refuses) {
            (true, ..) => Err(MlflowError::Unanswered("the process is dead".into())),
            (_, true, _) => Err(MlflowError::Unreachable("simulated".into())),
            (_, _, true) => Err(MlflowError::Denied("simulated".into())),
            _ => Ok(with(&state)),
        }
    }

    /// `with` says whether it changed anything.
    fn write<T>(&self, what: &str, with: impl FnOnce(&mut State) -> Answer<(T, bool)>) -> Answer<T> {
        self.read(|_| ())?;
        let mut refused = None;
        let passed = self.0.gate(what, || {
            let outcome = with(&mut self.0.shelf::<Store>().lock());
            match outcome {
                Ok((value, changed)) => {
                    if changed && !self.0.shelf::<Store>().lock().quiet {
                        self.0.effect(what);
                    }
                    Ok(Some(value))
                }
                Err(error) => {
                    refused = Some(error);
                    Ok(None)
                }
            }
        });
        match (passed, refused) {
            (_, Some(error)) => Err(error),
            (Ok(Some(value)), None) => Ok(value),
            (Err(lost), None) => Err(MlflowError::Unanswered(lost.message)),
            (Ok(None), None) => unreachable!(),
        }
    }
}

impl Simulated {
    /// What the server was given, beside what lies in the Secrets now.
    fn given(&self) -> Option<Given> {
        let (given, closed) = {
            let store = self.0.shelf::<Store>();
            let state = store.lock();
            (state.given.clone()?, state.closed)
        };
        let (secret, key) = given.secret.split_once('/')?;
        let uri = Mounted { mounted: secret_value(&self.0, secret, key), ..given.uri.clone() };
        let uid = self.0.get::<ModelRegistry>("ml", "main")?.metadata.uid?;
        let login = Key::of(KEY).ok()?.login(&uid);
        let right = secret_value(&self.0, "main-mlflow-login", "password").as_ref() == Some(&login.password);
        let mounted = Some(if right { login.mounted() } else { "altered".to_owned() });
        let login = Mounted { used: None, mounted };
        (!closed).then_some(Given { uri, login, ..given })
    }
}

fn missing(model: &str) -> MlflowError {
    MlflowError::Missing(format!("Registered Model with name={model} not found"))
}

#[async_trait]
impl Mlflow for Simulated {
    async fn look(&self, _: &Server) -> Answer<Catalogue> {
        let given = self.given();
        self.read(|state| Catalogue {
            given,
            server_version: "3.17.2".into(),
            versions: Catalogue::by_uid(
                state.models.values().flat_map(BTreeMap::values).filter(|v| !v.uid().is_empty()).cloned(),
            ),
            aliases: state.aliases.clone(),
        })
    }

    async fn find(&self, _: &Server, uid: &str) -> Answer<Vec<Version>> {
        self.read(|state| {
            state.models.values().flat_map(BTreeMap::values).filter(|v| v.uid() == uid).cloned().collect()
        })
    }

    async fn version(&self, _: &Server, model: &str, version: i64) -> Answer<Option<Version>> {
        self.read(|state| state.models.get(model).and_then(|m| m.get(&version)).cloned())
    }

    async fn create_model(&self, _: &Server, model: &str) -> Answer<()> {
        self.write(&format!("create model {model}"), |state| {
            if state.models.contains_key(model) {
                return Err(MlflowError::Exists(model.to_owned()));
            }
            state.models.insert(model.to_owned(), BTreeMap::new());
            state.aliases.insert(model.to_owned(), BTreeMap::new());
            Ok(((), true))
        })
    }

    async fn create_version(&self, _: &Server, new: &NewVersion) -> Answer<Version> {
        let made = self.write(&format!("create version of {} from {}", new.model, new.source), |state| {
            if std::mem::take(&mut state.slow) {
                state.late = Some((new.clone(), self.0.now()));
                return Err(MlflowError::Unanswered("simulated".into()));
            }
            let version = state.register(new)?;
            Ok((version, true))
        });
        let there =
            self.0.shelf::<Store>().lock().models.values().flat_map(BTreeMap::values).any(|v| v.tags == new.tags);
        let meanwhile = self.0.shelf::<Store>().lock().meanwhile.filter(|_| there);
        if let Some(meanwhile) = meanwhile {
            meanwhile(&self.0, new);
        }
        made
    }

    async fn delete_version(&self, _: &Server, model: &str, version: i64) -> Answer<()> {
        self.write(&format!("delete {model}/{version}"), |state| {
            let versions = state.models.get_mut(model).ok_or_else(|| missing(model))?;
            versions.remove(&version).ok_or_else(|| missing(model))?;
            state.aliases.entry(model.to_owned()).or_default().retain(|_, at| *at != version);
            Ok(((), true))
        })
    }

    async fn change(&self, _: &Server, change: &Change) -> Answer<()> {
        let Change { model, version: number, what } = change;
        self.write(&change.to_string(), |state| {
            let versions = state.models.get_mut(model).ok_or_else(|| missing(model))?;
            let aliases = state.aliases.entry(model.clone()).or_default();
            if let What::DropAlias(alias) = what {
                return Ok(((), aliases.remove(alias).is_some()));
            }
            let version = versions.get_mut(number).ok_or_else(|| missing(model))?;
            let changed = match what {
                What::SetTag(key, value) => version.tags.insert(key.clone(), value.clone()).as_ref() != Some(value),
                What::DropTag(key) => version.tags.remove(key).is_some(),
                What::Describe(text) => std::mem::replace(&mut version.description, text.clone()) != *text,
                What::SetAlias(alias) => aliases.insert(alias.clone(), *number) != Some(*number),
                What::DropAlias(_) => false,
            };
            Ok(((), changed))
        })
    }
}
