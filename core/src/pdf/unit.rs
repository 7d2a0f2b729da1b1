//! Lengths on paper, as whole numbers: a layout is the same on every machine.

/// A thousandth of a point; a point is the 72nd part of an inch.
pub(crate) type Unit = i64;

/// Whole points.
pub(crate) const fn pt(points: i64) -> Unit {
    points * 1000
}

/// Tenths of a point.
pub(crate) const fn tenths(tenths: i64) -> Unit {
    tenths * 100
}

/// A4.
pub(crate) const PAGE_WIDTH: Unit = 595_276;
/// A4.
pub(crate) const PAGE_HEIGHT: Unit = 841_890;
/// Left and right.
pub(crate) const SIDE: Unit = pt(54);
/// Where text begins on pages with a running head.
pub(crate) const TOP: Unit = pt(82);
/// Where the first page begins.
pub(crate) const FIRST_TOP: Unit = pt(44);
/// Where text ends.
pub(crate) const BOTTOM: Unit = PAGE_HEIGHT - pt(66);
/// Between the margins.
pub(crate) const WIDTH: Unit = PAGE_WIDTH - 2 * SIDE;
