//! Conditions (`when`) in CEL: parsed once, bounded, and evaluated over plain values.
//!
//! Bounded means: at most 1,024 characters, [`MAX_DEPTH`] levels and no macro that loops, so the work is linear in the
//! text. Results are always doubles, because the API server turns `1.0` into `1` on its way; whole numbers written
//! beside a result in arithmetic become doubles too, else `auc + 1` would fail or not depending on the day's data.

mod path;
#[cfg(test)]
mod tests;
mod types;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
};

use cel::{
    Context, Value as Cel,
    common::{
        ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators},
        types::CelDouble,
    },
    parser::PrattParser,
};
use serde_json::Value;

use super::scope::Scope;

use path::path;

/// Deepest nesting of an expression.
const MAX_DEPTH: usize = 64;
/// Longest condition, in bytes; the schema says the same.
const MAX_LENGTH: usize = 1_024;

const FUNCTIONS: [&str; 12] =
    ["size", "contains", "startsWith", "endsWith", "matches", "int", "uint", "double", "string", "bool", "type", "dyn"];
const ARITHMETIC: [&str; 5] =
    [operators::ADD, operators::SUBSTRACT, operators::MULTIPLY, operators::DIVIDE, operators::NEGATE];

/// A condition that can be evaluated.
#[derive(Clone, Debug)]
pub struct Condition {
    source: String,
    expr: IdedExpr,
    reads: BTreeSet<Vec<String>>,
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// Everything wrong with it, names of steps and parameters apart; also what no parameter and no result could mend.
    pub fn compile(source: &str) -> Result<Self, Vec<String>> {
        let this = Self::parse(source)?;
        let problems = types::check(&this.expr);
        if problems.is_empty() { Ok(this) } else { Err(problems) }
    }

    /// Compiles a condition whatever its types.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub(crate) fn parse(source: &str) -> Result<Self, Vec<String>> {
        if source.len() > MAX_LENGTH {
            return Err(vec![format!("a condition has at most {MAX_LENGTH} characters")]);
        }
        // A third-party parser over users' text: a panic in it must not take the operator down.
        let parsed = catch_unwind(|| PrattParser::new().max_recursion_depth(48).parse(source));
        let mut expr = match parsed {
            Ok(Ok(expr)) => expr,
            Ok(Err(errors)) => {
                let told = errors.errors.iter().map(|e| format!("not CEL: {} at character {}", e.msg.trim(), e.pos.1));
                return Err(told.take(3).collect());
            }
            Err(_) => return Err(vec!["not CEL that can be read here".into()]),
        };
        let mut reader = Walk::default();
        reader.walk(&expr, 0);
        if !reader.problems.is_empty() {
            reader.problems.dedup();
            return Err(reader.problems);
        }
        widen(&mut expr);
        Ok(Self { source: source.to_owned(), expr, reads: reader.reads })
    }

    /// The steps it reads, with the result if one is named.
    pub fn results(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.reads.iter().filter_map(|path| match path.as_slice() {
            [root, step, rest @ ..] if root == "steps" => Some((step.as_str(), rest.get(1).map(String::as_str))),
            _ => None,
        })
    }

    /// The parameters it reads.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.reads.iter().filter_map(|path| match path.as_slice() {
            [root, name] if root == "params" => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether the condition holds.
    ///
    /// # Errors
    /// Why it has no answer: a missing result, types that do not fit, or an answer that is not true or false.
    pub fn holds(&self, scope: &Scope) -> Result<bool, String> {
        let mut context = Context::default();
        let texts = |map: &BTreeMap<String, String>| -> Cel {
            map.iter().map(|(k, v)| (k.clone(), Cel::from(v.clone()))).collect::<HashMap<_, _>>().into()
        };
        context.add_variable_from_value("params", texts(&scope.params));
        context.add_variable_from_value("run", texts(&scope.run));
        context.add_variable_from_value("trigger", texts(&scope.trigger));
        let steps: HashMap<String, Cel> =
            scope.results.iter().map(|(step, all)| (step.clone(), results(all))).collect();
        context.add_variable_from_value("steps", Cel::from(steps));
        match catch_unwind(AssertUnwindSafe(|| context.resolve(&self.expr))) {
            Ok(Ok(Cel::Bool(answer))) => Ok(answer),
            Ok(Ok(other)) => Err(format!("{} is {other:?}, not true or false", self.told(scope))),
            Ok(Err(error)) => Err(format!("{} cannot be evaluated: {error}", self.told(scope))),
            Err(_) => Err(format!("{} cannot be evaluated", self.told(scope))),
        }
    }

    /// The condition with the values it read, for people: `steps.a.results.x > 1 (steps.a.results.x = 0.5)`.
    #[must_use]
    pub fn told(&self, scope: &Scope) -> String {
        let value = |path: &Vec<String>| match (scope.value(path), path.as_slice()) {
            (Some(Value::Number(_)), [_, step, _, key]) => scope.text(step, key).unwrap_or_default(),
            (found, _) => found.map_or_else(|| "missing".to_owned(), |v| v.to_string()),
        };
        let values: Vec<String> = self.reads.iter().map(|p| format!("{} = {}", p.join("."), value(p))).collect();
        if values.is_empty() { self.source.clone() } else { format!("{} ({})", self.source, values.join(", ")) }
    }
}

