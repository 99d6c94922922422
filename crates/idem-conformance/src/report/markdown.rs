//! For documents.

use std::fmt::Write as _;

use super::{Report, Verdict};
use crate::{scenario::Scenario, scenarios};

impl Report {
    /// The report as a table in Markdown, and what was wrong below it.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# {}\n\nProfile `{}`, seed {}: {}.\n\n| scenario | rule | verdict |\n|---|---|---|\n",
            self.base_url,
            self.profile,
            self.seed,
            self.summary()
        );
        for outcome in &self.outcomes {
            let scenario = outcome.scenario;
            let verdict = match &outcome.verdict {
                Verdict::Passed => "passed".to_owned(),
                Verdict::Failed(_) => "**failed**".to_owned(),
                Verdict::NotRun(reason) => format!("not run: {}", cell(reason)),
            };
            let _ = writeln!(
                text,
                "| `{}` | {} | {verdict} |",
                scenario.id(),
                cell(scenario.rule())
            );
        }
        for (outcome, failure) in self.failed() {
            let scenario = outcome.scenario;
            let _ = write!(
                text,
                "\n## `{}`\n\n{}\n\nSource: {}.\n\n{}\n",
                scenario.id(),
                scenario.rule(),
                scenario.source(),
                failure.problem
            );
            if let Some(exchange) = outcome.telling_exchange(failure) {
                let _ = write!(text, "\n````\n{}````\n", super::exchange::lines(exchange));
            }
        }
        text
    }

    /// Several servers' reports as one table in Markdown: a row for each scenario that any of them
    /// was asked, a column for each server.
    #[must_use]
    pub fn table(reports: &[(&str, &Self)]) -> String {
        let mut text = "| scenario | rule |".to_owned();
        for (server, _) in reports {
            let _ = write!(text, " {} |", cell(server));
        }
        let _ = writeln!(text, "\n|---|---|{}", "---|".repeat(reports.len()));
        for scenario in scenarios::all() {
            let verdicts: Vec<_> = reports
                .iter()
                .map(|(_, report)| report.mark(scenario))
                .collect();
            if verdicts.iter().all(Option::is_none) {
                continue;
            }
            let _ = write!(text, "| `{}` | {} |", scenario.id(), cell(scenario.rule()));
            for verdict in verdicts {
                let _ = write!(text, " {} |", verdict.unwrap_or(""));
            }
            text.push('\n');
        }
        text
    }

    fn mark(&self, scenario: &Scenario) -> Option<&'static str> {
        let mut outcomes = self.outcomes.iter();
        let outcome = outcomes.find(|outcome| outcome.scenario.id() == scenario.id())?;
        Some(match outcome.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed(_) => "**failed**",
            Verdict::NotRun(_) => "not run",
        })
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{report::Outcome, stage::Failure};

    fn report(verdicts: Vec<Verdict>) -> Report {
        let outcomes = scenarios::all().zip(verdicts);
        let outcomes = outcomes
            .map(|(scenario, verdict)| Outcome::new(scenario, verdict, Duration::ZERO, Vec::new()));
        Report::new("http://goats", "reference", 1, outcomes.collect())
    }

    #[test]
    fn a_table_has_a_row_for_what_was_asked_and_a_column_for_each_server() {
        let one = report(vec![Verdict::Passed, Verdict::Failed(Failure::new("no"))]);
        let other = report(vec![Verdict::NotRun("why".to_owned())]);
        let table = Report::table(&[("axum, memory", &one), ("other", &other)]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "| scenario | rule | axum, memory | other |");
        assert_eq!(lines[1], "|---|---|---|---|");
        assert!(
            lines[2].starts_with("| `key/missing` | ")
                && lines[2].ends_with(" | passed | not run |")
        );
        assert!(lines[3].ends_with(" | **failed** |  |"), "{table}");
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn what_was_not_run_has_not_failed_and_has_not_passed() {
        let report = report(vec![Verdict::NotRun("why".to_owned())]);
        assert!(report.is_conformant());
        assert_eq!(report.summary(), "0 passed, 0 failed, 1 not run");
    }
}
