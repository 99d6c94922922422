//! The rows of the page on layers name tests that exist, and no such test is left out.

use std::fs;

use crate::page::root;

const PAGE: &str = "docs/guide/layers.md";

#[test]
fn each_row_names_a_test_of_its_framework() {
    for (heading, adapter) in FRAMEWORKS {
        let tests = tests(adapter);
        let section = section(heading);
        let rows = rows(&section);
        assert!(rows.len() >= 15, "{heading}: only {} rows", rows.len());
        for row in rows {
            let name = row.last().unwrap().trim_matches('`');
            assert!(
                tests.iter().any(|test| test == name),
                "{heading}, {}: {adapter} has no test {name}",
                row[0]
            );
        }
    }
}

#[test]
fn each_test_of_layers_is_on_the_page() {
    for (heading, adapter) in FRAMEWORKS {
        let section = section(heading);
        for test in tests(adapter) {
            let is_named = section.contains(&format!("`{test}`"));
            assert!(is_named, "{heading} does not name {test}");
        }
    }
}

const FRAMEWORKS: [(&str, &str); 2] = [
    ("axum and tower-http", "idem-axum"),
    ("actix-web", "idem-actix"),
];

/// What stands under a heading of the second level.
fn section(heading: &str) -> String {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let (_, after) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let end = after.find("\n## ").unwrap_or(after.len());
    after[..end].to_owned()
}

/// The cells of the rows of those tables whose last column is `test`.
fn rows(section: &str) -> Vec<Vec<&str>> {
    let tables = section.split("\n\n");
    let tables = tables.filter(|block| block.lines().next().unwrap_or("").ends_with("| test |"));
    let rows = tables.flat_map(|table| table.lines().skip(2));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// The names of an adapter's tests of layers.
fn tests(adapter: &str) -> Vec<String> {
    let folder = root().join("crates").join(adapter).join("tests/layers");
    let mut names = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let code = fs::read_to_string(file.unwrap().path()).unwrap();
        for test in code.split("#[tokio::test]\nasync fn ").skip(1) {
            let (name, _) = test.split_once('(').unwrap();
            names.push(name.to_owned());
        }
    }
    names
}
