//! Where the boxes go: a column for each layer, and in it the order and the heights that keep lines short and straight.
//!
//! A line that passes a column has a place of its own in it, so that it goes behind no box. Whatever is tied together
//! is laid out alone, one above the other.

use std::collections::BTreeMap;

use super::boxes::count_of;
use super::route::{Route, straighten};
use crate::report::graph::order::Links;

/// Around a box; two of them are between two boxes of one column.
const PAD: f64 = 6.0;
/// Between two groups of boxes that have nothing to do with each other.
const APART: f64 = 22.0;
/// Between two columns, where lines have to find their way.
const ALLEY: f64 = 52.0;
/// What a passing line needs, and what is around it.
const LANE: (f64, f64) = (4.0, 2.0);
/// Odd, so that the last one goes from the disks on: many disks draw what is made of them, not the other way.
const SWEEPS: usize = 13;

/// Places in pixels, from the upper left corner of the first column.
pub(super) struct Layout {
    /// The left upper corner of each box.
    pub(super) at: Vec<(f64, f64)>,
    pub(super) columns: Vec<Column>,
    /// The way of each line, by its place in the list of edges.
    pub(super) ways: Vec<(usize, Vec<(f64, f64)>)>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A column that is used.
pub(super) struct Column {
    pub(super) left: f64,
    pub(super) width: f64,
    /// The layers in it, by number.
    pub(super) layers: Vec<usize>,
}

/// A box, or the place where a line passes a column.
#[derive(Clone)]
pub(super) struct Cell {
    pub(super) column: usize,
    pub(super) height: f64,
    /// What has to stay free above and below.
    pub(super) pad: f64,
    /// The middle.
    pub(super) y: f64,
    pub(super) before: Vec<usize>,
    pub(super) after: Vec<usize>,
}

impl Layout {
    pub(super) fn of(links: &Links, layers: &[usize], sizes: &[(f64, f64)]) -> Self {
        let column_of = columns(links, layers);
        let count = column_of.iter().max().map_or(0, |last| last + 1);
        let mut columns: Vec<Column> =
            (0..count).map(|_| Column { left: 0.0, width: 0.0, layers: Vec::new() }).collect();
        for (node, at) in column_of.iter().enumerate() {
            columns[*at].width = columns[*at].width.max(sizes[node].0);
            if !columns[*at].layers.contains(&layers[node]) {
                columns[*at].layers.push(layers[node]);
            }
        }
        let mut left = 0.0;
        for column in &mut columns {
            column.layers.sort_unstable();
            column.left = left;
            left += column.width + ALLEY;
        }
        let (mut cells, routes) = cells(links, &column_of, sizes);
        let height = stack(links, &mut cells, count);
        let middle = |cell: usize| cells[cell].y;
        let at = (0..sizes.len())
            .map(|node| (columns[column_of[node]].left, middle(node) - sizes[node].1 / 2.0))
            .collect();
        let ways = routes
            .iter()
            .map(|route| {
                let from = route.cells[0];
                let mut way = vec![(columns[cells[from].column].left + sizes[from].0, middle(from))];
                for cell in &route.cells[1..route.cells.len() - 1] {
                    let column = &columns[cells[*cell].column];
                    way.push((column.left - 8.0, middle(*cell)));
                    way.push((column.left + column.width + 8.0, middle(*cell)));
                }
                let to = route.cells[route.cells.len() - 1];
                way.push((columns[cells[to].column].left, middle(to)));
                (route.edge, way)
            })
            .collect();
        Self { at, columns, ways, width: (left - ALLEY).max(0.0), height }
    }
}

/// The column of each node: that of its layer, or right of everything it is made of. Unused ones are left out.
fn columns(links: &Links, layers: &[usize]) -> Vec<usize> {
    let mut column = layers.to_vec();
    for told in links.told() {
        let lowest = links.below[told.node].iter().map(|below| column[*below] + 1).max().unwrap_or(0);
        column[told.node] = column[told.node].max(lowest);
    }
    let mut used: Vec<usize> = column.clone();
    used.sort_unstable();
    used.dedup();
    column.iter().map(|at| used.binary_search(at).unwrap_or(0)).collect()
}

/// The nodes as cells, followed by the places where lines pass columns.
fn cells(links: &Links, columns: &[usize], sizes: &[(f64, f64)]) -> (Vec<Cell>, Vec<Route>) {
    let cell =
        |column, height, pad| Cell { column, height, pad, y: 0.0, before: Vec::new(), after: Vec::new() };
    let mut cells: Vec<Cell> =
        columns.iter().zip(sizes).map(|(column, size)| cell(*column, size.1, PAD)).collect();
    let mut routes = Vec::new();
    for (from, to, edge) in &links.edges {
        let mut route = vec![*from];
        for column in columns[*from] + 1..columns[*to] {
            route.push(cells.len());
            cells.push(cell(column, LANE.0, LANE.1));
        }
        route.push(*to);
        for pair in route.windows(2) {
            cells[pair[0]].after.push(pair[1]);
            cells[pair[1]].before.push(pair[0]);
        }
        routes.push(Route { edge: *edge, cells: route });
    }
    (cells, routes)
}

/// Lays out what is tied together, each group as high as the columns it needs are free. Gives back the whole height.
fn stack(links: &Links, cells: &mut [Cell], columns: usize) -> f64 {
    let told = links.told();
    let mut rank = vec![usize::MAX; cells.len()];
    for (at, told) in told.iter().enumerate() {
        rank[told.node] = at;
    }
    let mut seen = vec![false; cells.len()];
    // Of each column the lower edge, and whether what is there stands alone.
    let mut floor: Vec<Option<(f64, bool)>> = vec![None; columns];
    for told in &told {
        let mut members = Vec::new();
        let mut next = vec![told.node];
        while let Some(at) = next.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                members.push(at);
                next.extend(cells[at].before.iter().chain(&cells[at].after));
            }
        }
        if members.is_empty() {
            continue;
        }
        settle(cells, &members, &rank, columns);
        let alone = members.len() == 1;
        let lower = members.iter().filter_map(|at| {
            let (edge, also_alone) = floor[cells[*at].column]?;
            let gap = if alone && also_alone { 2.0 * PAD } else { APART };
            Some(edge + gap - (cells[*at].y - cells[*at].height / 2.0))
        });
        let top = members.iter().map(|at| cells[*at].height / 2.0 - cells[*at].y);
        let by = lower.chain(top).fold(f64::NEG_INFINITY, f64::max);
        for at in &members {
            let cell = &mut cells[*at];
            cell.y += by;
            let edge = cell.y + cell.height / 2.0;
            let lowest = floor[cell.column].map_or(edge, |(old, _)| old.max(edge));
            floor[cell.column] = Some((lowest, alone));
        }
    }
    floor.into_iter().flatten().map(|(edge, _)| edge).fold(0.0, f64::max)
}

