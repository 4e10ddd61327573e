//! Emptying a bucket, a bounded piece at a time: objects with all versions and markers, and unfinished uploads.

use aws_sdk_s3::{
    operation::list_object_versions::ListObjectVersionsOutput,
    types::{Delete, ObjectIdentifier},
};

use super::{S3, explain::explain};
use crate::store::{StoreError, Trouble};

/// Versions per request: the answer must come within one call's deadline.
const PAGE: i32 = 500;
/// Requests per piece: a pass must end.
const PAGES: usize = 8;

impl S3 {
    /// Deletes up to [`PAGES`] pages; `true` if nothing was left.
    pub(super) async fn clear(&self, bucket: &str) -> Result<bool, StoreError> {
        for _ in 0..PAGES {
            let page = self.client.list_object_versions().bucket(bucket).max_keys(PAGE).send().await;
            let page = match page.map_err(|e| explain("listing the objects of bucket", bucket, &e)) {
                Err(gone) if gone.trouble == Trouble::NoSuchBucket => return Ok(true),
                other => other?,
            };
            let found = versions(&page);
            if found.is_empty() {
                return self.abort_uploads(bucket).await;
            }
            self.delete_versions(bucket, found).await?;
        }
        Ok(false)
    }

    async fn delete_versions(&self, bucket: &str, found: Vec<ObjectIdentifier>) -> Result<(), StoreError> {
        let all = Delete::builder().set_objects(Some(found)).quiet(true).build();
        let all = all.map_err(|e| StoreError::new(Trouble::StoreRefused, e.to_string()))?;
        let answer = self.client.delete_objects().bucket(bucket).delete(all).send().await;
        let answer = answer.map_err(|e| explain("deleting the objects of bucket", bucket, &e))?;
        let Some(refused) = answer.errors().first() else { return Ok(()) };
        let code = refused.code().unwrap_or_default();
        let message = format!(
            "deleting {} of bucket {bucket}: {code}: {}",
            refused.key().unwrap_or_default(),
            refused.message().unwrap_or_default()
        );
        // A locked object answers AccessDenied: a person must decide.
        Err(StoreError::new(super::explain::classify(code, 400), message))
    }

    async fn abort_uploads(&self, bucket: &str) -> Result<bool, StoreError> {
        let page = self.client.list_multipart_uploads().bucket(bucket).send().await;
        let page = page.map_err(|e| explain("listing the uploads of bucket", bucket, &e))?;
        for upload in page.uploads() {
            let ask = self.client.abort_multipart_upload().bucket(bucket);
            let ask = ask.set_key(upload.key.clone()).set_upload_id(upload.upload_id.clone());
            ask.send().await.map_err(|e| explain("aborting an upload to bucket", bucket, &e))?;
        }
        Ok(!page.is_truncated().unwrap_or(false))
    }
}

fn versions(page: &ListObjectVersionsOutput) -> Vec<ObjectIdentifier> {
    let objects = page.versions().iter().map(|v| (v.key(), v.version_id()));
    let markers = page.delete_markers().iter().map(|m| (m.key(), m.version_id()));
    let identify = |(key, version): (Option<&str>, Option<&str>)| {
        ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_owned)).build().ok()
    };
    objects.chain(markers).filter_map(identify).collect()
}
