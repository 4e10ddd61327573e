//! The bucket calls.
//!
//! A look asks for the versioning first: every store says there whether the bucket exists, and of one that does not exist
//! nothing more is asked.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_credential_types::Credentials as Signer;
use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    types::{
        BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
        LifecycleRule, Tag, Tagging, VersioningConfiguration,
    },
};

use super::{S3, explain::explain, lifecycle};
use crate::store::{Assume, Bucket, Credentials, DEFAULT_REGION, Expiry, Store, StoreError, Trouble, Versioning};

/// What a store answers to credentials it does not know any more, or does not take for its own.
const UNKNOWN: [&str; 7] = [
    "InvalidAccessKeyId",
    "InvalidTokenId",
    "InvalidToken",
    "InvalidClientTokenId",
    "ExpiredToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> &str {
    error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default()
}

fn built(error: impl std::fmt::Display) -> StoreError {
    StoreError::new(Trouble::StoreRefused, error.to_string())
}

impl S3 {
    async fn versions(&self, bucket: &str) -> Result<Versioning, StoreError> {
        let answer = self.client.get_bucket_versioning().bucket(bucket).send().await;
        let answer = answer.map_err(|e| explain("reading the versioning of bucket", bucket, &e))?;
        Ok(match answer.status {
            Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
            Some(BucketVersioningStatus::Suspended) => Versioning::Suspended,
            _ => Versioning::Off,
        })
    }

    async fn rules(&self, bucket: &str) -> Result<Vec<LifecycleRule>, StoreError> {
        match self.client.get_bucket_lifecycle_configuration().bucket(bucket).send().await {
            Ok(answer) => Ok(answer.rules.unwrap_or_default()),
            Err(e) if code(&e) == "NoSuchLifecycleConfiguration" => Ok(Vec::new()),
            Err(e) => Err(explain("reading the lifecycle of bucket", bucket, &e)),
        }
    }
}

#[async_trait]
impl Store for S3 {
    async fn probe(&self) -> Result<(), StoreError> {
        let asked = self.client.list_buckets().max_buckets(1).send().await;
        asked.map(|_| ()).map_err(|e| explain("listing", "buckets", &e))
    }

    async fn look(&self, bucket: &str) -> Result<Option<Bucket>, StoreError> {
        let versioning = match self.versions(bucket).await {
            Err(gone) if gone.trouble == Trouble::NoSuchBucket => return Ok(None),
            other => other?,
        };
        match tokio::try_join!(self.tags(bucket), self.rules(bucket)) {
            Ok((tags, rules)) => Ok(Some(Bucket { tags, versioning, expire: lifecycle::seen(&rules) })),
            // Deleted in between.
            Err(gone) if gone.trouble == Trouble::NoSuchBucket => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn has(&self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        // The first key that begins with a key is the key itself, if it is there.
        let page = self.client.list_objects_v2().bucket(bucket).prefix(key).max_keys(1).send().await;
        let page = page.map_err(|e| explain("listing the objects of bucket", bucket, &e))?;
        let first = page.contents().first().and_then(|object| object.key());
        Ok(first.is_some_and(|found| found == key || key.ends_with('/')))
    }

    async fn create(&self, bucket: &str) -> Result<(), StoreError> {
        let mut ask = self.client.create_bucket().bucket(bucket);
        if self.region != DEFAULT_REGION {
            let at = BucketLocationConstraint::from(self.region.as_str());
            ask = ask.create_bucket_configuration(CreateBucketConfiguration::builder().location_constraint(at).build());
        }
        ask.send().await.map(|_| ()).map_err(|e| explain("creating bucket", bucket, &e))
    }

    async fn tags(&self, bucket: &str) -> Result<BTreeMap<String, String>, StoreError> {
        match self.client.get_bucket_tagging().bucket(bucket).send().await {
            Ok(answer) => Ok(answer.tag_set.into_iter().map(|t| (t.key, t.value)).collect()),
            Err(e) if matches!(code(&e), "NoSuchTagSet" | "NoSuchTagSetError") => Ok(BTreeMap::new()),
            Err(e) => Err(explain("reading the tags of bucket", bucket, &e)),
        }
    }

    async fn tag(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let set: Result<Vec<Tag>, _> = tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect();
        let tagging = Tagging::builder().set_tag_set(Some(set.map_err(built)?)).build().map_err(built)?;
        let asked = self.client.put_bucket_tagging().bucket(bucket).tagging(tagging).send().await;
        asked.map(|_| ()).map_err(|e| explain("tagging bucket", bucket, &e))
    }

    async fn versioning(&self, bucket: &str, on: bool) -> Result<(), StoreError> {
        let status = if on { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
        let config = VersioningConfiguration::builder().status(status).build();
        let asked = self.client.put_bucket_versioning().bucket(bucket).versioning_configuration(config).send().await;
        asked.map(|_| ()).map_err(|e| explain("setting the versioning of bucket", bucket, &e))
    }

    async fn expire(&self, bucket: &str, change: &Expiry) -> Result<(), StoreError> {
        let rules = lifecycle::edited(self.rules(bucket).await?, change).map_err(built)?;
        if rules.is_empty() {
            let asked = self.client.delete_bucket_lifecycle().bucket(bucket).send().await;
            return asked.map(|_| ()).map_err(|e| explain("removing the lifecycle of bucket", bucket, &e));
        }
        let config = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().map_err(built)?;
        let ask = self.client.put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(config);
        ask.send().await.map(|_| ()).map_err(|e| explain("setting the lifecycle of bucket", bucket, &e))
    }

    async fn empty(&self, bucket: &str) -> Result<bool, StoreError> {
        self.clear(bucket).await
    }

    async fn delete(&self, bucket: &str) -> Result<(), StoreError> {
        match self
            .client
            .delete_bucket()
            .bucket(bucket)
            .send()
            .await
            .map_err(|e| explain("deleting bucket", bucket, &e))
        {
            Err(gone) if gone.trouble == Trouble::NoSuchBucket => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn assume(&self, ask: &Assume) -> Result<Credentials, StoreError> {
        let missing = || StoreError::new(Trouble::NoStsKeys, "the DataPlane has no usable spec.stsSecretRef");
        self.tokens.as_ref().ok_or_else(missing)?.assume(ask).await
    }

    async fn knows(&self, credentials: &Credentials) -> Result<bool, StoreError> {
        let Credentials { access_key, secret_key, session_token, .. } = credentials;
        let signer = Signer::new(access_key, secret_key, Some(session_token.clone()), None, "DataGrant");
        let other = aws_sdk_s3::config::Builder::new().credentials_provider(signer);
        let asked = self.client.list_buckets().max_buckets(1).customize().config_override(other).send().await;
        match asked {
            Ok(_) => Ok(true),
            Err(error) => match code(&error) {
                "AccessDenied" => Ok(true),
                code if UNKNOWN.contains(&code) => Ok(false),
                _ => Err(explain("asking whether credentials are still known, by listing", "buckets", &error)),
            },
        }
    }
}
