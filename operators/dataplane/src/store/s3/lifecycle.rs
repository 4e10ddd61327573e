//! Lifecycle rules: which ones are plain expiry by prefix, and how a change leaves all others as they are.
//!
//! S3 knows one document per bucket, so a change is read, edit, write. Rules we do not model are passed through.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter};
use millrace_kit::names;

use crate::store::Expiry;

/// Prefix and days of a plain rule: enabled, expiry by days, filtered by prefix alone.
pub(super) fn plain(rule: &LifecycleRule) -> Option<(String, i32)> {
    let expiration = rule.expiration.as_ref()?;
    let days = expiration.days.filter(|d| *d > 0)?;
    let marker = expiration.expired_object_delete_marker.unwrap_or(false);
    let more = marker
        || expiration.date.is_some()
        || rule.transitions.as_ref().is_some_and(|t| !t.is_empty())
        || rule.noncurrent_version_transitions.as_ref().is_some_and(|t| !t.is_empty())
        || rule.noncurrent_version_expiration.is_some()
        || rule.abort_incomplete_multipart_upload.is_some();
    if rule.status != ExpirationStatus::Enabled || more {
        return None;
    }
    Some((prefix(rule)?, days))
}

/// The prefix a rule is filtered by; `None` if it is filtered by anything else too.
fn prefix(rule: &LifecycleRule) -> Option<String> {
    let Some(filter) = &rule.filter else { return Some(legacy_prefix(rule)) };
    let narrower = filter.and.is_some()
        || filter.tag.is_some()
        || filter.object_size_greater_than.is_some_and(|n| n > 0)
        || filter.object_size_less_than.is_some_and(|n| n > 0);
    (!narrower).then(|| filter.prefix.clone().unwrap_or_default())
}

#[expect(deprecated, reason = "old rules have their prefix outside the filter")]
fn legacy_prefix(rule: &LifecycleRule) -> String {
    rule.prefix.clone().unwrap_or_default()
}

/// The plain rules, by prefix.
pub(super) fn seen(rules: &[LifecycleRule]) -> BTreeMap<String, i32> {
    rules.iter().filter_map(plain).collect()
}

/// The rules after a change.
///
/// # Errors
/// The SDK's refusal of a rule we built.
pub(super) fn edited(rules: Vec<LifecycleRule>, change: &Expiry) -> Result<Vec<LifecycleRule>, String> {
    let named = |prefix: &String| change.set.contains_key(prefix) || change.drop.contains(prefix);
    let mut out: Vec<LifecycleRule> =
        rules.into_iter().filter(|rule| !plain(rule).is_some_and(|(prefix, _)| named(&prefix))).collect();
    for (prefix, days) in &change.set {
        let rule = LifecycleRule::builder()
            .id(format!("millrace-{}", names::hash(&[prefix], 12)))
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
            .expiration(LifecycleExpiration::builder().days(*days).build())
            .build()
            .map_err(|e| e.to_string())?;
        out.push(rule);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{AbortIncompleteMultipartUpload, Tag};

    use super::*;

    fn foreign() -> Vec<LifecycleRule> {
        let base = || LifecycleRule::builder().status(ExpirationStatus::Enabled);
        let days = LifecycleExpiration::builder().days(3).build();
        let tag = Tag::builder().key("a").value("b").build().unwrap();
        let by_tag = LifecycleRuleFilter::builder().tag(tag).build();
        let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(1).build();
        vec![
            base().id("by-tag").filter(by_tag).expiration(days.clone()).build().unwrap(),
            base().id("abort").abort_incomplete_multipart_upload(abort).build().unwrap(),
            base()
                .id("off")
                .status(ExpirationStatus::Disabled)
                .filter(LifecycleRuleFilter::builder().prefix("tmp/").build())
                .expiration(days)
                .build()
                .unwrap(),
        ]
    }

    #[test]
    fn rules_of_other_shapes_are_neither_seen_nor_touched() {
        let change = Expiry { set: [("tmp/".to_owned(), 14), ("x/".to_owned(), 1)].into(), drop: vec![] };
        let rules = edited(foreign(), &change).unwrap();
        assert_eq!(rules.len(), 5);
        assert_eq!(seen(&rules), change.set);
        let back = edited(rules, &Expiry { set: BTreeMap::new(), drop: vec!["tmp/".into(), "x/".into()] }).unwrap();
        assert_eq!(back, foreign());
    }

    #[test]
    fn a_change_replaces_the_rule_of_its_prefix() {
        let once = edited(vec![], &Expiry { set: [("tmp/".to_owned(), 14)].into(), drop: vec![] }).unwrap();
        let twice = edited(once, &Expiry { set: [("tmp/".to_owned(), 2)].into(), drop: vec![] }).unwrap();
        assert_eq!(twice.len(), 1);
        assert_eq!(seen(&twice).get("tmp/"), Some(&2));
    }
}