fn results(all: &BTreeMap<String, Value>) -> Cel {
    let scalar = |value: &Value| match value {
        Value::Bool(b) => Cel::Bool(*b),
        Value::Number(n) => Cel::Float(n.as_f64().unwrap_or(f64::NAN)),
        Value::String(s) => Cel::from(s.clone()),
        _ => Cel::Null,
    };
    let results: HashMap<String, Cel> = all.iter().map(|(k, v)| (k.clone(), scalar(v))).collect();
    HashMap::from([("results".to_owned(), Cel::from(results))]).into()
}

#[derive(Default)]
struct Walk {
    reads: BTreeSet<Vec<String>>,
    problems: Vec<String>,
}

impl Walk {
    fn walk(&mut self, node: &IdedExpr, depth: usize) {
        if depth > MAX_DEPTH {
            self.problems = vec![format!(
                "nested deeper than {MAX_DEPTH} levels; split the step or return one result that says it"
            )];
            return;
        }
        if let Some(path) = path(&node.expr) {
            return self.read(path);
        }
        let deeper = depth + 1;
        match &node.expr {
            Expr::Call(call) => {
                let ours =
                    FUNCTIONS.contains(&call.func_name.as_str()) || !call.func_name.starts_with(char::is_alphabetic);
                if !ours {
                    self.problems.push(format!(
                        "function {} does not exist; use one of {}",
                        call.func_name,
                        FUNCTIONS.join(", ")
                    ));
                }
                call.target.iter().for_each(|target| self.walk(target, deeper));
                call.args.iter().for_each(|arg| self.walk(arg, deeper));
            }
            Expr::Comprehension(_) => {
                self.problems
                    .push("all, exists, exists_one, map and filter are not available: conditions do not loop".into());
            }
            Expr::List(list) => list.elements.iter().for_each(|e| self.walk(e, deeper)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.walk(&entry.key, deeper);
                        self.walk(&entry.value, deeper);
                    }
                }
            }
            Expr::Select(select) => self.walk(&select.operand, deeper),
            Expr::Struct(_) => self.problems.push("messages are not available; write values".into()),
            Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn read(&mut self, path: Vec<String>) {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let problem = match words.as_slice() {
            ["steps", _, "results"] | ["steps", _, "results", _] => None,
            ["params" | "run" | "trigger"] => None,
            ["params", _] | ["run", "name" | "uid"] | ["trigger", "name" | "id"] => None,
            ["steps", ..] => Some("write steps.NAME.results.KEY, or steps[\"NAME\"].results.KEY".to_owned()),
            ["params", ..] => Some("write params.NAME".to_owned()),
            ["run", ..] => Some("write run.name or run.uid".to_owned()),
            ["trigger", ..] => Some("write trigger.name or trigger.id".to_owned()),
            [name] if types::TYPES.contains(name) => return,
            [name, ..] => Some(format!("{name} does not exist; use params, run, trigger or steps")),
            [] => None,
        };
        match problem {
            Some(problem) => self.problems.push(problem),
            None => _ = self.reads.insert(path),
        }
    }
}

/// Whether an expression is a result, or arithmetic over one.
fn result(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) if ARITHMETIC.contains(&call.func_name.as_str()) => call.args.iter().any(|a| result(&a.expr)),
        other => path(other).is_some_and(|p| p.first().is_some_and(|root| root == "steps") && p.len() == 4),
    }
}

/// Turns whole numbers beside a result in arithmetic into doubles.
fn widen(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Call(call) => {
            let beside = ARITHMETIC.contains(&call.func_name.as_str()) && call.args.iter().any(|a| result(&a.expr));
            for arg in &mut call.args {
                if beside {
                    wide(arg);
                }
                widen(arg);
            }
            call.target.iter_mut().for_each(|target| widen(target));
        }
        Expr::List(list) => list.elements.iter_mut().for_each(widen),
        _ => {}
    }
}

/// Makes doubles of the whole numbers of an arithmetic expression.
fn wide(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Literal(LiteralValue::Int(n)) => {
            #[expect(clippy::cast_precision_loss, reason = "as CEL's own double()")]
            let wide = CelDouble::from(*n.inner() as f64);
            node.expr = Expr::Literal(LiteralValue::Double(wide));
        }
        Expr::Call(call) if ARITHMETIC.contains(&call.func_name.as_str()) => call.args.iter_mut().for_each(wide),
        _ => {}
    }
}
