//! What a step can do: the trait that one file each implements, and what it is given.

use std::{collections::BTreeMap, fmt, time::Duration};

use millrace_crds::{MLPipelineRun, step::StepSpec};
use millrace_kit::{Child, Failure, Key, Kind, Reader, Standing, Watch, access::Access, async_trait};

use super::child_state::{Cause, ChildState};
use crate::spec::{finding::Finding, scope::Scope};

/// What a step can do. Methods with a body are for verbs that need more than a child.
#[async_trait]
pub trait Verb: fmt::Debug + Send + Sync {
    /// The fields of a step that mean this verb, as [`millrace_crds::step::VERBS`] lists them.
    fn fields(&self) -> &'static [&'static str];

    /// Kind of the child it makes.
    fn kind(&self) -> Kind;

    /// The child of a step, every reference in it replaced.
    ///
    /// # Errors
    /// Why the step has failed without one.
    fn child(&self, request: &Request<'_>) -> Result<Child, Cause>;

    /// The children that the owner with this uid has, as far as the cache knows.
    fn children(&self, owner_uid: &str, reader: &Reader) -> Vec<ChildState>;

    /// A child the cache misses, asked for live; `None` is proof that the owner has none of this name.
    ///
    /// # Errors
    /// Any answer of the API server but 200 and 404.
    async fn live(&self, key: &Key, owner_uid: &str, reader: &Reader) -> Result<Option<ChildState>, Failure>;

    /// The stream of its children, for the controller of runs.
    fn watch(&self) -> Watch;

    /// The rights it needs.
    fn access(&self) -> &'static [Access];

    /// Finds what cannot work in its section, whatever the run.
    fn check(&self, _step: &StepSpec, _path: &str, _findings: &mut Vec<Finding>) {}

    /// The only keys it returns; `None` if its program decides.
    fn returns(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// Why its steps have no access to data, and how to do without; `None` if they may have.
    fn without_data(&self) -> Option<&'static str> {
        None
    }

    /// How long it may take, if the run counts that.
    fn limit(&self) -> Option<Limit> {
        None
    }

    /// What is wrong with a step once the run's parameters are known, before the first step starts.
    fn refusal(&self, _step: &StepSpec, _scope: &Scope) -> Option<Cause> {
        None
    }

    /// What of the namespace its steps depend on: the names of the objects of some kinds.
    fn look(&self, _namespace: &str, _reader: &Reader) -> Namespace {
        Namespace::new()
    }

    /// Streams of these objects, for the controller of pipelines.
    fn namespace_watches(&self) -> Vec<Watch> {
        Vec::new()
    }

    /// The index keys under which such a stream finds the pipeline of this step.
    fn index_keys(&self, _step: &StepSpec, _namespace: &str) -> Vec<String> {
        Vec::new()
    }

    /// What the namespace lacks for this step.
    fn lacks(&self, _step: &StepSpec, _namespace: &Namespace) -> Option<Standing> {
        None
    }
}

/// Names of the objects of a namespace, by kind.
pub type Namespace = BTreeMap<String, Vec<String>>;

/// How long a step may take.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// From the creation of its child; what a verb says is the default.
    pub duration: Duration,
    /// What it is by then, after "not", as in `registered`.
    pub done: &'static str,
}

/// What a child is made from.
#[derive(Debug)]
pub struct Request<'a> {
    /// The run.
    pub run: &'a MLPipelineRun,
    /// The step, its references not yet replaced.
    pub step: &'a StepSpec,
    /// What they stand for.
    pub scope: &'a Scope,
    /// The DataPlane named by the pipeline.
    pub data_plane: Option<&'a str>,
    /// What [`Verb::look`] saw.
    pub namespace: &'a Namespace,
}
