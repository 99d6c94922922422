//! The order in which the crates are published is one in which it works.

use std::fs;

use crate::page::root;

const PAGE: &str = include_str!("../../release.md");

/// The crates of the table, in its order, and what the table says that each needs.
fn order() -> Vec<(String, Vec<String>)> {
    let is_row = |line: &&str| {
        let cell = line.strip_prefix("| ").unwrap_or_default();
        cell.starts_with(|first: char| first.is_ascii_digit())
    };
    let rows = PAGE.lines().filter(is_row);
    let code = |cell: &str| -> Vec<String> {
        let pieces = cell.split('`').skip(1).step_by(2);
        pieces.map(str::to_owned).collect()
    };
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        (code(cells[1]).remove(0), code(cells[2]))
    })
    .collect()
}

/// Our published crates that a crate names with a version, for its tests too: all must be on the registry before.
fn needs(name: &str) -> Vec<String> {
    let read = |path: String| -> toml::Table {
        toml::from_str(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
    };
    let workspace = read("Cargo.toml".to_owned());
    let shared = workspace["workspace"]["dependencies"].as_table().unwrap();
    let manifest = read(format!("crates/{name}/Cargo.toml"));
    let mut needs: Vec<String> = ["dependencies", "dev-dependencies"]
        .iter()
        .filter_map(|kind| manifest.get(*kind)?.as_table())
        .flatten()
        .filter(|(other, own)| {
            let own_version = own.get("version").is_some();
            let is_inherited = own.get("workspace").is_some();
            let shared_version = shared
                .get(*other)
                .is_some_and(|dependency| dependency.get("version").is_some());
            other.starts_with("idem-") && (own_version || is_inherited && shared_version)
        })
        .map(|(other, _)| other.clone())
        .collect();
    needs.sort();
    needs.dedup();
    needs
}

#[test]
fn each_crate_comes_after_what_it_needs() {
    let order = order();
    for (place, (name, named)) in order.iter().enumerate() {
        let needs = needs(name);
        assert_eq!(*named, needs, "{name}");
        for other in needs {
            let is_before = order[..place].iter().any(|(earlier, _)| *earlier == other);
            assert!(is_before, "{name} is published before {other}");
        }
    }
}

#[test]
fn each_published_crate_is_in_the_order_and_in_the_loop() {
    let mut published = Vec::new();
    for folder in fs::read_dir(root().join("crates")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        let manifest = root().join("crates").join(&name).join("Cargo.toml");
        if !fs::read_to_string(manifest)
            .unwrap()
            .contains("publish = false")
        {
            published.push(name);
        }
    }
    let order: Vec<String> = order().into_iter().map(|(name, _)| name).collect();
    let mut sorted = order.clone();
    sorted.sort();
    published.sort();
    assert_eq!(sorted, published);
    assert!(PAGE.contains(&format!("for crate in {}; do", order.join(" "))));
}
