//! For the test views of CI systems.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Outcome, Report, Verdict, exchange};

impl Report {
    /// The report as the XML of `JUnit`.
    #[must_use]
    pub fn to_junit(&self) -> String {
        let mut suite = TestSuite::new(format!("{} by {}", self.base_url, self.profile));
        suite.add_test_cases(self.outcomes.iter().map(case));
        let mut report = quick_junit::Report::new("idem-conformance");
        report.add_test_suite(suite);
        report
            .to_string()
            .expect("text is always XML once it is escaped")
    }
}

fn case(outcome: &Outcome) -> TestCase {
    let scenario = outcome.scenario;
    let status = match &outcome.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Failed(failure) => {
            let shown = outcome.telling_exchange(failure).map(exchange::lines);
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(failure.problem());
            status.set_type(scenario.group());
            status.set_description(format!(
                "rule: {}\nsource: {}\nwrong: {}\n{}",
                scenario.rule(),
                scenario.source(),
                failure.problem(),
                shown.unwrap_or_default()
            ));
            status
        }
        Verdict::NotRun(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    };
    let mut case = TestCase::new(scenario.id(), status);
    case.set_classname(scenario.group());
    case.set_time(outcome.duration);
    case
}
