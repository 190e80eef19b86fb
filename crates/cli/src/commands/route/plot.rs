//! Success against cost, drawn as an SVG that reads in light and in dark.

use std::fmt::{self, Write as _};

use waymark_routing::replay::{Comparison, Interval, Policy, PolicyResult, RungUse, Unit};

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 470.0;
/// The frame that points are drawn in.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 560.0;
const TOP: f64 = 66.0;
const BOTTOM: f64 = 414.0;
/// Where the legend begins.
const LEGEND: f64 = 584.0;

const STYLE: &str = "\
svg { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --rule: #d9dee3; --line: #8b949e; \
--c1: #c2410c; --c2: #1d4ed8; --c3: #15803d; --c4: #7c3aed; --c5: #a16207; \
--s1: #b9d3f0; --s2: #7db0e3; --s3: #3d86cc; }
@media (prefers-color-scheme: dark) { svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1; --rule: #2a313a; \
--line: #7d8590; --c1: #fb923c; --c2: #7cb3ff; --c3: #4ade80; --c4: #c4a5ff; --c5: #facc15; \
--s1: #3c5f86; --s2: #4f8ccb; --s3: #84bfff; } }
text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: var(--ink); }
.title { font-size: 15px; font-weight: 600; } .faint { fill: var(--faint); font-size: 11.5px; }
.rule { stroke: var(--rule); stroke-width: 1; } .axis { stroke: var(--line); stroke-width: 1; }
.split { stroke: var(--line); stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }
.curve { fill: none; stroke-width: 2; } .bar { stroke-width: 1.25; opacity: 0.55; }";

/// Draws a comparison.
pub(super) fn draw(comparison: &Comparison) -> String {
    let mut svg = String::new();
    // Writing into a text cannot fail.
    let _ = Picture::of(comparison).write(&mut svg);
    svg
}

/// How a point looks.
#[derive(Clone, Copy)]
enum Shape {
    Circle,
    Square,
    Diamond,
    Triangle,
    Cross,
    Ring,
    Dot,
}

struct Mark<'a> {
    result: &'a PolicyResult,
    label: String,
    shape: Shape,
    colour: &'static str,
}

struct Picture<'a> {
    comparison: &'a Comparison,
    marks: Vec<Mark<'a>>,
    cost: Axis,
    success: Axis,
}

/// A scale and its ticks.
struct Axis {
    from: f64,
    to: f64,
    step: f64,
}

impl Axis {
    /// The shortest axis over some values whose ends are ticks.
    fn over(values: impl Iterator<Item = f64>, floor: Option<f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let low = floor.unwrap_or(low);
        let span = (high - low).max(1e-9);
        let rough = span / 6.0;
        let magnitude = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * magnitude);
        let step = step.into_iter().find(|&step| step >= rough).unwrap_or(magnitude * 10.0);
        Self { from: (low / step).floor() * step, to: (high / step).ceil() * step, step }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.to - self.from) / self.step).round() as u32;
        (0..=count).map(|at| self.from + f64::from(at) * self.step)
    }

    fn place(&self, value: f64, low: f64, high: f64) -> f64 {
        low + (value - self.from) / (self.to - self.from) * (high - low)
    }

    fn tick(&self, value: f64) -> String {
        // As many as the step has: 0.25 has two.
        let is_whole = |digits: &usize| {
            let scaled = self.step * 10f64.powi(*digits as i32);
            (scaled - scaled.round()).abs() < 1e-6
        };
        let digits = (0..12).find(is_whole).unwrap_or(12);
        format!("{value:.digits$}")
    }
}

