//! What no parameter and no result could mend: an operator or function over types it does not take, a constant part that
//! fails, an answer that is never true or false.
//!
//! For each part the set of types it can have; what an operator makes of two types is asked of the evaluator itself, with a
//! sample of each type, so the two cannot differ. An empty set is a fault. What cannot be told has every type.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::{
    Context, Value as Cel,
    common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators},
};

use super::path::path;

/// The names of types, which no variable may have.
pub(super) const TYPES: [&str; 7] = ["int", "uint", "double", "string", "bool", "list", "map"];

/// The types: their names in messages, and one bit each.
const NAMES: [&str; 9] =
    ["a whole number", "an unsigned number", "a number", "text", "true or false", "null", "bytes", "a list", "a map"];
/// Samples of the types, in the same order, as variables. Each can be converted into whatever its type can be.
const SAMPLES: [&str; 9] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];

/// A set of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Types(u16);

impl Types {
    const NONE: Self = Self(0);
    const INT: Self = Self(1);
    const UINT: Self = Self(1 << 1);
    const DOUBLE: Self = Self(1 << 2);
    const TEXT: Self = Self(1 << 3);
    const BOOL: Self = Self(1 << 4);
    const NULL: Self = Self(1 << 5);
    const BYTES: Self = Self(1 << 6);
    const LIST: Self = Self(1 << 7);
    const MAP: Self = Self(1 << 8);
    /// A type itself, as in `type(x) == int`, and whatever else has no sample.
    const OTHER: Self = Self(1 << 9);
    const ANY: Self = Self((1 << 10) - 1);
    const NUMBER: Self = Self(0b111);
    /// What a step can return.
    const RESULT: Self = Self(Self::DOUBLE.0 | Self::TEXT.0 | Self::BOOL.0 | Self::NULL.0);

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn each(self) -> impl Iterator<Item = usize> {
        (0..NAMES.len()).filter(move |at| self.0 & (1 << at) != 0)
    }

    fn of(value: &Cel) -> Self {
        match value {
            Cel::Int(_) => Self::INT,
            Cel::UInt(_) => Self::UINT,
            Cel::Float(_) => Self::DOUBLE,
            Cel::String(_) => Self::TEXT,
            Cel::Bool(_) => Self::BOOL,
            Cel::Null => Self::NULL,
            Cel::Bytes(_) => Self::BYTES,
            Cel::List(_) => Self::LIST,
            Cel::Map(_) => Self::MAP,
            _ => Self::OTHER,
        }
    }

    fn told(self) -> String {
        if self == Self::RESULT {
            return "a result".to_owned();
        }
        let words: Vec<&str> = self.each().filter_map(|at| NAMES.get(at).copied()).collect();
        words.join(" or ")
    }

    /// Whether values of two such types can ever be equal.
    fn comparable(self, other: Self) -> bool {
        let loose = Self::OTHER.or(Self::NULL);
        self.meets(other)
            || self.meets(loose)
            || other.meets(loose)
            || (self.meets(Self::NUMBER) && other.meets(Self::NUMBER))
    }
}

/// Everything wrong with the types of a condition, and with its constant parts.
pub(super) fn check(expr: &IdedExpr) -> Vec<String> {
    let mut samples = Context::default();
    let values = [
        Cel::Int(1),
        Cel::UInt(1),
        Cel::Float(1.0),
        Cel::from("1".to_owned()),
        Cel::Bool(true),
        Cel::Null,
        Cel::Bytes(b"1".to_vec().into()),
        Cel::List(vec![Cel::Int(1)].into()),
        Cel::from(std::collections::HashMap::from([("1".to_owned(), Cel::Int(1))])),
    ];
    for (name, value) in SAMPLES.iter().zip(values) {
        samples.add_variable_from_value(*name, value);
    }
    let mut check = Check { samples, problems: Vec::new() };
    let root = check.part(expr);
    check.constant(expr, root);
    if check.problems.is_empty() && !root.types.meets(Types::BOOL.or(Types::OTHER)) {
        check.problems.push(format!("it is {}, not true or false", root.types.told()));
    }
    check.problems
}

/// What is known of a part.
#[derive(Clone, Copy)]
struct Part {
    types: Types,
    /// Whether it reads nothing.
    constant: bool,
}

struct Check<'a> {
    samples: Context<'a, 'a>,
    problems: Vec<String>,
}

