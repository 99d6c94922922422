//! A link that is named as a test leads to the file that has the test.

use std::fs;

use crate::page::{Page, all, root};

/// Pages whose claims have their tests beside them, and how many at least.
const PAGES: [(&str, usize); 2] = [
    ("docs/guide/crashes.md", 25),
    ("docs/guide/threat-model.md", 25),
];

/// Each test that a page names, and the file that it names for it.
fn named(page: &Page) -> impl Iterator<Item = (&str, &str)> {
    let links = page.named_links.iter();
    let links = links.map(|(name, link)| (name.as_str(), link.as_str()));
    links.filter(|(name, link)| link.ends_with(".rs") && is_test(name))
}

fn is_test(name: &str) -> bool {
    let is_part = |character: char| character.is_ascii_lowercase() || character == '_';
    name.contains('_')
        && name
            .chars()
            .all(|character| is_part(character) || character.is_numeric())
}

fn has_test(page: &Page, name: &str, link: &str) -> bool {
    let file = page.path.parent().unwrap().join(link);
    let code = fs::read_to_string(file).unwrap_or_default();
    // A case that many servers run has a type for each.
    ["(", "<"]
        .iter()
        .any(|end| code.contains(&format!("fn {name}{end}")))
}

#[test]
fn each_test_that_a_page_names_is_there() {
    let pages = all();
    for page in &pages {
        for (name, link) in named(page) {
            let is_there = has_test(page, name, link);
            assert!(is_there, "{}: {link} has no test {name}", page.name());
        }
    }
    for (path, least) in PAGES {
        let page = pages.iter().find(|page| page.name() == path).unwrap();
        let number = named(page).count();
        assert!(number >= least, "{path} names only {number} tests");
    }
}

#[test]
fn a_test_that_is_not_there_is_found() {
    let text = "[`a_test_that_is_not_there_is_found`](docs/tests/pages/evidence.rs) \
                [`another_one_that_nobody_wrote`](docs/tests/pages/evidence.rs)";
    let page = Page::parse(root().join("README.md"), text);
    let found: Vec<bool> = named(&page)
        .map(|(name, link)| has_test(&page, name, link))
        .collect();
    assert_eq!(found, [true, false]);
}
