//! Sets of statuses.

use std::fmt;

use serde::Deserialize;

/// A set of statuses, written as numbers and ranges: `[201, "300-399"]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Entry>")]
pub(crate) struct Statuses(Vec<(u16, u16)>);

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a status such as 201, or a range such as \"200-299\""
)]
enum Entry {
    One(u16),
    Range(String),
}

impl Statuses {
    pub(crate) fn contains(&self, status: u16) -> bool {
        self.0
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&status))
    }

    pub(crate) fn success() -> Self {
        Self(vec![(200, 299)])
    }
}

impl TryFrom<Vec<Entry>> for Statuses {
    type Error = String;

    fn try_from(entries: Vec<Entry>) -> Result<Self, String> {
        let ranges = entries.into_iter().map(|entry| match entry {
            Entry::One(status) => Ok((status, status)),
            Entry::Range(text) => range(&text).ok_or_else(|| {
                format!("{text:?} is no range of statuses; write it as \"200-299\"")
            }),
        });
        ranges.collect::<Result<_, _>>().map(Self)
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.0.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { " or " })?;
            if first == last {
                write!(f, "{first}")?;
            } else {
                write!(f, "{first} to {last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_two_ends_in_order() {
        assert_eq!(range("200-299"), Some((200, 299)));
        for text in ["200", "299-200", "2xx", "-"] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    #[test]
    fn it_is_shown_as_a_person_would_say_it() {
        let statuses = Statuses(vec![(201, 201), (300, 399)]);
        assert_eq!(statuses.to_string(), "201 or 300 to 399");
        assert!(statuses.contains(399) && !statuses.contains(200));
    }
}
