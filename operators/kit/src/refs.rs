//! References in users' strings: `$(params.day)`, `$(bucket.raw)`, `$(steps.train.results.auc)`.
//!
//! Only the eight heads below are ours; every other `$(X)` passes untouched, since Kubernetes expands `$(ENV)` and
//! shells have `$(date)`. `$$(` escapes. What is substituted is never scanned again, by us or by the kubelet; see
//! [`Reader`].

mod escape;

use std::fmt;

use strum::{Display, EnumString, IntoStaticStr, VariantNames};

pub use escape::{Reader, expand_file, expand_kubelet, literal, plain};

use escape::Part;

/// The first word of a reference.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumString, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "lowercase")]
pub enum Head {
    /// A parameter of the pipeline.
    Params,
    /// The run itself: `run.name`, `run.uid`.
    Run,
    /// An earlier step: `steps.NAME.results.KEY`.
    Steps,
    /// The present element of a fan-out.
    Each,
    /// What started the run.
    Trigger,
    /// The URI of a bucket, in the engine's scheme.
    Bucket,
    /// The name of a topic on the broker.
    Topic,
    /// A registered model.
    Model,
}

/// One reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Its first word.
    pub head: Head,
    /// The words after it, at least one, none empty.
    pub path: Vec<String>,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$({}.{})", self.head, self.path.join("."))
    }
}

/// A reference that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}: {problem}")]
pub struct BadReference {
    /// The reference as written.
    pub text: String,
    /// What is wrong with it and what to write.
    pub problem: String,
}

enum Piece<'a> {
    Text(&'a str),
    Ours(&'a str, Reference),
}

/// The references in `text`, in order.
///
/// # Errors
/// The first reference with one of our heads that is malformed.
pub fn find(text: &str) -> Result<Vec<Reference>, BadReference> {
    let pieces = pieces(text)?;
    Ok(pieces.into_iter().filter_map(|p| if let Piece::Ours(_, r) = p { Some(r) } else { None }).collect())
}

/// `text` with every reference replaced by its `value`; `None` leaves the reference as it stands. In a value each `$` is
/// written as the next reader wants it, so that neither a later substitution nor a kubelet makes anything of what a
/// user's data happens to say.
///
/// # Errors
/// As [`find`].
pub fn substitute(
    text: &str,
    reader: Reader,
    mut value: impl FnMut(&Reference) -> Option<String>,
) -> Result<String, BadReference> {
    let parts = pieces(text)?.into_iter().map(|piece| match piece {
        Piece::Text(plain) => Part::Text(plain),
        Piece::Ours(raw, reference) => value(&reference).map_or(Part::Kept(raw), Part::Value),
    });
    Ok(escape::join(parts.collect(), reader))
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, BadReference> {
    let mut found = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while let Some(offset) = text.get(at..).and_then(|rest| rest.find("$(")) {
        let start = at + offset;
        let escaped =
            text.get(..start).is_some_and(|before| before.chars().rev().take_while(|c| *c == '$').count() % 2 == 1);
        let body = text.get(start + 2..).unwrap_or_default();
        let end = body.find(')');
        let inner = end.and_then(|e| body.get(..e));
        at = start + 2;
        if escaped {
            continue;
        }
        let head = body.split(['.', ')']).next().unwrap_or_default();
        let Ok(head) = head.parse::<Head>() else { continue };
        let raw_end = start + 2 + end.map_or(body.len(), |e| e + 1);
        let raw = text.get(start..raw_end).unwrap_or_default();
        let bad = |problem: &str| BadReference { text: raw.to_owned(), problem: problem.to_owned() };
        let inner = inner.ok_or_else(|| bad("the closing ) is missing"))?;
        let mut words = inner.split('.').skip(1).map(str::to_owned).collect::<Vec<_>>();
        if words.is_empty() || words.iter().any(|w| !good(w)) {
            return Err(bad(&format!("write $({head}.NAME), with letters, digits, '-' and '_' in each word")));
        }
        words.shrink_to_fit();
        found.push(Piece::Text(text.get(plain..start).unwrap_or_default()));
        found.push(Piece::Ours(raw, Reference { head, path: words }));
        plain = raw_end;
        at = raw_end;
    }
    found.push(Piece::Text(text.get(plain..).unwrap_or_default()));
    Ok(found)
}

fn good(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// One entry of `reads` or `writes`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataRef {
    /// `bucket/NAME[/prefix]`; the prefix is empty for the whole bucket and keeps its trailing slash.
    Bucket {
        /// Name of the DataBucket.
        name: String,
        /// Key prefix.
        prefix: String,
    },
    /// `topic/NAME`.
    Topic {
        /// Name of the DataTopic.
        name: String,
    },
}

impl DataRef {
    /// Reads `bucket/NAME[/prefix]` or `topic/NAME`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, BadReference> {
        let bad = || BadReference {
            text: text.to_owned(),
            problem: "write bucket/NAME, bucket/NAME/prefix/ or topic/NAME".into(),
        };
        let mut parts = text.splitn(3, '/');
        let (kind, name, rest) = (parts.next(), parts.next(), parts.next());
        let name = name.filter(|n| good(n)).ok_or_else(bad)?.to_owned();
        if let Some(problem) = rest.and_then(unsound) {
            return Err(BadReference { text: text.to_owned(), problem: problem.to_owned() });
        }
        match (kind, rest) {
            (Some("bucket"), prefix) => Ok(Self::Bucket { name, prefix: prefix.unwrap_or_default().to_owned() }),
            (Some("topic"), None) => Ok(Self::Topic { name }),
            _ => Err(bad()),
        }
    }
}

/// What is wrong with a prefix of keys; a slash at its end is not. Stores and clients make different things of such names.
#[must_use]
pub fn unsound(prefix: &str) -> Option<&'static str> {
    let mut segments = prefix.strip_suffix('/').unwrap_or(prefix).split('/');
    if prefix.chars().any(char::is_control) {
        return Some("a prefix has no control characters");
    }
    let odd = !prefix.is_empty() && segments.any(|one| ["", ".", ".."].contains(&one));
    odd.then_some("a prefix has no empty segment, no `.` and no `..`; write the place itself")
}

