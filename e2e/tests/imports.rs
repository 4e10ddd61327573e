//! The law of imports: no circle of files in any crate, parents and children included.
//!
//! Reads `use` items and paths as tokens, without compiling: a file imports another when it names something in it by a
//! path from `crate`, `super`, `self` or one of its own modules. Tests are left out.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The crates, none of which has a circle.
const CRATES: [&str; 7] = [
    "crds",
    "e2e",
    "operators/dataplane",
    "operators/kit",
    "operators/pipeline",
    "operators/processing",
    "operators/registry",
];

/// The floors of a crate, from the ground up: each file imports from its own floor and from those below it.
const FLOORS: [(&str, &[&str]); 3] = [
    (
        "operators/pipeline",
        &[
            "rights spec::finding spec::returns spec::scope spec::symbols",
            "spec::condition spec::fill spec::graph spec::references verbs::child_state children triggers::trigger",
            "verbs::verb triggers",
            "verbs children::run",
            "spec index",
            "modifiers pipeline::seen run::seen",
            "pipeline run",
            "",
        ],
    ),
    (
        "operators/registry",
        &[
            "login logins registrations mlflow registry::names version::spec",
            "index pods registry::effect registry::spec",
            "registry::seen version::seen",
            "children context version::effect",
            "registry version",
            "",
        ],
    ),
    (
        "operators/processing",
        &[
            "looks engines::flink::name engines::flink::rest engines::spark::layout",
            "job",
            "seen",
            "model diagnosis",
            "build pass engines::container::spec engines::spark::spec engines::flink::spec",
            "objects engines::flink::layout engines::flink::client",
            "rollback",
            "engine",
            "engines::container engines::spark engines::flink",
            "engines",
            "parse recent",
            "preflight",
            "observe",
            "decide",
            "metrics operator",
            "",
        ],
    ),
];

/// A module by its path below the crate; the crate itself is empty.
type Module = Vec<String>;

/// The files of a crate, each with those it imports.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// What stands in one file.
#[derive(Default)]
struct File {
    /// Modules it declares in files of their own, with the path an attribute gives.
    declares: Vec<(String, Option<String>)>,
    /// The paths in it, as written.
    paths: BTreeSet<Vec<String>>,
    /// What its `use` items name, by the name it has here.
    names: BTreeMap<String, Vec<String>>,
}

impl File {
    fn child(&self, name: &str) -> bool {
        self.declares.iter().any(|(declared, _)| declared == name)
    }
}

/// Reads the tokens of a file, without what only tests see.
struct Scan {
    file: File,
    /// `#[path = "…"]` before the item that comes.
    path: Option<String>,
    /// Whether what comes is an item of `use`.
    using: bool,
}

impl Scan {
    fn file(text: &str) -> File {
        let tokens: TokenStream = text.parse().unwrap();
        let mut scan = Self { file: File::default(), path: None, using: false };
        scan.tokens(&tokens.into_iter().collect::<Vec<_>>());
        scan.file
    }

    fn tokens(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            at = self.one(tokens, at);
        }
    }

    /// Reads what begins at a token; where the next one begins.
    fn one(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match &tokens[at] {
            TokenTree::Punct(hash) if hash.as_char() == '#' => match tokens.get(at + 1) {
                Some(TokenTree::Group(attribute)) if attribute.delimiter() == Delimiter::Bracket => {
                    let text = attribute.stream().to_string();
                    if text.starts_with("cfg") && text.contains("test") && !text.contains("not") {
                        return after_item(tokens, at + 2);
                    }
                    if let Some(path) = text.strip_prefix("path = ") {
                        self.path = Some(path.trim_matches('"').to_owned());
                    }
                    at + 2
                }
                _ => at + 1,
            },
            TokenTree::Ident(word) if word == "mod" => match (&tokens.get(at + 1), &tokens.get(at + 2)) {
                (Some(TokenTree::Ident(name)), Some(TokenTree::Punct(end))) if end.as_char() == ';' => {
                    self.file.declares.push((name.to_string(), self.path.take()));
                    at + 3
                }
                _ => at + 1,
            },
            // Who may see it is no import.
            TokenTree::Ident(word) if word == "pub" => match tokens.get(at + 1) {
                Some(TokenTree::Group(to)) if to.delimiter() == Delimiter::Parenthesis => at + 2,
                _ => at + 1,
            },
            TokenTree::Ident(word) if word == "use" => {
                self.using = true;
                let next = self.path_at(tokens, at + 1, &[]);
                self.using = false;
                next
            }
            TokenTree::Ident(_) => self.path_at(tokens, at, &[]),
            TokenTree::Group(group) => {
                self.tokens(&group.stream().into_iter().collect::<Vec<_>>());
                at + 1
            }
            _ => at + 1,
        }
    }

    /// Reads a path, or a tree of `use` with what comes before it.
    fn path_at(&mut self, tokens: &[TokenTree], at: usize, before: &[String]) -> usize {
        let mut path = before.to_vec();
        let mut at = at;
        loop {
            match tokens.get(at) {
                Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                Some(TokenTree::Group(tree)) if tree.delimiter() == Delimiter::Brace && !path.is_empty() => {
                    let branches: Vec<TokenTree> = tree.stream().into_iter().collect();
                    let comma = |t: &TokenTree| matches!(t, TokenTree::Punct(p) if p.as_char() == ',');
                    for branch in branches.split(comma).filter(|branch| !branch.is_empty()) {
                        self.path_at(branch, 0, &path);
                    }
                    return at + 1;
                }
                _ => break,
            }
            at += 1;
            let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
            if !(colon(at) && colon(at + 1)) {
                break;
            }
            at += 2;
        }
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        if self.using {
            let alias = match (tokens.get(at), tokens.get(at + 1)) {
                (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(alias))) if word == "as" => {
                    Some(alias.to_string())
                }
                _ => path.last().cloned(),
            };
            self.file.names.extend(alias.map(|alias| (alias, path.clone())));
        }
        if path.len() > 1 {
            self.file.paths.insert(path);
        }
        at.max(1)
    }
}

