//! Quantities as numbers, and as the API server writes them back.

use crate::scalar::Quantity;

/// Suffixes of powers of 1024, the largest first, with the exponent of 2.
const BINARY: [(&str, u32); 5] = [("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
/// Suffixes of powers of 1000, the largest first, with the exponent of 10 in thousandths.
const DECIMAL: [(&str, u32); 7] = [("P", 18), ("T", 15), ("G", 12), ("M", 9), ("k", 6), ("", 3), ("m", 0)];

/// A quantity in thousandths, as a fraction.
struct Value {
    numerator: u128,
    denominator: u128,
    binary: bool,
}

impl Value {
    /// `None` if the text is no quantity, or too large to count.
    fn of(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at_checked(end)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() {
            return None;
        }
        let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
        let bits = BINARY.iter().find(|(s, _)| *s == suffix).map(|(_, bits)| *bits);
        let factor = match bits {
            Some(bits) => 1_000 << bits,
            None => DECIMAL.iter().find(|(s, _)| *s == suffix).map(|(_, power)| 10_u128.pow(*power))?,
        };
        let denominator = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        Some(Self { numerator: digits.checked_mul(factor)?, denominator, binary: bits.is_some() })
    }
}

impl Quantity {
    /// Whole units, bytes for one: rounded down. `None` if it is no quantity.
    #[must_use]
    pub fn units(&self) -> Option<u64> {
        let value = Value::of(&self.0)?;
        u64::try_from(value.numerator / value.denominator / 1_000).ok()
    }

    /// Thousandths, of a core for one: rounded up. `None` if it is no quantity.
    #[must_use]
    pub fn thousandths(&self) -> Option<u64> {
        let value = Value::of(&self.0)?;
        u64::try_from(value.numerator.div_ceil(value.denominator)).ok()
    }

    /// The spelling in which the API server writes it back: `1024Mi` becomes `1Gi`, `0.5` becomes `500m`. A desired object
    /// with another spelling differs from the stored one for ever. `None` if it is no quantity, or finer than a thousandth.
    #[must_use]
    pub fn canonical(&self) -> Option<Self> {
        let value = Value::of(&self.0)?;
        if value.binary {
            let bytes = value.numerator.div_ceil(value.denominator * 1_000);
            let best = BINARY.iter().find(|(_, bits)| bytes != 0 && bytes % (1 << bits) == 0);
            return Some(Self(best.map_or_else(|| bytes.to_string(), |(s, bits)| format!("{}{s}", bytes >> bits))));
        }
        if !value.numerator.is_multiple_of(value.denominator) {
            return None;
        }
        let thousandths = value.numerator / value.denominator;
        let best = DECIMAL.iter().find(|(_, power)| thousandths % 10_u128.pow(*power) == 0);
        let (suffix, power) = best.filter(|_| thousandths != 0).unwrap_or(&("", 0));
        Some(Self(format!("{}{suffix}", thousandths / 10_u128.pow(*power))))
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn quantities_are_numbers() {
        let of = |text: &str| Quantity(text.to_owned());
        assert_eq!(of("1Gi").units(), Some(1 << 30));
        assert_eq!(of("1.5Mi").units(), Some(3 << 19));
        assert_eq!(of("24684092Ki").units(), Some(24_684_092 << 10));
        assert_eq!(of("2Pi").units(), Some(2 << 50));
        assert_eq!(of("500m").thousandths(), Some(500));
        assert_eq!(of("2").thousandths(), Some(2_000));
        assert_eq!(of("0.0001").thousandths(), Some(1));
        for bad in ["", "much", "Mi", "1X", "-1", "1e3", ".5", "1.2.3"] {
            assert_eq!(of(bad).units(), None, "{bad}");
            assert_eq!(of(bad).canonical(), None, "{bad}");
        }
    }

    #[test]
    fn the_spelling_is_that_of_the_api_server() {
        let pairs = [
            ("100m", "100m"),
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1.5", "1500m"),
            ("2", "2"),
            ("2000", "2k"),
            ("512Mi", "512Mi"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1Gi", "1Gi"),
            ("1000M", "1G"),
            ("0", "0"),
            ("0Mi", "0"),
            ("1500Mi", "1500Mi"),
            ("1048576Ki", "1Gi"),
        ];
        for (given, want) in pairs {
            assert_eq!(Quantity(given.to_owned()).canonical().map(|q| q.0).as_deref(), Some(want), "{given}");
        }
        assert_eq!(Quantity("1.2345".to_owned()).canonical(), None);
    }
}
