//! Links within the repository lead somewhere.

use std::path::Path;

use crate::page::{Page, all, root};

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let pages = all();
    let broken: Vec<String> = pages
        .iter()
        .flat_map(|page| page.links.iter().map(move |link| (page, link)))
        .filter_map(|(page, link)| Some(format!("{}: {link}: {}", page.name(), wrong(page, link)?)))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let checked = pages
        .iter()
        .flat_map(|page| &page.links)
        .filter(|link| is_ours(link));
    assert!(checked.count() >= 80, "hardly any links were found");
}

#[test]
fn every_page_under_docs_is_in_the_table_of_contents_and_another_page_links_to_it() {
    let pages = all();
    let is_contents = |page: &Page| page.path.ends_with("docs/SUMMARY.md");
    let (contents, pages): (Vec<_>, Vec<_>) = pages.iter().partition(|page| is_contents(page));
    for page in &pages {
        let leads_here =
            |other: &&Page| other.path != page.path && other.targets().contains(&page.path);
        if page.path.starts_with(root().join("docs")) {
            let is_listed = contents.iter().any(leads_here);
            assert!(is_listed, "docs/SUMMARY.md lacks {}", page.name());
            let is_linked = pages.iter().any(leads_here);
            assert!(is_linked, "no page links to {}", page.name());
        }
    }
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text = "# Here\n[a](#here) [b](#there) [c](no-page.md) [d](README.md#nothing) ![e](no.svg) [f](../..)";
    let page = Page::parse(root().join("README.md"), text);
    let is_right = |link: &String| wrong(&page, link).is_none();
    let right: Vec<bool> = page.links.iter().map(is_right).collect();
    assert_eq!(right, [true, false, false, false, false, false]);
}

fn is_ours(link: &str) -> bool {
    !(link.starts_with("https://") || link.starts_with("http://"))
}

/// What is wrong with a link, if anything is.
fn wrong(page: &Page, link: &str) -> Option<&'static str> {
    if !is_ours(link) {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    if path.is_empty() {
        let is_there = page.anchors.iter().any(|own| own == anchor);
        return (!is_there).then_some("the page has no such heading");
    }
    let folder = page.path.parent().unwrap_or(Path::new(""));
    match folder.join(path).canonicalize() {
        Err(_) => Some("there is no such file"),
        Ok(target) if !target.starts_with(root()) => Some("it leaves the repository"),
        Ok(_) if anchor.is_empty() => None,
        Ok(target) if target.extension().is_none_or(|extension| extension != "md") => {
            Some("only pages have headings")
        }
        Ok(target) => {
            let is_there = Page::read(target)
                .anchors
                .iter()
                .any(|other| other == anchor);
            (!is_there).then_some("that page has no such heading")
        }
    }
}
