use std::collections::BTreeMap;

use millrace_crds::{ModelVersionStatus, model_version::TakingAlias};

use super::{Holder, settle};
use crate::mlflow::What;

const ME: i64 = 2;

fn held(holder: Option<(i64, bool)>) -> BTreeMap<String, Holder> {
    holder.map(|(version, declared)| ("a".to_owned(), Holder { version, declared })).into_iter().collect()
}

fn status(taken: bool, pending: Option<Option<i64>>) -> ModelVersionStatus {
    ModelVersionStatus {
        aliases: if taken { vec!["a".into()] } else { Vec::new() },
        taking_aliases: pending.map(|from| TakingAlias { alias: "a".into(), from }).into_iter().collect(),
        ..ModelVersionStatus::default()
    }
}

/// What MLflow holds after the changes.
fn apply(changes: &[What], holder: Option<(i64, bool)>) -> Option<(i64, bool)> {
    changes.iter().fold(holder, |_, change| matches!(change, What::SetAlias(_)).then_some((ME, true)))
}

#[test]
fn from_every_state_it_comes_to_rest() {
    let holders = [None, Some((1, false)), Some((1, true)), Some((ME, true)), Some((3, false)), Some((3, true))];
    for listed in [&["a".to_owned()][..], &[]] {
        for taken in [false, true] {
            for pending in [None, Some(None), Some(Some(1)), Some(Some(3))] {
                for start in holders {
                    let (mut status, mut holder) = (status(taken, pending), start);
                    let mut rounds = 0;
                    while rounds < 4 {
                        let before = status.clone();
                        let told = settle(&mut status, (ME, listed), &held(holder));
                        if told.changes.is_empty() && status == before {
                            break;
                        }
                        holder = apply(&told.changes, holder);
                        rounds += 1;
                    }
                    assert!(rounds < 4, "{listed:?} {taken} {pending:?} {start:?}");
                    assert!(listed.is_empty() || holder.is_some(), "nobody holds it: {taken} {pending:?} {start:?}");
                }
            }
        }
    }
}

#[test]
fn it_is_put_back_but_never_taken_from_a_newer_or_declared_one() {
    let changes = |holder| settle(&mut status(true, None), (ME, &["a".to_owned()]), &held(holder)).changes;
    let back = vec![What::SetAlias("a".into())];
    assert_eq!(changes(None), back);
    assert_eq!(changes(Some((1, false))), back);
    for kept in [Some((1, true)), Some((3, false)), Some((3, true)), Some((ME, true))] {
        assert_eq!(changes(kept), Vec::new(), "{kept:?}");
    }
}

#[test]
fn after_a_crash_an_alias_that_moved_on_is_let_go() {
    let mut status = status(false, Some(Some(1)));
    let told = settle(&mut status, (ME, &["a".to_owned()]), &held(Some((3, true))));
    assert_eq!((told.changes, status.aliases, status.taking_aliases), (Vec::new(), vec!["a".to_owned()], Vec::new()));
}
