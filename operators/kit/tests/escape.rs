//! Values arrive byte for byte: random templates and random values, through both substitutions, read by a model of the
//! kubelet and by nobody.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use millrace_kit::refs::{Head, Reader, Reference, expand_file, expand_kubelet, plain, substitute};
use proptest::prelude::*;

/// `Expand` of Kubernetes' third_party/forked/golang/expansion, byte for byte, with what its containers say of unknown
/// names: they stay.
fn kubelet(input: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    let input = input.as_bytes();
    let (mut out, mut checkpoint, mut cursor) = (Vec::new(), 0, 0);
    while cursor < input.len() {
        if input[cursor] == b'$' && cursor + 1 < input.len() {
            out.extend_from_slice(&input[checkpoint..cursor]);
            let (read, is_var, advance) = try_read(&input[cursor + 1..]);
            if is_var {
                let name = String::from_utf8(read).unwrap();
                out.extend(known(&name).unwrap_or_else(|| format!("$({name})")).into_bytes());
            } else {
                out.extend(read);
            }
            cursor += advance;
            checkpoint = cursor + 1;
        }
        cursor += 1;
    }
    out.extend_from_slice(&input[checkpoint..]);
    String::from_utf8_lossy(&out).into_owned()
}

fn try_read(input: &[u8]) -> (Vec<u8>, bool, usize) {
    match input[0] {
        b'$' => (vec![b'$'], false, 1),
        b'(' => match input.iter().skip(1).position(|b| *b == b')') {
            Some(at) => (input[1..=at].to_vec(), true, at + 2),
            None => (b"$(".to_vec(), false, 1),
        },
        // Go makes a rune of the byte: a `$` before anything but ASCII comes out broken.
        byte => (format!("${}", char::from(byte)).into_bytes(), false, 1),
    }
}

fn home(name: &str) -> Option<String> {
    (name == "HOME").then(|| "/root".to_owned())
}

/// Texts with everything that means something to somebody.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just("$".to_owned()),
        2 => Just("(".to_owned()),
        2 => Just(")".to_owned()),
        1 => "[a-z\\\\\n\t\"' {}%]{1,3}",
        1 => Just("é😀".to_owned()),
        1 => Just("$(HOME)".to_owned()),
        1 => Just("$$(HOME)".to_owned()),
        1 => Just("HOME)".to_owned()),
        1 => Just("$(params.a)".to_owned()),
        1 => Just("$(params.b)".to_owned()),
        1 => Just("$(bucket.c)".to_owned()),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|all| all.concat())
}

/// As a user writes them: a `$` that a kubelet would break is nobody's wish.
fn templates() -> impl Strategy<Value = String> {
    texts().prop_filter("a kubelet breaks a lone $ before anything but ASCII", |t| !t.contains("$é"))
}

fn with(text: &str, reader: Reader, one: &dyn Fn(&Reference) -> Option<String>) -> String {
    substitute(text, reader, one).unwrap()
}

fn is(reference: &Reference, head: Head, name: &str) -> bool {
    reference.head == head && reference.path == [name]
}

/// Through the pipeline's substitution and then the job's, as `reader` is to get it.
fn both(template: &str, values: &[String; 3], reader: Reader) -> String {
    let first = with(template, reader, &|r| {
        let found = [("a", 0), ("b", 1)].into_iter().find(|(name, _)| is(r, Head::Params, name));
        found.map(|(_, at)| values[at].clone())
    });
    with(&first, reader, &|r| is(r, Head::Bucket, "c").then(|| values[2].clone()))
}

