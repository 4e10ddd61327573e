//! Names of children, derived so that the same parent and parts always give the same name.
//!
//! Determinism is what makes creates idempotent: a crashed pass and its successor ask for one and the same object.

use sha2::{Digest, Sha256};

/// Longest name this module makes; leaves room for what Spark and Kubernetes append (63 characters in a label).
pub const MAX_NAME: usize = 45;

const HASH_LEN: usize = 8;
/// No vowels and no look-alikes: names cannot spell words and survive being read aloud.
const ALPHABET: &[u8; 16] = b"bcdfghjkmnpqrstv";

/// The first `len` characters of a lower-case, DNS-safe hash over `parts`; the parts are delimited, so `["ab"]` and
/// `["a", "b"]` differ. `len` is at most 32.
#[must_use]
pub fn hash(parts: &[&str], len: usize) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest
        .finalize()
        .iter()
        .take(len.div_ceil(2))
        .flat_map(|byte| [byte >> 4, byte & 15])
        .take(len)
        .filter_map(|nibble| ALPHABET.get(usize::from(nibble)).copied().map(char::from))
        .collect()
}

/// A child's name: a readable prefix of `readable` and a hash of the owner's uid and the parts, at most
/// [`MAX_NAME`] characters, a valid DNS-1035 label.
#[must_use]
pub fn child(readable: &str, owner_uid: &str, parts: &[&str]) -> String {
    let mut all = vec![owner_uid];
    all.extend_from_slice(parts);
    join(readable, &hash(&all, HASH_LEN), MAX_NAME)
}

/// `readable-suffix`, with `readable` made DNS-safe and cut so that the whole is at most `max` characters.
#[must_use]
pub fn join(readable: &str, suffix: &str, max: usize) -> String {
    let safe: String = readable
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(max.saturating_sub(suffix.len() + 1))
        .collect();
    let safe = safe.trim_matches('-');
    match safe.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => format!("{safe}-{suffix}"),
        Some(_) => {
            let cut: String = safe.chars().take(max.saturating_sub(suffix.len() + 2)).collect();
            format!("x{}-{suffix}", cut.trim_end_matches('-'))
        }
        None => format!("x-{suffix}"),
    }
}
