//! The result as a table of text.

use std::time::Duration;

use crate::tally::Sum;

/// What came of one trial.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Whether nothing may be extra or lost.
    pub(crate) promised: bool,
    pub(crate) markets: u64,
    pub(crate) kills: u64,
    pub(crate) requests: u64,
    pub(crate) keys: usize,
    pub(crate) orders: usize,
    pub(crate) sum: Sum,
    pub(crate) blocked: Duration,
}

impl Row {
    pub(crate) fn is_as_promised(&self) -> bool {
        !self.promised || self.sum == Sum { extra: 0, lost: 0 }
    }

    fn cells(&self) -> [String; 9] {
        [
            self.name.clone(),
            self.markets.to_string(),
            self.kills.to_string(),
            self.requests.to_string(),
            self.keys.to_string(),
            self.orders.to_string(),
            self.sum.extra.to_string(),
            self.sum.lost.to_string(),
            format!("{:.1} s", self.blocked.as_secs_f64()),
        ]
    }
}

const HEAD: [&str; 9] = [
    "store", "markets", "killed", "requests", "keys", "orders", "extra", "lost", "blocked",
];

/// The first column stands on the left, the figures on the right.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let mut widths = [0; 9];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            text += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}
