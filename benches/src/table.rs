//! Rows of a Markdown table.

use std::fmt::{self, Display};

/// Prints the heading, and the line under it: the first columns are words, the others numbers.
pub fn heading(words: &[&str], numbers: &[impl AsRef<str>]) {
    let numbers_of = numbers.iter().map(AsRef::as_ref);
    let columns: Vec<&str> = words.iter().copied().chain(numbers_of).collect();
    println!("\n| {} |", columns.join(" | "));
    let words = "---|".repeat(words.len());
    println!("|{words}{}", "--:|".repeat(numbers.len()));
}

/// One row, which [`Display`] writes.
#[derive(Debug, Default)]
pub struct Row(Vec<String>);

impl Row {
    /// Adds a cell.
    pub fn text(&mut self, cell: impl Display) {
        self.0.push(cell.to_string());
    }

    /// Adds a number, to so many decimal places.
    pub fn number(&mut self, number: f64, places: usize) {
        let digits = format!("{number:.places$}");
        self.0
            .push(if places == 0 { grouped(digits) } else { digits });
    }

    /// Adds a number, or a dash where nothing was counted.
    pub fn counted(&mut self, number: Option<f64>, places: usize) {
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
pub fn grouped(number: impl Display) -> String {
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

/// The middle of the numbers, or zero if there are none.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len().saturating_sub(1) / 2;
    numbers.get(middle).copied().unwrap_or_default()
}
