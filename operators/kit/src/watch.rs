//! The watch budget: each stream with its selector, what is kept of an object, whom it wakes, and why it exists.
//!
//! Owns the declarations and how a stream of a kind is decoded; streams are opened by [`crate::run`], once per kind and
//! process.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    cache::{Cache, Erased},
    kind::{Key, Kind, Object},
    stream::{Stored, Stream},
};

type Wakes = dyn Fn(&Erased, &Cache) -> Vec<Key> + Send + Sync;

/// One watched kind of one controller.
#[derive(Clone)]
pub struct Watch {
    /// The watched kind.
    pub kind: Kind,
    /// Label selector sent to the API server.
    pub labels: Option<&'static str>,
    /// Only the operator's own namespace is watched.
    pub own_namespace: bool,
    /// Changes of the status alone wake nobody.
    pub spec_only: bool,
    /// Why this stream is worth its memory, in one line.
    pub why: &'static str,
    stream: Arc<dyn Stream>,
    wakes: Arc<Wakes>,
    keeps: bool,
}

impl Watch {
    /// The controller's own kind: each change wakes the object itself.
    #[must_use]
    pub fn primary<K: Object>() -> Self {
        Self::related::<K>("the objects this controller keeps", |object, _| vec![Key::of(object)])
    }

    /// Children of the kind `P`: a change wakes the controller owner.
    #[must_use]
    pub fn child<P: Object, K: Object>(why: &'static str) -> Self {
        Self::related::<K>(why, |object, _| {
            let namespace = object.meta().namespace.clone().unwrap_or_default();
            let owners = object.meta().owner_references.iter().flatten();
            owners
                .filter(|o| o.controller == Some(true) && o.kind == P::kind(&()))
                .map(|o| Key::new(namespace.clone(), o.name.clone()))
                .collect()
        })
    }

    /// Any other kind, with the rule that says whom a change wakes.
    #[must_use]
    pub fn related<K: Object>(
        why: &'static str,
        wakes: impl Fn(&K, &Cache) -> Vec<Key> + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind: Kind::of::<K>(),
            labels: None,
            own_namespace: false,
            spec_only: false,
            why,
            keeps: false,
            stream: Arc::new(Stored::<K>::whole()),
            wakes: Arc::new(move |object, cache| object.downcast_ref::<K>().map_or_else(Vec::new, |k| wakes(k, cache))),
        }
    }

    /// Restricts the stream to objects with these labels.
    #[must_use]
    pub const fn labels(mut self, selector: &'static str) -> Self {
        self.labels = Some(selector);
        self
    }

    /// Restricts the stream to the operator's own namespace.
    #[must_use]
    pub const fn own_namespace(mut self) -> Self {
        self.own_namespace = true;
        self
    }

    /// Wakes nobody for a change of the status alone: for those to whom only the spec of the watched object matters.
    #[must_use]
    pub const fn spec_only(mut self) -> Self {
        self.spec_only = true;
        self
    }

    /// Stores less of each object (`slim`) and finds it again by keys (`index`, read by [`Cache::indexed`]).
    #[must_use]
    pub fn stored_as<K: Object>(
        mut self,
        slim: impl Fn(&mut K) + Send + Sync + 'static,
        index: impl Fn(&K) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.stream = Arc::new(Stored::<K>::new(slim, index));
        self.keeps = true;
        self
    }

    /// Whether this watch says how objects are kept, and so decodes for all listeners of its kind.
    pub(crate) const fn keeps(&self) -> bool {
        self.keeps
    }

    /// How objects of this kind arrive.
    pub(crate) fn stream(&self) -> &dyn Stream {
        &*self.stream
    }

    pub(crate) fn wakes(&self, object: &Erased, cache: &Cache) -> BTreeSet<Key> {
        (self.wakes)(object, cache).into_iter().collect()
    }
}
