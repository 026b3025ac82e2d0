//! Heights that are as near as possible to those that are wanted without two boxes touching, and the ways of lines.

use std::fmt::Write as _;

use super::boxes::count_of;
use super::layout::Cell;

/// The cells a line goes through, from box to box.
pub(super) struct Route {
    pub(super) edge: usize,
    pub(super) cells: Vec<usize>,
}

/// Moves the cells of one column, which keep their order, to where they want to be, as far as that is possible for all.
///
/// With the distances that have to be kept taken off, this is isotonic regression: neighbours that would overlap are
/// pooled and move to their common middle.
pub(super) fn straighten(cells: &mut [Cell], column: &[usize], wanted: &[f64]) {
    let mut offsets = Vec::new();
    let mut offset = 0.0;
    for (at, cell) in column.iter().enumerate() {
        if at > 0 {
            let (upper, lower) = (&cells[column[at - 1]], &cells[*cell]);
            offset += f64::midpoint(upper.height, lower.height) + upper.pad + lower.pad;
        }
        offsets.push(offset);
    }
    // Sum of what is wanted, and how many want it.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (wish, offset) in wanted.iter().zip(&offsets) {
        pools.push((wish - offset, 1));
        while let [.., left, right] = pools.as_slice() {
            if left.0 / count_of(left.1) <= right.0 / count_of(right.1) {
                break;
            }
            let pooled = (left.0 + right.0, left.1 + right.1);
            pools.truncate(pools.len() - 2);
            pools.push(pooled);
        }
    }
    let mut at = 0;
    for (sum, count) in pools {
        for _ in 0..count {
            cells[column[at]].y = sum / count_of(count) + offsets[at];
            at += 1;
        }
    }
}

/// A smooth line through these points: level at each of them.
pub(super) fn curve(way: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (at, (x, y)) in way.iter().enumerate() {
        let Some((last_x, last_y)) = at.checked_sub(1).map(|before| way[before]) else {
            let _ = write!(path, "M{x:.1},{y:.1}");
            continue;
        };
        if (last_y - y).abs() < 0.05 {
            let _ = write!(path, "H{x:.1}");
        } else {
            let bend = (x - last_x) / 2.0;
            let _ = write!(path, "C{:.1},{last_y:.1} {:.1},{y:.1} {x:.1},{y:.1}", last_x + bend, x - bend);
        }
    }
    path
}
