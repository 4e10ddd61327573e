//! What a program returns: nothing, or one flat JSON object of strings, numbers and booleans in its termination log.
//!
//! A number keeps its digits: the API server and most readers hold it as 64 bits, so its text is kept beside it where it
//! would not read back the same. What cannot be kept is refused by its key.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::Value;

/// Longest results a step may return, in bytes.
const MAX_RESULTS: usize = 3_072;
const ADVICE: &str = "write one flat JSON object of strings, numbers and booleans to /dev/termination-log";

/// Results by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Results {
    /// As conditions and most readers see them.
    pub values: BTreeMap<String, Value>,
    /// The numbers among them that do not read back as they were written, as they were.
    pub texts: BTreeMap<String, String>,
}

/// Reads a termination log.
pub(crate) fn read(text: &str) -> Result<Results, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Results::default());
    }
    if text.len() > MAX_RESULTS {
        let long = text.len();
        return Err(format!(
            "/dev/termination-log has {long} bytes; write at most {MAX_RESULTS}, larger data to a bucket"
        ));
    }
    let bare = bare(text);
    if let Some(problem) = bare.iter().find_map(|(key, word)| wrong(key, word)) {
        return Err(problem);
    }
    let mut values: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|e| format!("{e}; {ADVICE}"))?;
    if let Some((key, kind)) = values.iter().find_map(|(key, value)| Some((key, composed(value)?))) {
        return Err(format!("`{key}` is {kind}, and no string, number or boolean; {ADVICE}"));
    }
    let mut texts = BTreeMap::new();
    for (key, word) in bare {
        if let Some(Value::Number(number)) = values.get(&key) {
            // The last of two of one key counts, here as there.
            texts.remove(&key);
            let exact = if number.is_i64() { number.clone() } else { double(word).unwrap_or_else(|| number.clone()) };
            if !steady(word, &exact) {
                texts.insert(key.clone(), word.to_owned());
            }
            values.insert(key, Value::Number(exact));
        }
    }
    Ok(Results { values, texts })
}

/// The nearest number of 64 bits, which a fast reader of JSON may miss by the last one.
fn double(word: &str) -> Option<serde_json::Number> {
    word.parse().ok().and_then(serde_json::Number::from_f64)
}

/// Whether a number reads back as it was written, from the API server too: that makes `1` of `1.0` and has its own way to
/// write powers of ten.
fn steady(word: &str, number: &serde_json::Number) -> bool {
    let again = serde_json::from_str::<Value>(word).map(|value| value.to_string()).is_ok_and(|text| text == word);
    let broken = number.as_f64().is_some_and(|n| n.fract() != 0.0) && !word.contains(['e', 'E']);
    again && number.to_string() == word && (number.is_i64() || broken)
}

const fn composed(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null => Some("null"),
        Value::Array(_) => Some("a list"),
        Value::Object(_) => Some("an object"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// What is wrong with a word that stands for the value of a key, if anything is.
fn wrong(key: &str, word: &str) -> Option<String> {
    let name = word.trim_start_matches(['-', '+']).to_ascii_lowercase();
    if ["nan", "inf", "infinity"].contains(&name.as_str()) {
        return Some(format!("`{key}` is {word}; write a finite number"));
    }
    if serde_json::from_str::<IgnoredAny>(word).is_err() {
        let advice = "write true, false, a number such as 0.5, or text in double quotes";
        return Some(format!("`{key}` is {word}, which JSON does not know; {advice}"));
    }
    let number = word.parse::<f64>().ok()?;
    let advice = "write a smaller number, or text in double quotes";
    number.is_infinite().then(|| format!("`{key}` is {word}, more than a number of 64 bits holds; {advice}"))
}

/// The words of an object's values that stand without quotes, each with its key; of what lies deeper, with the key above.
fn bare(text: &str) -> Vec<(String, &str)> {
    let (mut found, mut key, mut last, mut depth) = (Vec::new(), None, None, 0_usize);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = match c {
            '"' => quoted(rest),
            '{' | '}' | '[' | ']' | ':' | ',' => 1,
            c if c.is_whitespace() => c.len_utf8(),
            _ => rest.find(|c: char| c.is_whitespace() || "{}[]:,\"".contains(c)).unwrap_or(rest.len()),
        };
        let Some((word, after)) = rest.split_at_checked(end) else { break };
        match c {
            '"' => last = serde_json::from_str::<String>(word).ok(),
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            ':' if depth == 1 => key = last.take(),
            ':' | ',' => {}
            c if c.is_whitespace() => {}
            _ => found.extend(key.clone().map(|key| (key, word))),
        }
        rest = after;
    }
    found
}

/// Length of the string in quotes that a text begins with.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    let close = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    close.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests;