/// Where the item that begins here has ended: behind its `;` or its braces, further attributes included.
fn after_item(tokens: &[TokenTree], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Punct(end) if end.as_char() == ';' || end.as_char() == ',' => break,
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => break,
            _ => {}
        }
    }
    at
}

/// Reads a crate from its root.
fn imports(root: &Path) -> Imports {
    let mut files: BTreeMap<Module, File> = BTreeMap::new();
    let mut open: Vec<(Module, PathBuf)> = vec![(vec![], root.join("src/lib.rs"))];
    while let Some((module, path)) = open.pop() {
        let file = Scan::file(&fs::read_to_string(&path).unwrap());
        let owner = path.file_stem().is_some_and(|stem| stem == "lib");
        let folder = if owner { path.parent().unwrap().to_path_buf() } else { path.with_extension("") };
        for (name, elsewhere) in &file.declares {
            let below = [module.clone(), vec![name.clone()]].concat();
            let place = match elsewhere {
                Some(elsewhere) => path.parent().unwrap().join(elsewhere),
                None => folder.join(format!("{name}.rs")),
            };
            open.push((below, place));
        }
        files.insert(module, file);
    }
    files
        .iter()
        .map(|(module, file)| {
            let targets = file.paths.iter().filter_map(|path| target(module, file, path, &files));
            (module.clone(), targets.filter(|t| t != module).collect())
        })
        .collect()
}

/// The file that a path leads to.
fn target(module: &Module, file: &File, path: &[String], files: &BTreeMap<Module, File>) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let full = match first.as_str() {
        "crate" => rest.to_vec(),
        "self" => [module.clone(), rest.to_vec()].concat(),
        "super" => {
            let ups = path.iter().take_while(|word| *word == "super").count();
            [&module[..module.len().checked_sub(ups)?], &path[ups..]].concat()
        }
        child if file.child(child) => [module.clone(), path.to_vec()].concat(),
        name => {
            let named = file.names.get(name).filter(|named| *named != path && named[0] != *name)?;
            return target(module, file, &[&named[..], rest].concat(), files);
        }
    };
    let mut found = full.clone();
    while !files.contains_key(&found) {
        found.pop();
    }
    // A parent that only hands on what a child has is not the one who is meant.
    let (name, parent) = (full.get(found.len()), &files[&found]);
    let handed_on = name.and_then(|name| parent.names.get(name)).filter(|path| parent.child(&path[0]));
    Some(handed_on.and_then(|path| target(&found, parent, path, files)).unwrap_or(found))
}

/// The largest set of files that all lead to each other.
fn circle(imports: &Imports) -> Vec<Module> {
    let reach = |from: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(next) = open.pop() {
            open.extend(imports[&next].iter().filter(|to| seen.insert((*to).clone())).cloned());
        }
        seen
    };
    let all: BTreeMap<&Module, BTreeSet<Module>> = imports.keys().map(|module| (module, reach(module))).collect();
    let knot =
        |module: &Module| -> Vec<&Module> { all[module].iter().filter(|other| all[*other].contains(module)).collect() };
    let largest = imports.keys().map(knot).max_by_key(Vec::len).unwrap_or_default();
    largest.into_iter().cloned().collect()
}

