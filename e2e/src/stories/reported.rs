//! What users of other operators reported, played here: the kinds of fault of `docs/reports.md` that only a real node shows.
//!
//! Asserted are the class, who is named in the message, and what becomes of the object; never the exact words.

mod jobs;
mod pipelines;
mod registry;
mod server;
mod tools;

pub(super) use jobs::play as jobs;
pub(super) use pipelines::{never, play as pipelines};
pub(super) use registry::play as registry;
