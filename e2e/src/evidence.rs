//! What people would look at when something has not come: the object, its namespace's jobs, pods and Events, the load.
//!
//! Bounded, so that a table with several failures can still be read.

use crate::patience;
use crate::ui::Outcome;

/// Most lines of an object.
const OBJECT: usize = 120;
/// Most lines of a list.
const LIST: usize = 30;
/// Most Events, the newest.
const EVENTS: usize = 15;
/// Longest line.
const WIDE: usize = 400;

/// An object that did not become what it should.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
}

/// How kubectl is called.
type Kubectl<'a> = &'a dyn Fn(&[&str]) -> Outcome<String>;

/// Everything about it, and about the namespace it is in.
pub(crate) fn of(kubectl: Kubectl<'_>, namespace: &str, about: Option<About<'_>>) -> String {
    // Where kubectl fails too, that is what there is to see.
    let ask = |args: &[&str]| match kubectl(&[&["--namespace", namespace], args].concat()) {
        Ok(said) => said,
        Err(failure) => failure.why,
    };
    let object = about.map(|about| first(&ask(&["get", about.kind, about.name, "-o", "yaml"]), OBJECT));
    let jobs = first(&ask(&["get", "processingjobs", "-o", "wide"]), LIST);
    let pods = first(&ask(&["get", "pods", "-o", "wide"]), LIST);
    let events = last(&ask(&["get", "events", "--sort-by=.lastTimestamp"]), EVENTS);
    let nodes = first(&ask(&["get", "nodes", "-o", "wide"]), LIST);
    let all = [object.unwrap_or_default(), jobs, pods, events, nodes, patience::load()];
    all.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// The first lines, and how many there are more.
fn first(text: &str, most: usize) -> String {
    let mut lines: Vec<String> = text.lines().take(most).map(short).collect();
    let more = text.lines().count().saturating_sub(most);
    lines.extend((more > 0).then(|| format!("… {more} more lines")));
    lines.join("\n")
}

/// The last lines.
fn last(text: &str, most: usize) -> String {
    let skip = text.lines().count().saturating_sub(most);
    text.lines().skip(skip).map(short).collect::<Vec<_>>().join("\n")
}

fn short(line: &str) -> String {
    let more = if line.chars().count() > WIDE { "…" } else { "" };
    line.chars().take(WIDE).chain(more.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_bounded() {
        let text = (1..=200).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        assert!(first(&text, 3).ends_with("2\n3\n… 197 more lines"));
        assert_eq!(first("a\nb", 3), "a\nb");
        assert_eq!(last(&text, 2), "199\n200");
        assert_eq!(short(&"é".repeat(WIDE + 9)).chars().count(), WIDE + 1);
    }
}
