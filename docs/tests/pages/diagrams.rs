//! The drawings are of the text that the pages show, and the text is of the code.

use std::{collections::BTreeSet, fmt::Write, fs, path::PathBuf};

use idem_core::{operator::KeyState, store::NotKept};
use sha2::{Digest, Sha256};

use crate::page::{all, root};

fn folder() -> PathBuf {
    root().join("docs/diagrams")
}

/// The text of each diagram, by its name.
fn diagrams() -> Vec<(String, String)> {
    let files = fs::read_dir(folder()).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "mmd"));
    texts
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn each_drawing_is_of_its_text() {
    for (name, text) in diagrams() {
        let mut digest = String::new();
        for byte in Sha256::digest(&text) {
            let _ = write!(digest, "{byte:02x}");
        }
        let drawing = fs::read_to_string(folder().join(format!("{name}.svg"))).unwrap();
        let is_drawn = drawing.contains(&format!("SHA-256 {digest}"));
        assert!(
            is_drawn,
            "{name}.svg is older than {name}.mmd: run .ci/diagrams"
        );
    }
}

#[test]
fn each_diagram_is_shown_on_a_page_as_it_is() {
    let pages = all();
    let snippets = pages.iter().flat_map(|page| &page.snippets);
    let drawn: Vec<_> = snippets
        .filter(|snippet| snippet.language == "mermaid")
        .collect();
    let diagrams = diagrams();
    assert_eq!(drawn.len(), diagrams.len());
    for (name, text) in diagrams {
        let mark = format!("<!-- diagram: {name} -->");
        let shown = drawn.iter().find(|snippet| snippet.mark == mark);
        let shown = shown.unwrap_or_else(|| panic!("no page shows {name}"));
        assert_eq!(shown.text, text, "{name}: run .ci/diagrams");
    }
}

#[test]
fn the_states_are_those_of_the_code() {
    let text = fs::read_to_string(folder().join("states.mmd")).unwrap();
    let mut drawn = BTreeSet::new();
    for line in text.lines().filter(|line| line.contains("-->")) {
        let (from, rest) = line.split_once("-->").unwrap();
        let to = rest.split(':').next().unwrap();
        drawn.extend([from.trim(), to.trim()]);
    }
    drawn.remove("[*]");
    let states = [
        KeyState::Absent,
        KeyState::Pending,
        KeyState::Completed,
        KeyState::NotKept(NotKept::Stream),
    ];
    assert_eq!(drawn, states.map(KeyState::as_str).into());
    // The page tells the rest.
    let page = include_str!("../../guide/how-it-works.md");
    for state in states.into_iter().chain([KeyState::Unreadable]) {
        assert!(page.contains(&format!("`{}`", state.as_str())));
    }
}
