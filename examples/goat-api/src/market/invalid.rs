//! What is wrong with what a client sent, and where.

use std::fmt;

/// The first fault found in a client's request.
///
/// It displays as one sentence for the client: the place, then the problem, as in
/// `items[1].quantity must be a whole number of at least 1, got 0.5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    place: String,
    problem: String,
}

impl Invalid {
    /// A fault at `place`, where `problem` is the rest of the sentence.
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.problem)
    }
}

impl std::error::Error for Invalid {}

/// The start of a client's own text, short enough to be sent back.
#[must_use]
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(excerpt(&"ü".repeat(60)), "ü".repeat(60));
        assert_eq!(excerpt(&"ü".repeat(61)), format!("{}…", "ü".repeat(60)));
    }
}
