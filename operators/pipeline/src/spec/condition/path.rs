//! The names a condition reads, as words.

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

/// The words of `a.b["c"]`; `None` for anything else.
pub(super) fn path(expr: &Expr) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut at = expr;
    loop {
        match at {
            Expr::Ident(name) => {
                words.push(name.clone());
                words.reverse();
                return Some(words);
            }
            Expr::Select(select) => {
                words.push(select.field.clone());
                at = &select.operand.expr;
            }
            Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::INDEX => {
                let [target, key] = args.as_slice() else { return None };
                let Expr::Literal(LiteralValue::String(key)) = &key.expr else { return None };
                words.push(key.inner().to_owned());
                at = &target.expr;
            }
            _ => return None,
        }
    }
}
