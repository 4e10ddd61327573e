//! Quantities as numbers: bytes and thousandths of a core.

use millrace_crds::Quantity;

/// The value in units; `None` if it is no quantity.
fn value(quantity: &Quantity) -> Option<f64> {
    let text = quantity.0.as_str();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(split)?;
    let factor = match unit {
        "" => 1.0,
        "m" => 0.001,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|n| n * factor)
}

/// Bytes, rounded down.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no quantity is negative or near 2^53")]
pub(crate) fn bytes(quantity: &Quantity) -> Option<u64> {
    value(quantity).map(|v| v as u64)
}

/// Thousandths of a core, rounded up.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no quantity is negative or near 2^53")]
pub(crate) fn millis(quantity: &Quantity) -> Option<u64> {
    value(quantity).map(|v| (v * 1000.0).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::{bytes, millis};

    #[test]
    fn quantities_are_numbers() {
        assert_eq!(bytes(&"1Gi".into()), Some(1 << 30));
        assert_eq!(bytes(&"1.5Mi".into()), Some(3 << 19));
        assert_eq!(millis(&"500m".into()), Some(500));
        assert_eq!(millis(&"2".into()), Some(2000));
        assert_eq!(bytes(&"much".into()), None);
    }
}
