//! Who may hold an alias. A newly listed one is taken once, from whoever holds it; the intent is stored with the holder of
//! that moment, so that after a crash an alias that has since moved on is not taken back.

use std::{collections::BTreeMap, fmt::Write as _};

use millrace_crds::{ModelVersionStatus, model_version::TakingAlias};

use super::seen::Holder;
use crate::mlflow::What;

/// What to change, and what to tell.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub(super) changes: Vec<What>,
    pub(super) note: String,
}

/// The intents of a version that is about to be registered.
pub(super) fn first(listed: &[String], held: &BTreeMap<String, Holder>) -> Vec<TakingAlias> {
    listed.iter().map(|alias| intent(alias, held)).collect()
}

fn intent(alias: &str, held: &BTreeMap<String, Holder>) -> TakingAlias {
    TakingAlias { alias: alias.to_owned(), from: held.get(alias).map(|h| h.version) }
}

/// Without the number: it would cost every older version a write whenever there is a new one.
const fn place(other: i64, mine: i64) -> &'static str {
    if other > mine { "a newer version" } else { "an older version" }
}

/// Compares what is listed with who holds it.
pub(super) fn settle(
    status: &mut ModelVersionStatus,
    wanted: (i64, &[String]),
    held: &BTreeMap<String, Holder>,
) -> Told {
    let (number, listed) = wanted;
    let mut told = Told::default();
    let pending = std::mem::take(&mut status.taking_aliases);
    let mut taken = std::mem::take(&mut status.aliases);
    for alias in listed {
        let holder = held.get(alias);
        let at = holder.map(|h| h.version);
        let intent_stored = pending.iter().find(|p| p.alias == *alias);
        let was_taken = taken.contains(alias);
        let done = at == Some(number) || intent_stored.is_some_and(|p| at.is_some() && p.from != at);
        match (done, was_taken, intent_stored) {
            (true, true, _) => {}
            (true, false, _) => taken.push(alias.clone()),
            // Listed anew: the intent is in the status before the alias is set.
            (false, false, stored) => {
                status.taking_aliases.push(stored.cloned().unwrap_or_else(|| intent(alias, held)));
                told.changes.push(What::SetAlias(alias.clone()));
            }
            // Lost: put back, unless it is where somebody declares it or a newer version has it.
            (false, true, _) => match holder {
                Some(other) if other.declared || other.version > number => {
                    // Writing to a String cannot fail.
                    let _ = write!(told.note, "; the alias {alias} is at {}", place(other.version, number));
                }
                _ => told.changes.push(What::SetAlias(alias.clone())),
            },
        }
        if done && at != Some(number) {
            let _ = write!(told.note, "; the alias {alias} is at {}", place(at.unwrap_or_default(), number));
        }
    }
    // No longer listed: removed where it is still ours, forgotten where it is not.
    for alias in taken.iter().filter(|a| !listed.contains(a)) {
        if held.get(alias).is_some_and(|h| h.version == number) {
            told.changes.push(What::DropAlias(alias.clone()));
        }
    }
    taken.retain(|a| listed.contains(a) || held.get(a).is_some_and(|h| h.version == number));
    status.aliases = taken;
    told
}

#[cfg(test)]
mod tests;
