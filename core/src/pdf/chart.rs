//! A chart of two series by month: bars side by side, or steps where there are many months.

use super::brand::Colour;
use super::flow::Flow;
use super::sheet::{Kind, Mark, Node, Owner};
use super::theme::{HAIRLINE, INK, MUTED, Style};
use super::unit::{Unit, pt, tenths};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// One month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Under the bars: `Mar`.
    pub(crate) label: String,
    /// Under the label, where it is new: `2026`.
    pub(crate) under: String,
    /// The two values, at least 0.
    pub(crate) values: [Decimal; 2],
    /// Drawn lighter.
    pub(crate) light: bool,
}

/// A chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chart {
    /// Names of the two series.
    pub(crate) series: [String; 2],
    /// What is counted.
    pub(crate) axis: String,
    /// The legend of lighter bars, where there are any.
    pub(crate) light: String,
    /// From left to right.
    pub(crate) groups: Vec<Group>,
    /// What it shows, in words.
    pub(crate) alt: String,
}

/// More months than these are drawn as steps.
const MOST_BARS: usize = 18;
/// Months whose values stand over the bars.
const MOST_VALUES: usize = 12;
/// The space of the bars.
const PLOT: Unit = pt(138);
/// Left of the bars.
const SCALE: Unit = pt(30);

/// Where everything of a chart is.
struct Plot {
    node: Node,
    left: Unit,
    base: Unit,
    width: Unit,
    top_value: i64,
    colours: [Colour; 2],
}

impl Plot {
    fn height(&self, value: Decimal) -> Unit {
        let exact = value.max(Decimal::ZERO) * Decimal::from(PLOT) / Decimal::from(self.top_value.max(1));
        exact.round().to_i64().unwrap_or(0).clamp(0, PLOT)
    }
}

impl Flow {
    /// A chart, whole on one page. One without months is nothing.
    pub(crate) fn chart(&mut self, chart: &Chart) {
        if chart.groups.is_empty() {
            return;
        }
        let legend = pt(22);
        self.need(legend + PLOT + pt(48));
        let node = self.node(Kind::Figure(chart.alt.clone()), None);
        let (step, count) = scale(chart);
        let plot = Plot {
            node,
            left: self.left() + SCALE,
            base: self.y() + legend + pt(12) + PLOT,
            width: self.width() - SCALE,
            top_value: step * count,
            colours: [self.theme.fill, self.theme.accent],
        };
        self.legend(chart, &plot);
        self.grid(&plot, step, count, &chart.axis);
        if chart.groups.len() <= MOST_BARS {
            self.bars(chart, &plot);
        } else {
            self.steps(chart, &plot);
        }
        self.labels(chart, &plot);
        self.down(legend + pt(12) + PLOT + pt(30));
        self.space(pt(12));
    }

    fn legend(&mut self, chart: &Chart, plot: &Plot) {
        let (style, owner) = (self.theme.small.of(INK), Owner::Node(plot.node));
        let (mut x, y) = (plot.left, self.y());
        let [first, second] = plot.colours;
        let mut entries = vec![(first, chart.series[0].clone()), (second, chart.series[1].clone())];
        if chart.groups.iter().any(|group| group.light) {
            entries.push((first.lighter(55), chart.light.clone()));
        }
        for (colour, name) in entries {
            self.draw(owner, Mark::rectangle(x, y + tenths(18), pt(8), pt(8), colour));
            x += pt(12);
            for line in self.wrapped(&name, style, pt(190)).into_iter().take(1) {
                let width = line.width;
                self.text(owner, line, x, y);
                x += width + pt(18);
            }
        }
    }

    fn grid(&mut self, plot: &Plot, step: i64, count: i64, axis: &str) {
        let (style, owner) = (self.theme.small, Owner::Node(plot.node));
        for index in 0..=count {
            let value = Decimal::from(step * index);
            let y = plot.base - plot.height(value);
            let (thick, colour) = if index == 0 { (tenths(8), MUTED) } else { (tenths(4), HAIRLINE) };
            self.draw(owner, Mark::rectangle(plot.left, y, plot.width, thick, colour));
            self.right(owner, &value.to_string(), style, plot.left - pt(6), y - style.leading / 2);
        }
        let y = plot.base - PLOT - style.leading * 3 / 2;
        self.right(owner, axis, style, plot.left - pt(6), y);
    }

    fn bars(&mut self, chart: &Chart, plot: &Plot) {
        let owner = Owner::Node(plot.node);
        let place = slot(plot, chart.groups.len());
        let bar = (place * 32 / 100).min(pt(20));
        for (at, group) in numbered(&chart.groups) {
            let middle = plot.left + place * at + place / 2;
            let lefts = [middle - bar - tenths(8), middle + tenths(8)];
            for ((value, x), colour) in group.values.into_iter().zip(lefts).zip(plot.colours) {
                let height = plot.height(value);
                let colour = if group.light { colour.lighter(55) } else { colour };
                self.draw(owner, Mark::rectangle(x, plot.base - height, bar, height, colour));
                if chart.groups.len() <= MOST_VALUES {
                    let style = Style { size: tenths(68), leading: tenths(90), ..self.theme.small.of(INK) };
                    let y = plot.base - height - style.leading;
                    self.centred(owner, &value.normalize().to_string(), style, x + bar / 2, y);
                }
            }
        }
    }

