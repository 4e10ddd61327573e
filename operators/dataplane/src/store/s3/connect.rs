//! How both APIs of a store are called: with which keys, and how long.

use std::time::Duration;

use aws_credential_types::Credentials as Signer;
use aws_sdk_s3::config::timeout::TimeoutConfig;

use crate::store::Keys;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest wait for a whole call: sooner than the lease ends, so that a deposed leader's call ends before its lease.
const CALL: Duration = Duration::from_secs(5);

/// Signs with these keys.
pub(super) fn signer(keys: &Keys) -> Signer {
    Signer::new(&keys.access, &keys.secret, None, None, "DataPlane")
}

/// See the constants.
pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(CALL).operation_attempt_timeout(CALL).build()
}