#[cfg(test)]
mod tests {
    use super::{DataRef, Reader, find, substitute};

    #[test]
    fn only_our_heads_are_references() {
        let text = "$(HOME) $(date) $(params.day)/$(steps.train.results.auc) $$(params.no)";
        let seen: Vec<String> = find(text).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(seen, ["$(params.day)", "$(steps.train.results.auc)"]);
    }

    #[test]
    fn values_are_never_expanded_again() {
        let value = |r: &super::Reference| (r.path[0] == "x").then(|| "$(params.x)$$(HOME) 5$".into());
        let text = "a $(params.x) $(bucket.raw)";
        let once = |reader| substitute(text, reader, value).unwrap();
        assert_eq!(once(Reader::Kubelet), "a $$(params.x)$$$$(HOME) 5$$ $(bucket.raw)");
        assert_eq!(once(Reader::File), "a $$(params.x)$$$$(HOME) 5$ $(bucket.raw)");
        assert_eq!(once(Reader::Nobody), "a $(params.x)$$(HOME) 5$ $(bucket.raw)");
    }

    #[test]
    fn malformed_references_say_what_to_write() {
        assert!(find("$(params)").unwrap_err().to_string().contains("$(params.NAME)"));
        assert!(find("$(bucket.raw").unwrap_err().to_string().contains("closing )"));
        assert!(find("$(params.a b)").is_err());
        assert!(find("$(paramsx.a)").unwrap().is_empty());
    }

    #[test]
    fn data_references() {
        let bucket = |name: &str, prefix: &str| DataRef::Bucket { name: name.into(), prefix: prefix.into() };
        assert_eq!(DataRef::parse("bucket/raw").unwrap(), bucket("raw", ""));
        assert_eq!(DataRef::parse("bucket/raw/day=1/").unwrap(), bucket("raw", "day=1/"));
        assert_eq!(DataRef::parse("bucket/raw/.x/..y/a.b").unwrap(), bucket("raw", ".x/..y/a.b"));
        assert_eq!(DataRef::parse("topic/t").unwrap(), DataRef::Topic { name: "t".into() });
        let wrong = ["raw", "bucket/", "topic/t/x", "bucket/a b", "bucket/a//b", "bucket/a//", "bucket/a/../../b"];
        let odd = ["bucket/a/.", "bucket/a/./b", "bucket/a/..", "bucket/a/b/../", "bucket/a/x\ny"];
        for wrong in wrong.into_iter().chain(odd) {
            assert!(DataRef::parse(wrong).is_err(), "{wrong}");
        }
    }
}
