//! The list of cases is whole.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::Path};

use idem_http_tests::CASES;

#[test]
fn every_case_that_is_written_is_listed() {
    let listed: BTreeSet<_> = CASES.iter().map(|case| (*case).to_owned()).collect();
    assert_eq!(listed, written());
    assert_eq!(listed.len(), CASES.len(), "a case is listed twice");
}

fn written() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases");
    let files = fs::read_dir(folder).unwrap();
    files
        .flat_map(|file| cases_in(&file.unwrap().path()))
        .collect()
}

fn cases_in(file: &Path) -> Vec<String> {
    let group = file.file_stem().unwrap().to_str().unwrap();
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("pub async fn ")?.split_once('<'))
        .map(|(name, _)| format!("{group}::{name}"))
        .collect()
}
