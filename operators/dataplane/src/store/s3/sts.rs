//! AssumeRole, signed with a DataPlane's `sts` keys.

use aws_sdk_sts::config::{BehaviorVersion, Region, retry::RetryConfig};
use jiff::Timestamp;

use super::{
    connect::{signer, timeouts},
    explain::explain,
};
use crate::store::{Assume, Credentials, Keys, Settings, StoreError, Trouble};

/// Sent where the DataPlane names no role: MinIO wants the parameter and ignores it.
const ANY_ROLE: &str = "arn:aws:iam::000000000000:role/millrace";

/// An STS API with one pair of keys.
pub(super) struct Tokens {
    client: aws_sdk_sts::Client,
    role: String,
}

impl Tokens {
    pub(super) fn new(settings: &Settings, keys: &Keys) -> Self {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&settings.sts_endpoint)
            .region(Region::new(settings.region.clone()))
            .credentials_provider(signer(keys))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            .build();
        let role = settings.role_arn.clone().unwrap_or_else(|| ANY_ROLE.to_owned());
        Self { client: aws_sdk_sts::Client::from_conf(config), role }
    }
}

impl Tokens {
    pub(super) async fn assume(&self, ask: &Assume) -> Result<Credentials, StoreError> {
        if ask.policy.trim().is_empty() {
            // An empty session policy means every right of the caller.
            return Err(StoreError::new(Trouble::StoreRefused, "AssumeRole without a session policy is never sent"));
        }
        let seconds = i32::try_from(ask.duration.as_secs()).unwrap_or(i32::MAX);
        let asked = self.client.assume_role().role_arn(&self.role).role_session_name(&ask.session);
        let answer = asked.policy(&ask.policy).duration_seconds(seconds).send().await;
        let answer = answer.map_err(|e| explain("AssumeRole for", &ask.session, &e))?;
        let unusable =
            || StoreError::new(Trouble::StoreBusy, format!("AssumeRole for {}: no credentials", ask.session));
        let given = answer.credentials.ok_or_else(unusable)?;
        let expires_at = Timestamp::from_second(given.expiration.secs()).map_err(|_| unusable())?;
        Ok(Credentials {
            access_key: given.access_key_id,
            secret_key: given.secret_access_key,
            session_token: given.session_token,
            expires_at,
        })
    }
}
