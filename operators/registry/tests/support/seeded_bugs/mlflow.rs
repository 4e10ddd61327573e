//! Bugs of the way to MLflow: it answers otherwise than it should have been asked.

use std::sync::Arc;

use millrace_kit::{async_trait, sim::Seeded};
use millrace_registry::{
    Context, Key, Settings,
    mlflow::{Answer, Catalogue, Change, Mlflow, NewVersion, Server, Version},
};

use crate::support::{KEY, mlflow::Simulated, sound};

pub fn all() -> Vec<Seeded> {
    vec![
        // A registration of which nothing is known is searched for before it is made again.
        with_lie(Lie::FindsNothing, "registers without searching", "the registration takes effect after its deadline"),
        // A version is called deleted when the server says that it is.
        with_lie(
            Lie::ProvesNothing,
            "calls a version deleted without proof",
            "tags and aliases changed behind our back",
        ),
    ]
}

/// Which answer is false.
#[derive(Clone, Copy, PartialEq)]
enum Lie {
    /// A search finds no version.
    FindsNothing,
    /// No version is there.
    ProvesNothing,
}

fn with_lie(lie: Lie, name: &str, scenario: &str) -> Seeded {
    Seeded::new(name, scenario, sound, move |env, world| {
        let settings = Settings { image: "mlflow:1".into(), server_url: None };
        let lying = Lying { truth: Simulated(world.clone()), lie };
        let context = Context::new(Arc::new(lying), Key::of(KEY), settings, env.waker.clone());
        millrace_registry::controllers_with(env, context)
    })
}

/// MLflow with one answer falsified.
struct Lying {
    truth: Simulated,
    lie: Lie,
}

#[async_trait]
impl Mlflow for Lying {
    async fn look(&self, server: &Server) -> Answer<Catalogue> {
        self.truth.look(server).await
    }
    async fn find(&self, server: &Server, uid: &str) -> Answer<Vec<Version>> {
        if self.lie == Lie::FindsNothing { Ok(Vec::new()) } else { self.truth.find(server, uid).await }
    }
    async fn version(&self, server: &Server, model: &str, version: i64) -> Answer<Option<Version>> {
        if self.lie == Lie::ProvesNothing { Ok(None) } else { self.truth.version(server, model, version).await }
    }
    async fn create_model(&self, server: &Server, model: &str) -> Answer<()> {
        self.truth.create_model(server, model).await
    }
    async fn create_version(&self, server: &Server, new: &NewVersion) -> Answer<Version> {
        self.truth.create_version(server, new).await
    }
    async fn delete_version(&self, server: &Server, model: &str, version: i64) -> Answer<()> {
        self.truth.delete_version(server, model, version).await
    }
    async fn change(&self, server: &Server, change: &Change) -> Answer<()> {
        self.truth.change(server, change).await
    }
}
