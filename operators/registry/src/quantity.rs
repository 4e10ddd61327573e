//! Quantities as the API server writes them back: `1024Mi` becomes `1Gi`, `0.5` becomes `500m`.
//!
//! A desired object with another spelling would differ from the stored one for ever, and be applied again for ever.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

const BINARY: [(&str, u32); 4] = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
const DECIMAL: [(&str, u32); 6] = [("P", 18), ("T", 15), ("G", 12), ("M", 9), ("k", 6), ("", 3)];

/// The canonical form of `text`; `None` if it is no quantity or too large.
#[must_use]
pub(crate) fn canonical(text: &str) -> Option<Quantity> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.len() > 3 {
        return None;
    }
    // Thousandths, the finest step that cpu and memory have.
    let digits: u128 = format!("{whole}{fraction:0<3}").parse().ok()?;
    if let Some((_, shift)) = BINARY.iter().find(|(s, _)| *s == suffix) {
        let bytes = digits.checked_mul(1_u128.checked_shl(*shift)?)?.div_ceil(1_000);
        let best = BINARY.iter().find(|(_, shift)| bytes != 0 && bytes % (1 << shift) == 0);
        return Some(Quantity(best.map_or_else(|| bytes.to_string(), |(s, shift)| format!("{}{s}", bytes >> shift))));
    }
    let power = match suffix {
        "m" => 0,
        other => DECIMAL.iter().find(|(s, _)| *s == other).map(|(_, power)| *power)?,
    };
    // `digits` are thousandths of the unit; `power` counts thousandths of one.
    let milli = digits.checked_mul(10_u128.checked_pow(power)?)?.div_ceil(1_000);
    let best = DECIMAL.iter().find(|(_, power)| milli % 10_u128.pow(*power) == 0);
    Some(Quantity(match best {
        _ if milli == 0 => "0".to_owned(),
        Some((s, power)) => format!("{}{s}", milli / 10_u128.pow(*power)),
        None => format!("{milli}m"),
    }))
}

#[cfg(test)]
mod tests;
