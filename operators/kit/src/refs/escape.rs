//! What a value's `$` becomes, so that it arrives as it was whoever reads the text next.
//!
//! Two languages. A kubelet makes `$` of every `$$` and expands `$(NAME)`. Where no kubelet reads, a `$` means something
//! only in a run of them before `(`: a pair there is one `$`, an odd one begins a reference; [`plain`] undoes that. A
//! user's own text is never touched.

/// Who reads a text after references in it have been replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A kubelet: arguments and variables of containers.
    Kubelet,
    /// Millrace once more, which writes a file or asks for data: it replaces what it knows and calls [`plain`].
    File,
    /// Nobody: the text is used as it stands.
    Nobody,
}

impl Reader {
    /// Who reads a field of a job, or a text below one: its path without positions in lists.
    #[must_use]
    pub fn of(path: &[&str]) -> Self {
        match path {
            ["container", "command" | "args"] | ["env", "value"] | ["spark", "main" | "args"] => Self::Kubelet,
            ["reads" | "writes"]
            | ["container", "image" | "checkpoint"]
            | ["spark" | "flink", "conf", _]
            | ["spark", "image" | "sql" | "packages" | "jars" | "pyFiles" | "checkpoint" | "eventLog"]
            | ["flink", "image" | "sql" | "main" | "args"]
            | ["flink", "state", "bucket" | "restoreFrom"] => Self::File,
            _ => Self::Nobody,
        }
    }
}

/// A part of a text.
pub(super) enum Part<'a> {
    /// As the user wrote it.
    Text(&'a str),
    /// A reference that is replaced later.
    Kept(&'a str),
    /// What stands in place of a reference.
    Value(String),
}

/// Where a character comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Text,
    Kept,
    Value,
    /// An empty value: its place counts, its character does not.
    Empty,
}

/// A character and where it comes from.
type Mark = (char, From);
type Marked = [Mark];

/// The parts as one text for `reader`.
pub(super) fn join(parts: Vec<Part<'_>>, reader: Reader) -> String {
    let mut marked = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => marked.extend(text.chars().map(|c| (c, From::Text))),
            Part::Kept(text) => marked.extend(text.chars().map(|c| (c, From::Kept))),
            Part::Value(value) => {
                if reader != Reader::Kubelet {
                    halve(&mut marked);
                } else if value.is_empty() {
                    marked.push((' ', From::Empty));
                }
                marked.extend(value.chars().map(|c| (c, From::Value)));
            }
        }
    }
    match reader {
        Reader::Kubelet => kubelet(&marked),
        Reader::File => file(&marked),
        Reader::Nobody => plain(&file(&marked)),
    }
}

/// A reference's own `(` is gone, and with it what made pairs of the user's `$` before it.
fn halve(marked: &mut Vec<Mark>) {
    let dollars = marked.iter().rev().take_while(|mark| **mark == ('$', From::Text)).count();
    marked.truncate(marked.len().saturating_sub(dollars));
    marked.extend(std::iter::repeat_n(('$', From::Value), dollars / 2));
}

/// In the language of a kubelet. What the user put into `$( )` it copies as it stands if it knows no variable of that
/// name, as in `$(cat $(params.file))`: with a value inside, all of that is written so that it need not know.
fn kubelet(marked: &Marked) -> String {
    let mut out = String::with_capacity(marked.len());
    let mut rest = marked;
    while let Some((first, tail)) = rest.split_first() {
        let opens = *first == ('$', From::Text) && tail.first() == Some(&('(', From::Text));
        let close = tail.iter().position(|mark| *mark == (')', From::Text)).filter(|_| opens);
        if let Some((inside, after)) = close.and_then(|at| tail.split_at_checked(at + 1)) {
            let escaped = inside.iter().any(replaced);
            out.push_str(if escaped { "$$" } else { "$" });
            for (c, from) in inside.iter().filter(|(_, from)| *from != From::Empty) {
                out.push_str(if escaped && *c == '$' && *from != From::Kept { "$" } else { "" });
                out.push(*c);
            }
            rest = after;
            continue;
        }
        rest = tail;
        if first.1 == From::Empty {
            continue;
        }
        out.push(first.0);
        // What nothing closes is text, and must stay so when a value has a `)`.
        if *first == ('$', From::Value) || opens && tail.iter().any(replaced) {
            out.push('$');
        }
        if *first == ('$', From::Text)
            && let Some((('$', From::Text), after)) = tail.split_first()
        {
            out.push('$');
            rest = after;
        }
    }
    out
}

fn replaced(mark: &Mark) -> bool {
    matches!(mark.1, From::Value | From::Empty)
}

/// A text that a kubelet reads as it stands here.
#[must_use]
pub fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// In the language of files. Whether a value's `$` needs a second one depends on what comes after it, the next value
/// included.
fn file(marked: &Marked) -> String {
    let mut out = String::with_capacity(marked.len());
    let mut rest = marked;
    while let Some(((first, _), tail)) = rest.split_first() {
        if *first != '$' {
            out.push(*first);
            rest = tail;
            continue;
        }
        let run = rest.iter().take_while(|(c, _)| *c == '$').count();
        let (dollars, after) = rest.split_at(run);
        let read = after.first().is_some_and(|(c, _)| *c == '(');
        for (_, from) in dollars {
            out.push_str(if read && *from == From::Value { "$$" } else { "$" });
        }
        rest = after;
    }
    out
}

/// The text that stands in the language of files, where nothing of it is to be replaced any more.
#[must_use]
pub fn plain(text: &str) -> String {
    expand_file(text, &[])
}

/// As [`plain`], with `$(NAME)` replaced where the name is known; the last of two of one name counts.
#[must_use]
pub fn expand_file(text: &str, known: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = from.trim_start_matches('$');
        let run = from.len() - after.len();
        rest = after;
        if !after.starts_with('(') {
            out.push_str(&"$".repeat(run));
            continue;
        }
        out.push_str(&"$".repeat(run / 2));
        if run % 2 == 0 {
            continue;
        }
        match named(after, known) {
            Some((value, tail)) => {
                out.push_str(value);
                rest = tail;
            }
            None => out.push('$'),
        }
    }
    out.push_str(rest);
    out
}

/// What a kubelet makes of the text in a container that has these variables.
#[must_use]
pub fn expand_kubelet(text: &str, known: &[(String, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = after;
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some((value, tail)) = named(after, known) {
            out.push_str(value);
            rest = tail;
        } else if let Some((name, tail)) = after.split_once(')').filter(|(name, _)| name.starts_with('(')) {
            // One it does not know stays, with whatever it is made of.
            out.extend(["$", name, ")"]);
            rest = tail;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

/// The value of the name in `(NAME)…`, and what comes after it.
fn named<'a, 'b>(text: &'a str, known: &'b [(String, String)]) -> Option<(&'b str, &'a str)> {
    let (name, tail) = text.strip_prefix('(')?.split_once(')')?;
    known.iter().rev().find(|(one, _)| one == name).map(|(_, value)| (value.as_str(), tail))
}
