//! What a look at the live attempt needs.

use millrace_crds::{ProcessingJob, processing_job::Attempt};
use millrace_kit::Reader;

use crate::recent::Recent;

/// See the module.
pub(super) struct Around<'a> {
    pub recent: &'a Recent,
    pub job: &'a ProcessingJob,
    pub attempt: &'a Attempt,
    pub reader: &'a Reader,
    pub namespace: &'a str,
    /// Whether pods of it may have been made: not before its grant is ready.
    pub may_exist: bool,
}
