//! DataPlane in the simulated world: what it says of brokers and stores that go and come back, and what that costs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod kafka_support;
mod store_sim;

use std::{sync::Arc, time::Duration};

use k8s_openapi::{
    ByteString,
    api::{core::v1::Secret, events::v1::Event},
};
use kafka_support::{Cluster, SimKafka};
use millrace_crds::DataPlane;
use millrace_dataplane::{connect::Connections, plane::Planes};
use millrace_kit::{
    Controller, Env, Kernel, conditions,
    sim::{self, Actor, Scenario, Schedule, World},
};
use strum::IntoEnumIterator;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter, strum::IntoStaticStr)]
enum Plot {
    #[strum(serialize = "all is well, for five minutes")]
    Quiet,
    #[strum(serialize = "the brokers go and come back")]
    Kafka,
    #[strum(serialize = "the store goes and comes back")]
    Store,
    #[strum(serialize = "the admin Secret comes later")]
    Secret,
    #[strum(serialize = "no store is declared")]
    KafkaOnly,
    #[strum(serialize = "nonsense in the spec")]
    Invalid,
    #[strum(serialize = "the store forgets the credentials it has issued")]
    Forgets,
    #[strum(serialize = "the keys that credentials are issued with are changed")]
    Rotated,
}

fn condition(world: &World, kind: &str) -> (String, String) {
    let status = world.get::<DataPlane>("", "default").and_then(|p| p.status).unwrap_or_default();
    conditions::get(&status, kind).map(|c| (c.status.clone(), c.reason.clone())).unwrap_or_default()
}

fn is(world: &World, kind: &str, flag: &str) -> bool {
    condition(world, kind).0 == flag
}

fn setup(plot: Plot, world: &World) {
    store_sim::plane(world, |spec| match plot {
        Plot::KafkaOnly => {
            spec.object_store = None;
            spec.admin_secret_ref = None;
        }
        Plot::Invalid => spec.kafka.as_mut().unwrap().bootstrap_servers = "kafka".into(),
        _ => {}
    });
    if plot == Plot::Secret {
        world.vanish::<Secret>(store_sim::HOME, "store-admin");
    }
}

type Step = (fn(&World) -> bool, fn(&World));

fn actors(plot: Plot) -> Vec<Actor> {
    let steps: Vec<Step> = match plot {
        Plot::Quiet | Plot::KafkaOnly | Plot::Invalid => vec![],
        Plot::Kafka => vec![
            (|w| is(w, "Ready", "True"), |w| Cluster::of(w).away(true)),
            (|w| is(w, "KafkaReachable", "False"), |w| Cluster::of(w).away(false)),
        ],
        Plot::Store => vec![
            (|w| is(w, "Ready", "True"), |w| store_sim::state(w).lock().away = true),
            (|w| is(w, "ObjectStoreReachable", "False"), |w| store_sim::state(w).lock().away = false),
        ],
        Plot::Forgets => vec![(|w| is(w, "CredentialsValid", "True"), |w| store_sim::state(w).lock().forgot += 1)],
        Plot::Rotated => vec![(
            |w| is(w, "CredentialsValid", "True"),
            |w| {
                w.change::<Secret>(store_sim::HOME, "store-sts", |secret| {
                    let key = ByteString(b"SK2".to_vec());
                    secret.data.get_or_insert_default().insert("secretKey".into(), key);
                });
            },
        )],
        Plot::Secret => vec![(
            |w| is(w, "ObjectStoreReachable", "False"),
            |w| {
                let other = w.get::<Secret>(store_sim::HOME, "store-sts").unwrap();
                let mut secret = Secret { data: other.data, ..Secret::default() };
                secret.metadata.name = Some("store-admin".into());
                secret.metadata.namespace = Some(store_sim::HOME.into());
                w.apply(&secret);
            },
        )],
    };
    let mut left = steps.into_iter().peekable();
    vec![Box::new(move |world| match left.next_if(|(ripe, _)| ripe(world)) {
        Some((_, act)) => {
            act(world);
            true
        }
        None => false,
    })]
}