/// Which of these files import which.
fn arrows_within(imports: &Imports, circle: &[Module]) -> String {
    let line = |from: &Module| {
        let to: Vec<String> = imports[from].iter().filter(|to| circle.contains(to)).map(|to| to.join("::")).collect();
        format!("  {} -> {}", from.join("::"), to.join(", "))
    };
    circle.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut wrong = Vec::new();
    for name in CRATES {
        let imports = imports(&repository().join(name));
        let arrows: usize = imports.values().map(BTreeSet::len).sum();
        #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
        let each = arrows as f64 / imports.len() as f64;
        let circle = circle(&imports);
        println!("{name}: {} files, {each:.1} imports each, largest circle {}", imports.len(), circle.len());
        if !circle.is_empty() {
            wrong.push(format!("{name}: a circle of {}:\n{}", circle.len(), arrows_within(&imports, &circle)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The floor of a module: that of the longest path in the plan which it is or is below.
fn floor(plan: &[&str], module: &Module) -> Option<usize> {
    let path = module.join("::");
    let below = |place: &str| path == place || path.starts_with(&format!("{place}::"));
    let places = plan.iter().enumerate().flat_map(|(floor, places)| places.split(' ').map(move |p| (floor, p)));
    places.filter(|(_, place)| below(place)).max_by_key(|(_, place)| place.len()).map(|(floor, _)| floor)
}

#[test]
fn files_import_only_from_their_floor_and_below() {
    let mut wrong = Vec::new();
    for (name, plan) in FLOORS {
        for (from, to) in imports(&repository().join(name)) {
            let Some(own) = floor(plan, &from) else {
                // A folder's own file, which only names what is in it, needs none.
                wrong.extend((!to.is_empty()).then(|| format!("{} has no floor", from.join("::"))));
                continue;
            };
            let above = to.iter().filter(|to| floor(plan, to).is_some_and(|floor| floor > own));
            wrong.extend(
                above.map(|to| format!("{} imports {}, which stands above it", from.join("::"), to.join("::"))),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The engines of the processing operator.
const ENGINES: [&str; 3] = ["spark", "flink", "container"];

#[test]
fn engines_do_not_know_each_other() {
    let engine =
        |module: &Module| module.first().filter(|first| *first == "engines").and_then(|_| module.get(1)).cloned();
    let mut wrong = Vec::new();
    for (from, to) in imports(&repository().join("operators/processing")) {
        let Some(own) = engine(&from) else { continue };
        let others = to.iter().filter(|to| engine(to).is_some_and(|other| other != own));
        wrong.extend(others.map(|to| format!("{} imports {}", from.join("::"), to.join("::"))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_all_engines_share_names_none() {
    let source = repository().join("operators/processing/src");
    let shared = |module: &Module| {
        module.first().is_some_and(|first| ["decide", "observe", "metrics", "preflight"].contains(&first.as_str()))
    };
    let mut wrong = Vec::new();
    for module in imports(&repository().join("operators/processing")).into_keys().filter(shared) {
        let path = source.join(module.join("/")).with_extension("rs");
        for (at, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            // A pod has containers, and a sentence may say so.
            let prose = line.trim_start().starts_with("//") || line.contains('"');
            let named = ENGINES.iter().filter(|engine| line.to_ascii_lowercase().contains(**engine));
            let named = named.filter(|engine| **engine != "container" || !prose);
            wrong.extend(named.map(|engine| format!("{}:{}: {engine}", module.join("/"), at + 1)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_circle_is_found() {
    let file = Scan::file(
        "use super::{a::{self, B}, c as d,}; #[cfg(test)] mod tests; mod below; #[cfg(test)] mod t { use crate::z; } \
         pub(in crate::no) fn f() { below::go(vec![crate::x::y()]); let a = d::e; }",
    );
    let paths: Vec<String> = file.paths.iter().map(|p| p.join("::")).collect();
    assert_eq!(paths, ["below::go", "crate::x::y", "d::e", "super::a", "super::a::B", "super::c"]);
    assert_eq!(file.names["d"].join("::"), "super::c");
    assert_eq!(file.declares, [("below".to_owned(), None)]);
    let module = |name: &str| vec![name.to_owned()];
    let edge = |from: &str, to: &[&str]| (module(from), to.iter().map(|t| module(t)).collect::<BTreeSet<_>>());
    let knot = Imports::from([edge("a", &["b"]), edge("b", &["c"]), edge("c", &["b", "d"]), edge("d", &[])]);
    assert_eq!(circle(&knot), [module("b"), module("c")]);
}
