//! Kafka as the controllers see it: a view of the managed topics, and changes asked for one by one.
//!
//! The port is [`Broker`]; its real adapter is [`view`] (one task per DataPlane: snapshot, questions and changes that
//! gather while others are under way) over [`admin`] (batched calls), over [`ffi`] (librdkafka, the only `unsafe` of the project).
//! Controllers never call a broker themselves.

pub mod admin;
mod batch;
mod ffi;
mod looks;
mod open;
mod port;
mod state;
mod surroundings;
pub mod view;

pub use open::{Real, Woken, client};
pub use port::{Broker, Change, Freshness, Health, OpenKafka, Sight, Topic, UNREACHABLE};
