//! A grant beside the bucket, and what the bucket makes of it.

use std::collections::BTreeMap;

use millrace_crds::{
    Access, DataBucket, DataGrant, DataGrantSpec,
    data_grant::{AccessRequest, GrantedBucket, Holder},
};
use millrace_kit::{
    conditions,
    sim::{Actor, World},
};

use super::{once, raw, ready};
use crate::store_sim::state;

/// A grant comes once the bucket is ready, and goes again when its rule has.
pub(super) fn actors(goes: bool) -> Vec<Actor> {
    let mut all = vec![once(ready, keep)];
    if goes {
        let dropped = |world: &World| refused(world) && rules(world).is_empty();
        all.push(once(dropped, |world| world.vanish::<DataGrant>("ml", "g")));
    }
    all
}

/// A grant that serves, and keeps state below `tmp/`.
fn keep(world: &World) {
    let state = AccessRequest {
        bucket: Some("raw".into()),
        prefix: Some("tmp/state/".into()),
        mode: Access::Write,
        protect: true,
        ..AccessRequest::default()
    };
    let holder = Holder { kind: "ProcessingJob".into(), name: "j".into(), uid: "u".into() };
    let spec = DataGrantSpec { data_plane: "default".into(), holder, access: vec![state], ..DataGrantSpec::default() };
    let mut grant = DataGrant::new("g", spec);
    grant.metadata.namespace = Some("ml".into());
    world.apply(&grant);
    world.change::<DataGrant>("ml", "g", |grant| {
        let named = GrantedBucket { name: "raw".into(), bucket_name: raw() };
        grant.status.get_or_insert_default().buckets = vec![named];
    });
}

pub(super) fn refused(world: &World) -> bool {
    world
        .get::<DataBucket>("ml", "raw")
        .is_some_and(|b| b.status.is_some_and(|s| conditions::is_true(&s, "ExpiryRefused")))
}

fn rules(world: &World) -> BTreeMap<String, i32> {
    state(world).lock().buckets.get(&raw()).map(|stored| stored.bucket.expire.clone()).unwrap_or_default()
}
