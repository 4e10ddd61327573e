//! The stream of one kind: opened with its type, erased behind [`Stream`] where controllers of many kinds meet.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use kube::{
    Api, Client,
    runtime::{WatchStreamExt, watcher},
};

use crate::{
    cache::{Delivered, Event},
    kind::{Key, Kind, Object},
    watched::{Watched, spec_of},
};

/// What is watched of a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// This namespace alone.
    pub(crate) namespace: Option<&'a str>,
    /// Label selector sent to the API server.
    pub(crate) labels: Option<&'a str>,
}

/// Where objects of one kind come from.
pub(crate) trait Stream: Send + Sync {
    /// Lists and watches, again and again, with kube's back-off after an error.
    fn open(&self, client: Client, scope: Scope<'_>) -> BoxStream<'static, Result<Event<Delivered>, watcher::Error>>;

    /// The same for one object of the simulated world.
    #[cfg(feature = "sim")]
    fn deliver(&self, value: serde_json::Value) -> Delivered;
}

/// What is kept of an object, and the words it is found by.
pub(crate) struct Stored<K>(Arc<Rules<K>>);

struct Rules<K> {
    slim: Box<Slim<K>>,
    index: Box<Index<K>>,
}

type Slim<K> = dyn Fn(&mut K) + Send + Sync;
type Index<K> = dyn Fn(&K) -> Vec<String> + Send + Sync;

impl<K: Object> Stored<K> {
    /// Less of each object (`slim`), found again by keys (`index`).
    pub(crate) fn new(
        slim: impl Fn(&mut K) + Send + Sync + 'static,
        index: impl Fn(&K) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Rules { slim: Box::new(slim), index: Box::new(index) }))
    }

    /// The whole object, found by its name and owner alone.
    pub(crate) fn whole() -> Self {
        Self::new(|_| {}, |_| Vec::new())
    }
}

impl<K: Object> Rules<K> {
    fn delivered(&self, watched: Watched<K>) -> Delivered {
        let meta = kube::Resource::meta(&watched);
        let controller = meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
        Delivered {
            key: Key::new(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default()),
            version: meta.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or(0),
            owner: controller.map(|owner| owner.uid.clone()).unwrap_or_default(),
            spec: spec_of(meta),
            object: match watched {
                Watched::Broken(_, error) => Err(error),
                Watched::Decoded(mut object) => {
                    let words = (self.index)(&object);
                    let kept = Arc::make_mut(&mut object);
                    kept.meta_mut().managed_fields = None;
                    (self.slim)(kept);
                    Ok((object, words))
                }
            },
        }
    }
}

impl<K: Object> Stream for Stored<K> {
    fn open(&self, client: Client, scope: Scope<'_>) -> BoxStream<'static, Result<Event<Delivered>, watcher::Error>> {
        let resource = Kind::of::<K>().api_resource();
        let api: Api<Watched<K>> = match scope.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        };
        let mut config = watcher::Config::default();
        if let Some(labels) = scope.labels {
            config = config.labels(labels);
        }
        let rules = Arc::clone(&self.0);
        let events = watcher(api, config).default_backoff().map_ok(move |event| {
            let event = match event {
                watcher::Event::Init => Event::Restart,
                watcher::Event::InitApply(object) => Event::Listed(object),
                watcher::Event::InitDone => Event::Complete,
                watcher::Event::Apply(object) => Event::Applied(object),
                watcher::Event::Delete(object) => Event::Deleted(object),
            };
            event.map(|watched| rules.delivered(watched))
        });
        events.boxed()
    }

    #[cfg(feature = "sim")]
    fn deliver(&self, value: serde_json::Value) -> Delivered {
        self.0.delivered(Watched::of(value))
    }
}
