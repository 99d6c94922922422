//! Rows of a Markdown table.

use std::fmt::{self, Display};

/// The heading, and the line under it: the first columns are words.
pub(crate) fn heading(words: &[&str], numbers: &[&str]) {
    println!("\n| {} | {} |", words.join(" | "), numbers.join(" | "));
    let words = "---|".repeat(words.len());
    println!("|{words}{}", "--:|".repeat(numbers.len()));
}

#[derive(Debug, Default)]
pub(crate) struct Row(Vec<String>);

impl Row {
    pub(crate) fn text(&mut self, cell: impl Display) {
        self.0.push(cell.to_string());
    }

    /// A number, to so many decimal places.
    pub(crate) fn number(&mut self, number: f64, places: usize) {
        let digits = format!("{number:.places$}");
        self.0
            .push(if places == 0 { grouped(digits) } else { digits });
    }

    /// A number, or a dash where nothing was counted.
    pub(crate) fn counted(&mut self, number: Option<f64>, places: usize) {
        match number {
            Some(number) => self.number(number, places),
            None => self.text("–"),
        }
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {} |", self.0.join(" | "))
    }
}

/// Puts a comma before each three digits.
pub(crate) fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

pub(crate) fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len().saturating_sub(1) / 2;
    numbers.get(middle).copied().unwrap_or_default()
}