/// Lays out one such group, somewhere.
fn settle(cells: &mut [Cell], members: &[usize], rank: &[usize], columns: usize) {
    let mut order: Vec<Vec<usize>> = vec![Vec::new(); columns];
    let mut by_rank = members.to_vec();
    // A passing line stands where the box it comes from does.
    let mut own = BTreeMap::new();
    for at in members {
        let mut origin = *at;
        while rank[origin] == usize::MAX {
            origin = cells[origin].before[0];
        }
        own.insert(*at, rank[origin]);
    }
    by_rank.sort_by_key(|at| (own[at], *at));
    for at in by_rank {
        order[cells[at].column].push(at);
    }
    uncross(cells, &mut order);
    for column in &order {
        let mut y = 0.0;
        for at in column {
            cells[*at].y = y + cells[*at].height / 2.0;
            y += cells[*at].height + 2.0 * cells[*at].pad;
        }
    }
    for sweep in 0..SWEEPS {
        let forth = sweep % 2 == 0;
        let turn: Vec<usize> = if forth { (0..columns).collect() } else { (0..columns).rev().collect() };
        for column in turn {
            let wanted: Vec<f64> = order[column].iter().map(|at| wanted(cells, *at, forth)).collect();
            straighten(cells, &order[column], &wanted);
        }
    }
}

/// Where a cell would like to be: at the middle of those it is tied to.
fn wanted(cells: &[Cell], at: usize, forth: bool) -> f64 {
    let (near, far) = match forth {
        true => (&cells[at].before, &cells[at].after),
        false => (&cells[at].after, &cells[at].before),
    };
    let tied = if near.is_empty() { far } else { near };
    if tied.is_empty() {
        return cells[at].y;
    }
    tied.iter().map(|other| cells[*other].y).sum::<f64>() / count_of(tied.len())
}

/// Orders columns so that fewer lines cross; keeps the best order that was seen.
fn uncross(cells: &[Cell], order: &mut Vec<Vec<usize>>) {
    let mut best = order.clone();
    let mut fewest = crossings(cells, order);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        let forth = sweep % 2 == 0;
        let count = order.len();
        let turn: Vec<usize> = if forth { (1..count).collect() } else { (0..count - 1).rev().collect() };
        for column in turn {
            let place = places(order);
            let middle = |at: &usize| {
                let tied = if forth { &cells[*at].before } else { &cells[*at].after };
                match tied.is_empty() {
                    true => count_of(place[at]),
                    false => tied.iter().map(|one| count_of(place[one])).sum::<f64>() / count_of(tied.len()),
                }
            };
            let mut keyed: Vec<(f64, usize)> = order[column].iter().map(|at| (middle(at), *at)).collect();
            keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
            order[column] = keyed.into_iter().map(|(_, at)| at).collect();
        }
        let now = crossings(cells, order);
        if now < fewest {
            (fewest, best) = (now, order.clone());
        }
    }
    *order = best;
}

fn places(order: &[Vec<usize>]) -> BTreeMap<usize, usize> {
    order.iter().flat_map(|column| column.iter().enumerate().map(|(at, cell)| (*cell, at))).collect()
}

fn crossings(cells: &[Cell], order: &[Vec<usize>]) -> usize {
    let place = places(order);
    let mut count = 0;
    for column in order {
        let lines: Vec<(usize, usize)> = column
            .iter()
            .flat_map(|at| cells[*at].after.iter().map(|other| (place[at], place[other])))
            .collect();
        for (at, left) in lines.iter().enumerate() {
            let cross = |right: &&(usize, usize)| {
                (left.0 < right.0 && left.1 > right.1) || (left.0 > right.0 && left.1 < right.1)
            };
            count += lines[at + 1..].iter().filter(cross).count();
        }
    }
    count
}
