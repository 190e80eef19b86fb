//! Memory and what is open over time, as a picture.

use std::fmt::Write as _;

use crate::samples::{Sample, Samples};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 40.0;
const BETWEEN: f64 = 70.0;
/// More points than this are not told apart.
const POINTS: usize = 800;

/// A line of a panel: its name, its colour and its value.
type Line = (&'static str, &'static str, fn(&Sample) -> f64);

/// An SVG of two panels.
pub(crate) fn svg(samples: &Samples) -> String {
    let bottom = TOP + 2.0 * HEIGHT + BETWEEN + 50.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0}\" height=\"{bottom:.0}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        LEFT + WIDTH + 30.0
    );
    let memory: &[Line] = &[("memory, MiB", "#0b6e99", |sample| sample.memory)];
    let open: &[Line] = &[
        ("sockets", "#b3541e", |sample| sample.sockets as f64),
        ("files and sockets", "#6b6b6b", |sample| sample.files as f64),
        ("threads", "#3f7d20", |sample| sample.threads as f64),
        ("tasks", "#7b3f98", |sample| sample.tasks.unwrap_or(0) as f64),
    ];
    panel(&mut svg, samples, memory, TOP);
    panel(&mut svg, samples, open, TOP + HEIGHT + BETWEEN);
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, samples: &Samples, lines: &[Line], top: f64) {
    let all = samples.all();
    let highest = lines.iter().flat_map(|(_, _, value)| all.iter().map(value)).fold(0.0, f64::max);
    let highest = rounded_up(highest);
    let minutes = all.last().map_or(0.0, |sample| sample.second / 60.0).max(f64::MIN_POSITIVE);
    let x = |sample: &Sample| LEFT + sample.second / 60.0 / minutes * WIDTH;
    let y = |value: f64| top + HEIGHT - value / highest * HEIGHT;
    for step in 0..=4 {
        let value = highest * f64::from(step) / 4.0;
        let at = y(value);
        // A string takes everything, here and below.
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{:.0}\" y2=\"{at:.1}\" stroke=\"#e0e0e0\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            LEFT + WIDTH,
            LEFT - 8.0,
            at + 4.0
        );
    }
    for step in 0..=6 {
        let (at, minute) = (LEFT + WIDTH * f64::from(step) / 6.0, minutes * f64::from(step) / 6.0);
        let below = top + HEIGHT + 18.0;
        let _ = writeln!(
            svg,
            "<text x=\"{at:.0}\" y=\"{below:.0}\" text-anchor=\"middle\">{minute:.1} min</text>"
        );
    }
    let every = all.len().div_ceil(POINTS).max(1);
    for (number, (name, colour, value)) in lines.iter().enumerate() {
        let point = |sample: &Sample| format!("{:.1},{:.1}", x(sample), y(value(sample)));
        let points: Vec<String> = all.iter().step_by(every).map(point).collect();
        let at = LEFT + 150.0 * number as f64;
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{}\"/>\
             <text x=\"{at:.0}\" y=\"{:.0}\" fill=\"{colour}\">{name}</text>",
            points.join(" "),
            top - 12.0
        );
    }
}

/// The next of 1, 2, 4, 8 times a power of ten.
fn rounded_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 4.0, 8.0, 10.0].map(|times| times * power).into_iter().find(|up| *up >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::tests::sample;

    #[test]
    fn every_line_is_drawn_within_the_picture() {
        let mut samples = Samples::default();
        (0..3_000).for_each(|second| samples.add(sample(f64::from(second), 25.0 + f64::from(second % 7))));
        let svg = svg(&samples);
        assert_eq!(svg.matches("<polyline").count(), 5);
        assert!(svg.len() < 100_000, "{} bytes", svg.len());
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert_eq!([0.3, 1.0, 31.0, 85.0, 400.0].map(rounded_up), [1.0, 1.0, 40.0, 100.0, 400.0]);
    }
}