fn end(plot: Plot, world: &World) -> Result<(), String> {
    let ready = match plot {
        Plot::Invalid => is(world, "Stalled", "True"),
        Plot::KafkaOnly => is(world, "Ready", "True") && condition(world, "ObjectStoreReachable").0.is_empty(),
        _ => is(world, "Ready", "True") && is(world, "ObjectStoreReachable", "True"),
    };
    let again = condition(world, "CredentialsValid").1 == "IssuedAgain";
    let ready = ready && again == matches!(plot, Plot::Forgets | Plot::Rotated);
    let isolated = plot == Plot::Invalid || condition(world, "Isolated") == ("False".into(), "KafkaWithoutAcls".into());
    let told = world.list::<Event>().into_iter().filter_map(|e| e.reason).collect::<Vec<_>>();
    let silent = told.len()
        <= match plot {
            Plot::Quiet | Plot::KafkaOnly => 0,
            Plot::Invalid | Plot::Forgets | Plot::Rotated => 1,
            _ => 2,
        };
    if ready && isolated && silent {
        Ok(())
    } else {
        Err(format!("{plot:?}: {:?}, {told:?}", condition(world, "Ready")))
    }
}

/// The scenario of a plot, watched for so many minutes.
fn scenario(plot: Plot, minutes: u64) -> Scenario {
    Scenario::new(<&str>::from(plot))
        .within(Duration::from_secs(60 * minutes))
        .given(move |world| setup(plot, world))
        .actors(move || actors(plot))
        // A Secret or its absence is never shown.
        .invariant(|world| {
            let text = serde_json::to_string(&world.list::<DataPlane>()).unwrap();
            if text.contains("\"SK\"") { Err("a secret key stands in a DataPlane".into()) } else { Ok(()) }
        })
        .then(move |world| end(plot, world))
}

fn sound(env: &Env, world: &World) -> Vec<Box<dyn Controller>> {
    let kafka = SimKafka { world: world.clone(), waker: env.waker.clone() };
    let at = Connections::new(store_sim::HOME, Arc::new(kafka), Arc::new(store_sim::Open(world.clone())));
    vec![Box::new(Kernel::new(Planes::new(at, env.reader.clone()), env.reader.clone()))]
}

fn scenarios() -> Vec<Scenario> {
    Plot::iter().map(|plot| scenario(plot, 1)).collect()
}

#[test]
fn same_end_under_every_cut_and_order() {
    sim::all_end_alike(&scenarios(), &sound, 3).unwrap_or_else(|faults| panic!("{faults}"));
}

#[test]
fn the_reasons_that_stories_reach() {
    let runs = scenarios().into_iter().map(|one| sim::recorded(&one, &sound, Schedule::UNDISTURBED));
    let checked = sim::golden::reached(env!("CARGO_MANIFEST_DIR"), "plane", runs);
    checked.unwrap_or_else(|diff| panic!("{diff}"));
}

#[test]
fn five_quiet_minutes_cost_one_write_and_an_outage_two_more() {
    let writes = |plot| sim::run(&scenario(plot, 5), &sound, Schedule::UNDISTURBED).writes;
    let status = |plot| writes(plot).iter().filter(|w| w.starts_with("status")).count();
    // The credential that is tried lives for days.
    let quiet = writes(Plot::Quiet);
    assert_eq!(quiet.len(), 3, "{quiet:?}");
    assert!(quiet[0].starts_with("assume") && quiet[1].starts_with("create Secret millrace/"), "{quiet:?}");
    assert_eq!(quiet[2], "status DataPlane default");
    assert_eq!(status(Plot::Kafka), 3);
    assert_eq!(status(Plot::Store), 3);
    assert_eq!(status(Plot::Forgets), 2);
    assert_eq!(status(Plot::Rotated), 2);
}
