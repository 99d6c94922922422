//! The guide in the package of `idem-core`, which docs.rs shows as the module `guide`, is the guide.
//!
//! A package has only what is inside its folder, and rustdoc knows links between modules, not between files. So the
//! package has copies, whose links are rustdoc's. `UPDATE_DOCS=1` renews them.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use crate::page::root;

fn copies() -> PathBuf {
    root().join("crates/idem-core/guide")
}

/// Each page of the guide, as the package has it, by its file's name.
fn expected() -> BTreeMap<String, String> {
    let files = fs::read_dir(root().join("docs/guide")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let pages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            (name, packaged(&text))
        })
        .collect()
}

/// A page with rustdoc's links, and drawings in the place of diagrams.
fn packaged(text: &str) -> String {
    let mut lines = Vec::new();
    let mut source = text.lines();
    let mut is_code = false;
    while let Some(line) = source.next() {
        if let Some(name) = line.strip_prefix("<!-- diagram: ") {
            lines.push(drawing(name.trim_end_matches(" -->")));
            let is_fence = |line: &&str| *line == "```";
            source.by_ref().find(is_fence).unwrap();
            continue;
        }
        is_code ^= line.starts_with("```");
        lines.push(if is_code {
            line.to_owned()
        } else {
            with_links(line)
        });
    }
    lines.join("\n") + "\n"
}

fn drawing(name: &str) -> String {
    let path = root().join(format!("docs/diagrams/{name}.svg"));
    format!("<div>\n{}</div>", fs::read_to_string(path).unwrap())
}

/// A line whose links lead to modules, or are the words alone where they lead to a file that the package lacks.
fn with_links(line: &str) -> String {
    let mut written = String::new();
    let mut rest = line;
    while let Some(middle) = rest.find("](") {
        let Some(length) = rest[middle..].find(')') else {
            break;
        };
        let (before, target) = (&rest[..middle], &rest[middle + 2..middle + length]);
        let after = &rest[middle + length + 1..];
        // Where the words begin; pages have no brackets within them.
        let begin = before.rfind('[');
        // A title is a test's name, and leads to a file.
        let target = target.split(' ').next().unwrap_or_default();
        match module(target) {
            Some(target) => written.push_str(&format!("{before}]({target})")),
            None => {
                let begin =
                    begin.unwrap_or_else(|| panic!("put a link's words on one line: {line}"));
                written.push_str(&before[..begin]);
                written.push_str(&before[begin + 1..]);
            }
        }
        rest = after;
    }
    written + rest
}

/// Where a link leads in the package; `None` if its target is not in it.
fn module(target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with('#') {
        return Some(target.to_owned());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let page = path
        .strip_suffix(".md")
        .filter(|page| !page.contains('/'))?;
    let module = match page {
        "README" => "crate::guide".to_owned(),
        page => format!("crate::guide::{}", page.replace('-', "_")),
    };
    Some(match anchor {
        "" => module,
        anchor => format!("{module}#{anchor}"),
    })
}

#[test]
fn the_guide_in_the_package_is_the_guide() {
    let expected = expected();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(copies()).unwrap();
        for (name, text) in &expected {
            fs::write(copies().join(name), text).unwrap();
        }
    }
    for (name, text) in &expected {
        let copy = fs::read_to_string(copies().join(name)).unwrap_or_default();
        assert!(
            copy == *text,
            "crates/idem-core/guide/{name} is not docs/guide/{name}: run \
             UPDATE_DOCS=1 cargo test -p idem-docs --test pages packaged"
        );
    }
    assert_eq!(fs::read_dir(copies()).unwrap().count(), expected.len());
}

#[test]
fn each_page_of_the_guide_is_a_module() {
    const MODULES: &str = include_str!("../../../crates/idem-core/src/guide.rs");
    for name in expected().keys() {
        let is_included = MODULES.contains(&format!("\"../guide/{name}\""));
        assert!(is_included, "crates/idem-core/src/guide.rs lacks {name}");
    }
}

#[test]
fn links_become_those_of_rustdoc() {
    let line = "See [a](scopes.md#pitfalls), [b](../comparison.md), [c](https://example.org) and [`d`](#here).";
    let expected =
        "See [a](crate::guide::scopes#pitfalls), b, [c](https://example.org) and [`d`](#here).";
    assert_eq!(with_links(line), expected);
}