impl Check<'_> {
    fn part(&mut self, node: &IdedExpr) -> Part {
        let reads = |types| Part { types, constant: false };
        match &node.expr {
            Expr::Select(select) if select.test => return reads(Types::BOOL),
            Expr::Literal(literal) => return Part { types: of_literal(literal), constant: true },
            _ => {}
        }
        if let Some(words) = path(&node.expr) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            return match words.as_slice() {
                [name] if TYPES.contains(name) => Part { types: Types::OTHER, constant: true },
                ["params" | "run" | "trigger", _] => reads(Types::TEXT),
                ["steps", _, _, _] => reads(Types::RESULT),
                _ => reads(Types::MAP),
            };
        }
        match &node.expr {
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.all(&list.elements, Types::LIST),
            Expr::Map(map) => {
                let entries = map.entries.iter().filter_map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => Some([&entry.key, &entry.value]),
                    EntryExpr::StructField(_) => None,
                });
                self.all(entries.flatten(), Types::MAP)
            }
            _ => reads(Types::ANY),
        }
    }

    fn all<'n>(&mut self, nodes: impl IntoIterator<Item = &'n IdedExpr>, types: Types) -> Part {
        let nodes: Vec<&IdedExpr> = nodes.into_iter().collect();
        let parts: Vec<Part> = nodes.iter().map(|node| self.part(node)).collect();
        Part { types, constant: self.settle(&nodes, &parts) }
    }

    /// Whether all parts are constant; if not, those that are have to have a value.
    fn settle(&mut self, nodes: &[&IdedExpr], parts: &[Part]) -> bool {
        let constant = parts.iter().all(|part| part.constant);
        if !constant {
            nodes.iter().zip(parts).for_each(|(node, part)| self.constant(node, *part));
        }
        constant
    }

    fn call(&mut self, call: &CallExpr) -> Part {
        let nodes: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let parts: Vec<Part> = nodes.iter().map(|node| self.part(node)).collect();
        let constant = self.settle(&nodes, &parts);
        let types: Vec<Types> = parts.iter().map(|part| part.types).collect();
        // Part of a fault that is told already.
        if types.contains(&Types::NONE) {
            return Part { types: Types::ANY, constant: false };
        }
        let found = match (call.func_name.as_str(), types.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, all) => {
                if all.iter().all(|t| t.meets(Types::BOOL.or(Types::OTHER))) { Types::BOOL } else { Types::NONE }
            }
            (operators::CONDITIONAL, [test, yes, no]) => {
                if test.meets(Types::BOOL.or(Types::OTHER)) {
                    yes.or(*no)
                } else {
                    Types::NONE
                }
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                if left.comparable(*right) {
                    Types::BOOL
                } else {
                    Types::NONE
                }
            }
            (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT | "dyn", _) => Types::ANY,
            ("type", _) => Types::OTHER,
            (_, all) if all.iter().any(|t| t.meets(Types::OTHER)) => Types::ANY,
            (_, all) => self.made(call, all),
        };
        if found == Types::NONE {
            self.problems.push(meaningless(call, &types));
            return Part { types: Types::ANY, constant: false };
        }
        Part { types: found, constant }
    }

    /// The types that a call can have: what the evaluator says to samples of its operands.
    fn made(&self, call: &CallExpr, operands: &[Types]) -> Types {
        let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
        for types in operands {
            let longer = |row: &Vec<usize>| types.each().map(|at| [row.as_slice(), &[at]].concat()).collect::<Vec<_>>();
            rows = rows.iter().flat_map(longer).collect();
            // Nothing of CEL takes so many.
            if rows.len() > 1_000 {
                return Types::ANY;
            }
        }
        rows.iter().filter_map(|row| self.sample(call, row)).fold(Types::NONE, Types::or)
    }

    fn sample(&self, call: &CallExpr, row: &[usize]) -> Option<Types> {
        let mut names = row.iter().filter_map(|at| SAMPLES.get(*at)).map(|name| Expr::Ident((*name).to_owned()));
        let mut call = call.clone();
        if let Some(target) = &mut call.target {
            target.expr = names.next()?;
        }
        for arg in &mut call.args {
            let sample = names.next()?;
            // Whether a pattern is one does not depend on what it is held against.
            if call.func_name != "matches" || !matches!(arg.expr, Expr::Literal(_)) {
                arg.expr = sample;
            }
        }
        let node = IdedExpr { id: 0, expr: Expr::Call(call) };
        self.value(&node).ok().map(|value| Types::of(&value))
    }

    /// A constant part has a value now or never.
    fn constant(&mut self, node: &IdedExpr, part: Part) {
        let computed = matches!(node.expr, Expr::Call(_) | Expr::List(_) | Expr::Map(_));
        if !part.constant || !computed || part.types.meets(Types::OTHER) {
            return;
        }
        if let Err(problem) = self.value(node) {
            self.problems.push(format!("a part of it never has a value: {problem}"));
        }
    }

    fn value(&self, node: &IdedExpr) -> Result<Cel, String> {
        match catch_unwind(AssertUnwindSafe(|| self.samples.resolve(node))) {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("it cannot be evaluated".to_owned()),
        }
    }
}

fn of_literal(literal: &LiteralValue) -> Types {
    match literal {
        LiteralValue::Boolean(_) => Types::BOOL,
        LiteralValue::Bytes(_) => Types::BYTES,
        LiteralValue::Double(_) => Types::DOUBLE,
        LiteralValue::Int(_) => Types::INT,
        LiteralValue::Null => Types::NULL,
        LiteralValue::String(_) => Types::TEXT,
        LiteralValue::UInt(_) => Types::UINT,
    }
}

fn meaningless(call: &CallExpr, types: &[Types]) -> String {
    let operands: Vec<String> = types.iter().map(|t| t.told()).collect();
    let operands = operands.join(" and ");
    let hint = "parameters are text and results numbers, text, true or false; convert with int(), double() or string()";
    match call.func_name.as_str() {
        operators::EQUALS | operators::NOT_EQUALS => format!("{operands} are never equal; {hint}"),
        operators::CONDITIONAL => "before ? stands what is never true or false".to_owned(),
        operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT => {
            format!("{} takes true or false, not {operands}", symbol(&call.func_name))
        }
        "matches" if types.iter().all(|t| t.meets(Types::TEXT)) => "the pattern of matches() is not one".to_owned(),
        name => format!("{} does not take {operands}; {hint}", symbol(name)),
    }
}

/// `_+_` as people write it; a function as it is.
fn symbol(name: &str) -> String {
    let short = name.trim_matches('_').trim_start_matches('@');
    if name.starts_with(char::is_alphabetic) { format!("{name}()") } else { short.to_owned() }
}
