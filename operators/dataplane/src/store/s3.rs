//! The adapter over the AWS SDK, for MinIO and S3: plain HTTP allowed, short deadlines, no hidden retries.
//!
//! The kernel paces retries; a retry in here would only hide an outage. Checksums are sent only where S3 demands them,
//! since stores differ in which they take.

mod bucket;
mod connect;
mod empty;
mod explain;
mod lifecycle;
mod sts;

use std::sync::Arc;

use aws_sdk_s3::config::{
    BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
    retry::RetryConfig,
};

use super::{OpenStore, Settings, Store, StoreKeys};
use connect::{signer, timeouts};

/// Opens clients of real stores.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl OpenStore for Open {
    fn open(&self, at: &Settings, keys: &StoreKeys) -> Arc<dyn Store> {
        Arc::new(S3::new(at, keys))
    }
}

/// A store, with the admin keys and, if there are any, the `sts` keys.
pub(crate) struct S3 {
    client: aws_sdk_s3::Client,
    region: String,
    tokens: Option<sts::Tokens>,
}

impl S3 {
    fn new(settings: &Settings, keys: &StoreKeys) -> Self {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&settings.endpoint)
            .region(Region::new(settings.region.clone()))
            .force_path_style(settings.path_style)
            .credentials_provider(signer(&keys.admin))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        let tokens = keys.sts.as_ref().map(|sts| sts::Tokens::new(settings, sts));
        Self { client: aws_sdk_s3::Client::from_conf(config), region: settings.region.clone(), tokens }
    }
}