impl<'a> Picture<'a> {
    fn of(comparison: &'a Comparison) -> Self {
        let name = |row: Option<&String>| row.map(|row| short(row)).unwrap_or_default().to_owned();
        let mark = |policy, label: String, shape, colour| {
            comparison.of(policy).map(|result| Mark { result, label, shape, colour })
        };
        let perfect = comparison.verifier.is_perfect();
        let ladder = format!("ladder, {}", comparison.verifier);
        let marks = [
            mark(
                Policy::AlwaysCheapest,
                format!("always {}", name(comparison.ladder.first())),
                Shape::Circle,
                "--c1",
            ),
            mark(
                Policy::AlwaysStrongest,
                format!("always {}", name(comparison.ladder.last())),
                Shape::Square,
                "--c4",
            ),
            mark(Policy::PerfectVerifier, "ladder, perfect verifier".to_owned(), Shape::Diamond, "--c2"),
            mark(Policy::Ladder, ladder, Shape::Triangle, "--c3").filter(|_| !perfect),
            mark(
                Policy::RandomSplitEqualShare,
                "random split, equal share".to_owned(),
                Shape::Cross,
                "--line",
            ),
            mark(Policy::Oracle, "oracle: cheapest solver".to_owned(), Shape::Ring, "--c5"),
        ];
        let marks: Vec<Mark> = marks.into_iter().flatten().collect();
        let curves = || comparison.curves.iter().flat_map(|curve| &curve.points);
        let ends = |interval: &Interval| [interval.low, interval.high];
        let costs = marks.iter().flat_map(|mark| ends(&mark.result.cost_usd));
        let costs = costs.chain(curves().map(|point| point.cost_usd));
        let costs = costs.chain(comparison.rungs.iter().map(|rung| rung.cost_alone_usd));
        let successes = marks.iter().flat_map(|mark| ends(&mark.result.success));
        let successes = successes.chain(curves().map(|point| point.success));
        let successes = successes.chain(comparison.rungs.iter().map(|rung| rung.success_alone));
        let cost = Axis::over(costs, Some(0.0));
        let mut success = Axis::over(successes.map(|share| share * 100.0), None);
        success.to = success.to.min(100.0);
        Self { comparison, cost, success, marks }
    }

    fn x(&self, cost: f64) -> f64 {
        self.cost.place(cost, LEFT, RIGHT)
    }

    fn y(&self, share: f64) -> f64 {
        self.success.place(share * 100.0, BOTTOM, TOP)
    }

