//! Two plots side by side as one SVG: how long things took (a distribution, logarithmic), and memory by number.
//!
//! Plain text with system fonts; readable on light and dark pages, since it brings its own ground.

use std::fmt::Write;

/// A line with its name, from points (x, y).
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// One of the two.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) x: (String, Axis),
    pub(super) y: (String, Axis),
    pub(super) curves: Vec<Curve>,
    /// Where the names stand, from the upper left corner, clear of the curves.
    pub(super) names: (f64, f64),
}

/// An axis: its ends, and where it has marks.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) logarithmic: bool,
    pub(super) marks: Vec<f64>,
}

impl Axis {
    /// Where a value lies between the first and the last mark, as a share.
    fn share(&self, value: f64) -> f64 {
        let scale = |v: f64| if self.logarithmic { v.max(1e-9).log10() } else { v };
        let (low, high) = (self.marks.first().copied().unwrap_or(0.0), self.marks.last().copied().unwrap_or(1.0));
        ((scale(value) - scale(low)) / (scale(high) - scale(low))).clamp(0.0, 1.0)
    }
}

const COLOURS: [&str; 5] = ["#0b7285", "#e8590c", "#5f3dc4", "#868e96", "#2b8a3e"];
const WIDE: f64 = 420.0;
const HIGH: f64 = 240.0;

/// The share of values up to each value.
pub(super) fn distribution(name: &str, values: &[f64]) -> Curve {
    let mut all = values.to_vec();
    all.sort_by(f64::total_cmp);
    // A point for each percent is enough for the eye.
    let step = (all.len() / 100).max(1);
    let share = |n: usize| (n + 1) as f64 / all.len() as f64 * 100.0;
    let mut points: Vec<(f64, f64)> = all.iter().enumerate().step_by(step).map(|(n, v)| (*v, share(n))).collect();
    points.extend(all.last().map(|v| (*v, 100.0)));
    Curve { name: name.to_owned(), points }
}

/// The drawing, with a line of words below.
pub(super) fn draw(panels: &[Panel; 2], below: &str) -> String {
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1040 360\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"1040\" height=\"360\" fill=\"#ffffff\"/>\n"
    );
    for (panel, left) in panels.iter().zip([60.0, 580.0]) {
        self::panel(&mut svg, panel, left);
    }
    let _ = write!(svg, "<text x=\"60\" y=\"348\" fill=\"#495057\">{}</text>\n</svg>\n", escape(below));
    svg
}

fn panel(svg: &mut String, panel: &Panel, left: f64) {
    let top = 40.0;
    let at = |x: f64, y: f64| (left + panel.x.1.share(x) * WIDE, top + HIGH - panel.y.1.share(y) * HIGH);
    let text = |svg: &mut String, (x, y): (f64, f64), how: &str, words: &str| {
        let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"#212529\" {how}>{}</text>", escape(words));
    };
    text(svg, (left, top - 16.0), "font-weight=\"bold\"", &panel.title);
    for mark in &panel.x.1.marks {
        let (x, _) = at(*mark, 0.0);
        let _ = writeln!(svg, "<path d=\"M{x:.1} {top}V{}\" stroke=\"#e9ecef\"/>", top + HIGH);
        text(svg, (x, top + HIGH + 16.0), "text-anchor=\"middle\"", &format!("{mark}"));
    }
    for mark in &panel.y.1.marks {
        let (_, y) = at(0.0, *mark);
        let _ = writeln!(svg, "<path d=\"M{left} {y:.1}H{}\" stroke=\"#e9ecef\"/>", left + WIDE);
        text(svg, (left - 6.0, y + 4.0), "text-anchor=\"end\"", &format!("{mark}"));
    }
    text(svg, (left + WIDE / 2.0, top + HIGH + 34.0), "text-anchor=\"middle\"", &panel.x.0);
    text(svg, (left, top - 2.0), "font-size=\"10\"", &panel.y.0);
    for (n, (curve, colour)) in panel.curves.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let path: Vec<String> =
            curve.points.iter().map(|(x, y)| at(*x, *y)).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let _ = writeln!(svg, "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", path.join("L"));
        let (x, y) = (left + panel.names.0, top + panel.names.1 + 16.0 * n as f64);
        let _ = writeln!(svg, "<path d=\"M{} {y}h16\" stroke=\"{colour}\" stroke-width=\"3\"/>", x);
        text(svg, (x + 22.0, y + 4.0), "", &curve.name);
    }
}

fn escape(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_ends_at_all_of_them_and_an_axis_keeps_within_its_marks() {
        let curve = distribution("x", &[3.0, 1.0, 2.0, 4.0]);
        assert_eq!(curve.points.first(), Some(&(1.0, 25.0)));
        assert_eq!(curve.points.last(), Some(&(4.0, 100.0)));
        let axis = Axis { logarithmic: true, marks: vec![0.01, 0.1, 1.0] };
        assert!((axis.share(0.1) - 0.5).abs() < 1e-9 && axis.share(5.0) == 1.0 && axis.share(0.0) == 0.0);
    }
}