    /// Two lines of steps: one area of each colour, thin where they run.
    fn steps(&mut self, chart: &Chart, plot: &Plot) {
        let owner = Owner::Node(plot.node);
        let place = slot(plot, chart.groups.len());
        for series in [0, 1] {
            let thick = tenths(18);
            let mut before: Option<Unit> = None;
            for (at, group) in numbered(&chart.groups) {
                let x = plot.left + place * at;
                let y = plot.base - plot.height(group.values[series]);
                let colour = plot.colours[series];
                let colour = if group.light { colour.lighter(55) } else { colour };
                self.draw(owner, Mark::rectangle(x, y - thick / 2, place, thick, colour));
                if let Some(from) = before.filter(|from| *from != y) {
                    let (high, low) = (from.min(y), from.max(y));
                    let riser = Mark::rectangle(x, high - thick / 2, thick, low - high + thick, colour);
                    self.draw(owner, riser);
                }
                before = Some(y);
            }
        }
    }

    fn labels(&mut self, chart: &Chart, plot: &Plot) {
        let (style, owner) = (self.theme.small, Owner::Node(plot.node));
        let place = slot(plot, chart.groups.len());
        let every = i64::try_from(chart.groups.len()).unwrap_or(1).div_euclid(MOST_BARS_LABELLED) + 1;
        for (at, group) in numbered(&chart.groups) {
            let middle = plot.left + place * at + place / 2;
            if at % every == 0 {
                self.centred(owner, &group.label, style, middle, plot.base + pt(4));
            }
            // Of two that would touch, the later one stays.
            let next = numbered(&chart.groups).find(|(other, group)| *other > at && !group.under.is_empty());
            let wide = self.measure(&group.under, style) + pt(4);
            if next.is_none_or(|(other, _)| (other - at) * place >= wide) {
                self.centred(owner, &group.under, style, middle, plot.base + pt(4) + style.leading);
            }
        }
    }

    fn right(&mut self, owner: Owner, text: &str, style: Style, x: Unit, y: Unit) {
        if let Some(line) = self.wrapped(text, style, pt(200)).into_iter().next() {
            let from = (x - line.width).max(self.left());
            self.text(owner, line, from, y);
        }
    }

    fn centred(&mut self, owner: Owner, text: &str, style: Style, x: Unit, y: Unit) {
        if let Some(line) = self.wrapped(text, style, pt(200)).into_iter().next() {
            let most = self.left() + self.width() - line.width;
            let from = (x - line.width / 2).clamp(self.left(), most.max(self.left()));
            self.text(owner, line, from, y);
        }
    }
}

/// Labels that stand side by side.
const MOST_BARS_LABELLED: i64 = 19;

/// The width of a month.
fn slot(plot: &Plot, groups: usize) -> Unit {
    plot.width / i64::try_from(groups).unwrap_or(1).max(1)
}

fn numbered(groups: &[Group]) -> impl Iterator<Item = (i64, &Group)> {
    (0..).zip(groups)
}

/// Steps of 1, 2 or 5 and zeros, and how many: four to six where the values are large enough.
fn scale(chart: &Chart) -> (i64, i64) {
    let values = chart.groups.iter().flat_map(|group| group.values);
    let most =
        values.max().unwrap_or_default().ceil().to_i64().unwrap_or(i64::MAX / 1000).clamp(1, i64::MAX / 1000);
    let mut unit = 1;
    loop {
        for step in [unit, 2 * unit, 5 * unit] {
            if most <= step * 5 {
                return (step, most.div_euclid(step) + i64::from(most % step != 0));
            }
        }
        unit *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(most: i64) -> Chart {
        let values = [Decimal::from(most), Decimal::ZERO];
        let group = Group { label: String::new(), under: String::new(), values, light: false };
        Chart {
            series: Default::default(),
            axis: String::new(),
            light: String::new(),
            groups: vec![group],
            alt: String::new(),
        }
    }

    #[test]
    fn the_scale_has_round_steps_and_holds_every_value() {
        for (most, step, count) in [
            (0, 1, 1),
            (1, 1, 1),
            (4, 1, 4),
            (7, 2, 4),
            (22, 5, 5),
            (72, 20, 4),
            (100, 20, 5),
            (101, 50, 3),
            (1_000_000, 200_000, 5),
        ] {
            assert_eq!(scale(&of(most)), (step, count), "{most}");
        }
        let (step, count) = scale(&of(i64::MAX));
        assert!(step > 0 && count > 0);
    }
}
