//! The controller kernel of Millrace: observe, decide, act.
//!
//! An operator implements [`Operator`]; [`Kernel`] runs its passes; [`run`] gives it streams, a queue, a lease and
//! probes; [`sim`] gives it a world in which every write can fail. Nothing in here knows a kind of Millrace.

pub mod access;
pub mod cache;
pub mod causes;
pub mod client;
pub mod conditions;
pub mod decision;
pub mod domain_metrics;
pub mod events;
pub mod failure;
pub mod fence;
mod health;
pub mod kernel;
pub mod kind;
pub mod lease;
pub mod metrics;
pub mod names;
pub mod operator;
pub mod port;
pub mod queue;
pub mod reader;
pub mod refs;
pub mod run;
#[cfg(feature = "sim")]
pub mod sim;
mod stream;
pub mod wait;
pub mod warnings;
pub mod watch;
mod watched;
mod work;

pub use causes::{Cause, Fault};
pub use conditions::Standing;
pub use decision::{Action, Child, Decision, Effect, NoEffect, Seen, Target, later, owner_reference};
pub use domain_metrics::DomainMetrics;
pub use events::Note;
pub use failure::{Class, Failure, Failures, LastFailure};
pub use kernel::{Controller, FINALIZER, Kernel, Next};
pub use kind::{Address, Key, Kind, Object, Primary};
pub use operator::{DecisionOf, Operator, StatusOf};
pub use port::{Port, Query, Version, Write};
pub use reader::{Left, Reader, Writer, controlled_by};
pub use run::Env;
pub use wait::Wait;
pub use warnings::Warning;
pub use watch::Watch;

#[doc(no_inline)]
pub use async_trait::async_trait;