    fn write(&self, svg: &mut String) -> fmt::Result {
        let title = self.comparison.ladder.join(", then ");
        writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" role=\"img\" aria-label=\"Success against cost: {}\">\n<style>{STYLE}</style>",
            escaped(&title)
        )?;
        writeln!(svg, "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\" style=\"fill: var(--paper)\"/>")?;
        text(svg, 20.0, 28.0, "title", "start", &title)?;
        let unit = match self.comparison.unit {
            Unit::Repository => "repository",
            Unit::Task => "task",
        };
        let about = format!(
            "{} tasks of {} repositories; every rung that is asked is paid; bars: 95 % bootstrap intervals by {unit}",
            self.comparison.tasks, self.comparison.repositories
        );
        text(svg, 20.0, 47.0, "faint", "start", &about)?;
        self.axes(svg)?;
        self.split(svg)?;
        self.curves(svg)?;
        for mark in &self.marks {
            self.bars(svg, mark)?;
        }
        for rung in self.between() {
            symbol(svg, Shape::Dot, "--line", self.x(rung.cost_alone_usd), self.y(rung.success_alone))?;
        }
        for mark in &self.marks {
            let (x, y) = (self.x(mark.result.cost_usd.estimate), self.y(mark.result.success.estimate));
            symbol(svg, mark.shape, mark.colour, x, y)?;
        }
        self.legend(svg)?;
        svg.write_str("</svg>\n")
    }

    /// The rungs between the first and the last.
    fn between(&self) -> &[RungUse] {
        let rungs = &self.comparison.rungs;
        rungs.get(1..rungs.len().saturating_sub(1)).unwrap_or_default()
    }

    fn axes(&self, svg: &mut String) -> fmt::Result {
        for tick in self.success.ticks() {
            let y = self.y(tick / 100.0);
            rule(svg, "rule", LEFT, y, RIGHT, y)?;
            text(svg, LEFT - 8.0, y + 4.0, "faint", "end", &format!("{} %", self.success.tick(tick)))?;
        }
        for tick in self.cost.ticks() {
            let x = self.x(tick);
            rule(svg, "rule", x, TOP, x, BOTTOM)?;
            text(svg, x, BOTTOM + 18.0, "faint", "middle", &format!("${}", self.cost.tick(tick)))?;
        }
        rule(svg, "axis", LEFT, BOTTOM, RIGHT, BOTTOM)?;
        rule(svg, "axis", LEFT, TOP, LEFT, BOTTOM)?;
        text(svg, f64::midpoint(LEFT, RIGHT), BOTTOM + 40.0, "", "middle", "cost of all tasks, US dollars")?;
        let middle = f64::midpoint(TOP, BOTTOM);
        writeln!(
            svg,
            "<text transform=\"translate(16 {middle}) rotate(-90)\" text-anchor=\"middle\">tasks solved</text>"
        )
    }

    /// What a random split buys: from each rung on the best line upwards, and level where more buys nothing more.
    fn split(&self, svg: &mut String) -> fmt::Result {
        let points = hull(self.comparison.rungs.iter().map(|rung| (rung.cost_alone_usd, rung.success_alone)));
        let last = points.last().map(|&(_, success)| (self.cost.to, success));
        let path: Vec<String> = points
            .iter()
            .copied()
            .chain(last)
            .map(|(cost, success)| format!("{:.1},{:.1}", self.x(cost), self.y(success)))
            .collect();
        writeln!(svg, "<polyline class=\"split\" points=\"{}\"/>", path.join(" "))
    }

    fn curves(&self, svg: &mut String) -> fmt::Result {
        for (curve, colour) in self.comparison.curves.iter().zip(COLOURS) {
            let points = curve.points.iter();
            let path: Vec<String> = points
                .map(|point| format!("{:.1},{:.1}", self.x(point.cost_usd), self.y(point.success)))
                .collect();
            writeln!(
                svg,
                "<polyline class=\"curve\" style=\"stroke: var({colour})\" points=\"{}\"/>",
                path.join(" ")
            )?;
        }
        Ok(())
    }

    fn bars(&self, svg: &mut String, mark: &Mark) -> fmt::Result {
        let (cost, success) = (mark.result.cost_usd, mark.result.success);
        let (x, y) = (self.x(cost.estimate), self.y(success.estimate));
        let (left, right) = (self.x(cost.low), self.x(cost.high));
        let (low, high) = (self.y(success.low), self.y(success.high));
        let colour = mark.colour;
        writeln!(
            svg,
            "<path class=\"bar\" style=\"stroke: var({colour}); fill: none\" d=\"M{left:.1} {y:.1}H{right:.1}M{x:.1} \
             {low:.1}V{high:.1}M{left:.1} {:.1}v6M{right:.1} {:.1}v6M{:.1} {low:.1}h6M{:.1} {high:.1}h6\"/>",
            y - 3.0,
            y - 3.0,
            x - 3.0,
            x - 3.0
        )
    }

    fn legend(&self, svg: &mut String) -> fmt::Result {
        let mut y = TOP + 10.0;
        for mark in &self.marks {
            symbol(svg, mark.shape, mark.colour, LEGEND + 8.0, y - 4.0)?;
            text(svg, LEGEND + 24.0, y, "", "start", &mark.label)?;
            let (success, cost) = (mark.result.success.estimate * 100.0, mark.result.cost_usd.estimate);
            text(svg, LEGEND + 24.0, y + 15.0, "faint", "start", &format!("{success:.1} % for ${cost:.0}"))?;
            y += 38.0;
        }
        for rung in self.between() {
            symbol(svg, Shape::Dot, "--line", LEGEND + 8.0, y - 4.0)?;
            text(svg, LEGEND + 24.0, y, "", "start", &format!("always {}", short(&rung.row)))?;
            let (success, cost) = (rung.success_alone * 100.0, rung.cost_alone_usd);
            text(svg, LEGEND + 24.0, y + 15.0, "faint", "start", &format!("{success:.1} % for ${cost:.0}"))?;
            y += 38.0;
        }
        y += 2.0;
        rule(svg, "split", LEGEND, y - 4.0, LEGEND + 17.0, y - 4.0)?;
        text(svg, LEGEND + 24.0, y, "", "start", "random split, by money spent")?;
        y += 24.0;
        text(svg, LEGEND, y, "", "start", "ladder by verifier: accepts all … rejects all")?;
        for (curve, colour) in self.comparison.curves.iter().zip(COLOURS) {
            y += 18.0;
            writeln!(
                svg,
                "<path class=\"curve\" style=\"stroke: var({colour})\" d=\"M{LEGEND} {:.1}h17\"/>",
                y - 4.0
            )?;
            let what = if curve.auc == 0.5 { ": a coin" } else { "" };
            text(
                svg,
                LEGEND + 24.0,
                y,
                "faint",
                "start",
                &format!("area under its curve {:.1}{what}", curve.auc),
            )?;
        }
        Ok(())
    }
}