/// What must arrive: everything is read with `place` in place of each reference, and only then the values are put in.
fn wanted(template: &str, values: &[String; 3], read: (&dyn Fn(&str) -> String, &str)) -> String {
    let (read, place) = read;
    let mark = |at: u32| format!("{place}{}", char::from_u32(0xE000 + at).unwrap());
    let mut marked = template.to_owned();
    for (at, text) in ["$(params.a)", "$(params.b)", "$(bucket.c)"].into_iter().enumerate() {
        let mut from = 0;
        while let Some(found) = marked[from..].find(text).map(|offset| from + offset) {
            let dollars = marked[..found].chars().rev().take_while(|c| *c == '$').count();
            from = found + 1;
            if dollars % 2 == 0 {
                let mark = mark(u32::try_from(at).unwrap());
                marked.replace_range(found..found + text.len(), &mark);
                from = found + mark.len();
            }
        }
    }
    let mut out = read(&marked);
    // All at once, so that no value is looked at.
    let mut done = String::new();
    while let Some(at) = out.find(|c| ('\u{E000}'..='\u{E002}').contains(&c)) {
        let which = out[at..].chars().next().unwrap();
        done.push_str(out[..at].strip_suffix(place).unwrap_or(&out[..at]));
        done.push_str(&values[which as usize - 0xE000]);
        out = out[at + which.len_utf8()..].to_owned();
    }
    done + &out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn a_kubelet_reads_what_was_meant(template in templates(), a in texts(), b in texts(), c in "[a-z$]{1,4}") {
        let values = [a, b, c];
        prop_assume!(substitute(&template, Reader::Kubelet, |_| None).is_ok());
        let filled = both(&template, &values, Reader::Kubelet);
        let read = |text: &str| kubelet(text, &home);
        prop_assert_eq!(read(&filled), wanted(&template, &values, (&read, "")), "{}", filled);
    }

    #[test]
    fn a_file_says_what_was_meant(template in texts(), a in texts(), b in texts(), c in "[a-z$]{1,4}") {
        let values = [a, b, c];
        prop_assume!(substitute(&template, Reader::File, |_| None).is_ok());
        let filled = both(&template, &values, Reader::File);
        // The parenthesis of a reference is what makes pairs of the `$` before it.
        prop_assert_eq!(plain(&filled), wanted(&template, &values, (&plain, "(")), "{}", filled);
    }

    #[test]
    fn a_value_alone_arrives_as_it_is(value in texts()) {
        let values = [value.clone(), String::new(), String::new()];
        prop_assert_eq!(kubelet(&both("$(params.a)", &values, Reader::Kubelet), &home), value.as_str());
        prop_assert_eq!(plain(&both("$(params.a)", &values, Reader::File)), value.as_str());
        prop_assert_eq!(with("$(params.a)", Reader::Nobody, &|_| Some(value.clone())), value.as_str());
    }

    #[test]
    fn a_users_text_is_not_touched(text in texts()) {
        prop_assume!(substitute(&text, Reader::File, |_| None).is_ok());
        prop_assert_eq!(with(&text, Reader::Kubelet, &|_| None), text.as_str());
        prop_assert_eq!(with(&text, Reader::File, &|_| None), text.as_str());
    }

    #[test]
    fn our_kubelet_is_theirs(text in templates()) {
        let known = [("HOME".to_owned(), "/root".to_owned())];
        prop_assert_eq!(expand_kubelet(&text, &known), kubelet(&text, &home));
    }
}

/// Random texts hit this once in some 30,000: the name of a variable around an empty value.
#[test]
fn an_empty_value_makes_no_name_either() {
    let values = ["", "HOME", ""].map(str::to_owned);
    for (template, arrives) in [
        ("$($(params.a)HOME)", "$(HOME)"),
        ("$(HO$(params.a)ME) $(HOME)", "$(HOME) /root"),
        ("$(HOME$(params.a)", "$(HOME"),
        ("$$$(params.a)(HOME)", "$(HOME)"),
        ("$($(params.b))", "$(HOME)"),
    ] {
        assert_eq!(kubelet(&both(template, &values, Reader::Kubelet), &home), arrives, "{template}");
    }
}

#[test]
fn a_script_may_refer_to_variables_as_a_container_does() {
    let known = [("KAFKA".to_owned(), "kafka:9092".to_owned()), ("ODD".to_owned(), "a$$(b".to_owned())];
    let expand = |text| expand_file(text, &known);
    assert_eq!(expand("'$(KAFKA)' $(NO) $5 $$ $$(KAFKA) $(ODD) $"), "'kafka:9092' $(NO) $5 $$ $(KAFKA) a$$(b $");
    assert_eq!(expand("$$$(KAFKA) $(KAFKA"), "$kafka:9092 $(KAFKA");
}
