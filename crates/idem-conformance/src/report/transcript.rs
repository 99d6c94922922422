//! What two servers must agree on, byte for byte.

use std::fmt::Write as _;

use super::{Outcome, Report, Verdict};

/// What depends on the moment, on the connection or on the framing, and not on the answer.
const LEFT_OUT: [&str; 5] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
];

impl Report {
    /// Every exchange of the scenarios whose requests follow one another, as text.
    ///
    /// Two servers with the same operations, run with one [seed](crate::Suite::seed), must agree on
    /// it. Dates and framing are left out, and headers are sorted by name; lines of one name keep
    /// their order. Scenarios with requests under way at once have no place in it.
    #[must_use]
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        let outcomes = self.outcomes.iter();
        for outcome in outcomes.filter(|outcome| outcome.scenario.is_sequential()) {
            write(&mut text, outcome);
        }
        text
    }
}

fn write(text: &mut String, outcome: &Outcome) {
    let verdict = match &outcome.verdict {
        Verdict::Passed => "passed",
        Verdict::Failed(_) => "failed",
        Verdict::NotRun(_) => "not run",
    };
    let _ = writeln!(text, "# {} {verdict}", outcome.scenario.id());
    for exchange in &outcome.exchanges {
        let request = &exchange.request;
        let _ = writeln!(text, "> {} {}", request.method, request.path);
        head(text, '>', &request.headers);
        body(text, '>', &request.body);
        if let Some(answer) = &exchange.answer {
            let _ = writeln!(text, "< {}", answer.status);
            head(text, '<', &answer.headers);
            body(text, '<', &answer.body);
        }
        if let Some(note) = &exchange.note {
            let _ = writeln!(text, "({note})");
        }
    }
}

fn head(text: &mut String, mark: char, headers: &[(String, Vec<u8>)]) {
    let mut lines: Vec<_> = headers.iter().collect();
    lines.retain(|(name, _)| !LEFT_OUT.contains(&&**name));
    // The sort is stable: lines of one name stay as they were.
    lines.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, value) in lines {
        let _ = writeln!(text, "{mark} {name}: {}", value.escape_ascii());
    }
}

fn body(text: &mut String, mark: char, body: &[u8]) {
    let _ = writeln!(text, "{mark} {} bytes: {}", body.len(), body.escape_ascii());
}
