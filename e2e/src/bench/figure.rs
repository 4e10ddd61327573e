//! One figure: a number with its unit and spread, what it stands beside, and what it may be at most.

use serde_json::{Value, json};

use crate::ui::{Failure, Outcome};

/// What is wanted of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    /// It is there to be read.
    None,
    /// A count that no load can excuse: more is a failure.
    Budget(f64),
    /// A time or size to reach on a quiet machine: more is told, and no failure.
    Aim(f64),
}

/// A figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// Smallest and largest of its repetitions.
    spread: Option<(f64, f64)>,
    beside: String,
    limit: Limit,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, spread: None, beside: String::new(), limit: Limit::None }
    }

    /// The median of repetitions, with its spread.
    pub(crate) fn of(name: impl Into<String>, all: &[f64], unit: &'static str) -> Outcome<Self> {
        let (low, value, high) = spread(all)?;
        let spread = (all.len() > 1).then_some((low, high));
        Ok(Self { spread, ..Self::new(name, value, unit) })
    }

    pub(crate) fn beside(mut self, words: impl Into<String>) -> Self {
        self.beside = words.into();
        self
    }

    pub(crate) fn limit(mut self, limit: Limit) -> Self {
        self.limit = limit;
        self
    }

    /// What it misses by being too large: a budget, which is a failure.
    pub(super) fn over_budget(&self) -> Option<String> {
        let Limit::Budget(most) = self.limit else { return None };
        (self.value > most).then(|| format!("{}: {}, at most {}; {}", self.name, self.told(), show(most), self.beside))
    }

    /// The columns of the table.
    pub(super) fn row(&self) -> [String; 3] {
        let limit = match self.limit {
            Limit::None => String::new(),
            Limit::Budget(most) => format!("budget {}", show(most)),
            Limit::Aim(most) if self.value <= most => format!("aim {}", show(most)),
            Limit::Aim(most) => format!("aim {}, missed", show(most)),
        };
        let beside: Vec<&str> = [limit.as_str(), self.beside.as_str()].into_iter().filter(|w| !w.is_empty()).collect();
        [self.name.clone(), self.told(), beside.join("; ")]
    }

    fn told(&self) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        let spread = self.spread.map(|(low, high)| format!(" ({} to {})", show(low), show(high))).unwrap_or_default();
        format!("{}{unit}{spread}", show(self.value))
    }

    pub(super) fn json(&self) -> Value {
        let limit = match self.limit {
            Limit::None => Value::Null,
            Limit::Budget(most) => json!({"budget": most}),
            Limit::Aim(most) => json!({"aim": most}),
        };
        json!({"name": self.name, "value": self.value, "unit": self.unit, "spread": self.spread, "limit": limit,
               "beside": self.beside})
    }
}

/// Three digits that count, no more.
fn show(value: f64) -> String {
    match value.abs() {
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Smallest, median and largest.
fn spread(all: &[f64]) -> Outcome<(f64, f64, f64)> {
    let mut all = all.to_vec();
    all.sort_by(f64::total_cmp);
    match (all.first(), all.get(all.len() / 2), all.last()) {
        (Some(low), Some(mid), Some(high)) => Ok((*low, *mid, *high)),
        _ => Err(Failure::because("no repetition was measured", "the list is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_told_with_its_spread_and_a_budget_is_not_forgiven() {
        let figure = Figure::of("x", &[3.0, 1.0, 2.5], "s").unwrap().beside("y");
        assert_eq!(figure.row(), ["x", "2.50 s (1 to 3)", "y"]);
        assert_eq!(figure.clone().limit(Limit::Aim(2.0)).over_budget(), None);
        assert_eq!(figure.limit(Limit::Budget(2.0)).over_budget().unwrap(), "x: 2.50 s (1 to 3), at most 2; y");
        assert!(Figure::of("x", &[], "s").is_err());
    }
}
