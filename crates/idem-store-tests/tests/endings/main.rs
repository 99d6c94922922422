//! The ending cases pass a store whose transactions are right, and catch those that are right but for one
//! thing.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

mod caught;
mod defect;
mod records;
mod store;

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::Command,
};

use caught::CAUGHT;
use defect::Defect;
use idem_store_tests::{Clock, EndingCase, ending_cases};
use store::Reference;

mod paused {
    idem_store_tests::ending_tests! {
        clock: paused,
        store: crate::Reference::new(None),
    }
}

mod real {
    idem_store_tests::ending_tests! {
        #[cfg_attr(miri, ignore = "sleeps")]
        clock: real(std::time::Duration::from_millis(300)),
        store: crate::Reference::new(None),
    }
}

#[test]
fn each_defect_is_caught_by_its_case() {
    let cases = ending_cases();
    for (defect, name) in CAUGHT {
        let found = cases.iter().find(|case| case.name() == *name);
        let case = found.unwrap_or_else(|| panic!("there is no case {name}"));
        assert!(catches(case, *defect), "{name} misses {defect:?}");
    }
}

#[test]
fn every_case_catches_a_defect() {
    let catches_any = |case: &EndingCase<Reference>| {
        let listed = CAUGHT.iter().any(|(_, name)| *name == case.name());
        listed || CAUGHT.iter().any(|(defect, _)| catches(case, *defect))
    };
    let cases = ending_cases();
    let idle: Vec<_> = cases.iter().filter(|case| !catches_any(case)).collect();
    assert!(idle.is_empty(), "these catch nothing: {idle:#?}");
}

#[test]
fn a_store_of_one_writer_and_without_faults_passes() {
    for case in ending_cases() {
        case.run(Clock::paused(), async || Reference::new(None).plain());
    }
}

#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn what_is_left_out_of_a_store_is_said() {
    let this = std::env::current_exe().unwrap();
    let passing = "a_store_of_one_writer_and_without_faults_passes";
    let output = Command::new(this)
        .args(["--exact", passing])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    for case in [
        "doubt::a_commit_that_landed_is_found",
        "doubt::a_commit_that_never_arrived_frees_the_key",
        "doubt::a_commit_that_lands_late_is_waited_for",
        "lost::a_takeover_during_the_transaction_is_seen",
        "undone::a_statement_that_failed_commits_nothing",
        "undone::the_rollback_has_ended_before_the_key_is_free",
    ] {
        assert!(
            said.contains(&format!("left out: {case}: ")),
            "{case}: {said}"
        );
    }
}

fn catches(case: &EndingCase<Reference>, defect: Defect) -> bool {
    let run = || case.run(Clock::paused(), async || Reference::new(Some(defect)));
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

#[test]
fn every_case_that_is_written_is_listed() {
    let cases = ending_cases::<Reference>();
    let listed: BTreeSet<_> = cases.iter().map(|case| case.name().to_owned()).collect();
    assert_eq!(listed.len(), cases.len(), "a case is listed twice");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ending_cases");
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let group = file.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines() {
            let Some(written) = line.strip_prefix("pub async fn ") else {
                continue;
            };
            let (name, _) = written.split_once('<').unwrap();
            let name = format!("{group}::{name}");
            assert!(listed.contains(&name), "{name} is not listed");
        }
    }
}