/// A row without its harness.
fn short(row: &str) -> &str {
    row.rsplit('/').next().unwrap_or(row)
}

/// Of the curves, the worst verifier first.
const COLOURS: [&str; 4] = ["--line", "--s1", "--s2", "--s3"];

/// The upper hull of some points, from the cheapest to the best.
fn hull(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = points.collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut hull: Vec<(f64, f64)> = Vec::new();
    for point in points {
        if hull.last().is_some_and(|last| point.1 <= last.1) {
            continue;
        }
        while let [.., before, last] = hull[..]
            && (last.1 - before.1) * (point.0 - before.0) <= (point.1 - before.1) * (last.0 - before.0)
        {
            hull.pop();
        }
        hull.push(point);
    }
    hull
}

fn symbol(svg: &mut String, shape: Shape, colour: &str, x: f64, y: f64) -> fmt::Result {
    let path = match shape {
        Shape::Circle | Shape::Ring | Shape::Dot => {
            let fill = if matches!(shape, Shape::Ring) { "--paper" } else { colour };
            let radius = if matches!(shape, Shape::Dot) { 3.5 } else { 5.0 };
            return writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" style=\"fill: var({fill}); stroke: var({colour}); \
                 stroke-width: 2\"/>"
            );
        }
        Shape::Cross => {
            return writeln!(
                svg,
                "<path d=\"M{:.1} {:.1}l9 9m0 -9l-9 9\" style=\"fill: none; stroke: var({colour}); stroke-width: 2.5\"/>",
                x - 4.5,
                y - 4.5
            );
        }
        Shape::Square => format!("M{:.1} {:.1}h10v10h-10z", x - 5.0, y - 5.0),
        Shape::Diamond => format!("M{x:.1} {:.1}l7 7l-7 7l-7 -7z", y - 7.0),
        Shape::Triangle => format!("M{x:.1} {:.1}l7 12h-14z", y - 7.0),
    };
    writeln!(svg, "<path d=\"{path}\" style=\"fill: var({colour})\"/>")
}

fn text(svg: &mut String, x: f64, y: f64, class: &str, anchor: &str, words: &str) -> fmt::Result {
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{}</text>",
        escaped(words)
    )
}

fn rule(svg: &mut String, class: &str, x: f64, y: f64, to_x: f64, to_y: f64) -> fmt::Result {
    writeln!(svg, "<path class=\"{class}\" d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\"/>")
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_in_ticks_around_its_values() {
        for (values, from, to, ticks) in [
            ([3.0, 374.0], 0.0, 400.0, vec!["0", "100", "200", "300", "400"]),
            ([0.01, 0.04], 0.0, 0.04, vec!["0.00", "0.01", "0.02", "0.03", "0.04"]),
            ([0.1, 1.4], 0.0, 1.5, vec!["0.00", "0.25", "0.50", "0.75", "1.00", "1.25", "1.50"]),
            ([1.0, 14.0], 0.0, 15.0, vec!["0.0", "2.5", "5.0", "7.5", "10.0", "12.5", "15.0"]),
        ] {
            let axis = Axis::over(values.into_iter(), Some(0.0));
            assert!((axis.from - from).abs() < 1e-9 && (axis.to - to).abs() < 1e-9);
            assert_eq!(axis.ticks().map(|tick| axis.tick(tick)).collect::<Vec<_>>(), ticks);
        }
    }

    #[test]
    fn a_hull_leaves_out_what_is_under_it() {
        let hull_of = |points: &[(f64, f64)]| hull(points.iter().copied());
        assert_eq!(hull_of(&[(3.0, 0.9), (1.0, 0.5)]), [(1.0, 0.5), (3.0, 0.9)]);
        assert_eq!(hull_of(&[(1.0, 0.5), (2.0, 0.6), (3.0, 0.9)]), [(1.0, 0.5), (3.0, 0.9)]);
        assert_eq!(hull_of(&[(1.0, 0.5), (2.0, 0.8), (3.0, 0.9)]), [(1.0, 0.5), (2.0, 0.8), (3.0, 0.9)]);
        assert_eq!(hull_of(&[(1.0, 0.5), (2.0, 0.4)]), [(1.0, 0.5)]);
    }
}
