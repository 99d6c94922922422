//! The repository's pages, as far as the tests read them.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A page of Markdown.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) links: Vec<String>,
    /// The links whose words are code, with these words, and those with a title, with that.
    pub(crate) named_links: Vec<(String, String)>,
    pub(crate) anchors: Vec<String>,
    pub(crate) snippets: Vec<Snippet>,
}

/// A fenced code block, and the comment right before it.
pub(crate) struct Snippet {
    pub(crate) language: String,
    pub(crate) mark: String,
    pub(crate) text: String,
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().unwrap()
}

/// Every page at the root, beside the market's code and in the crates, and under `docs` however deep.
pub(crate) fn all() -> Vec<Page> {
    let mut paths = entries(&root());
    paths.extend(entries(&root().join("examples/goat-api")));
    let crates = entries(&root().join("crates"));
    paths.extend(crates.iter().flat_map(|folder| entries(folder)));
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        let inside = entries(&folder);
        folders.extend(inside.iter().filter(|path| path.is_dir()).cloned());
        paths.extend(inside);
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    assert!(paths.len() >= 18, "only {} pages were found", paths.len());
    paths.into_iter().map(Page::read).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

impl Page {
    pub(crate) fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        Self::parse(path, &text)
    }

    pub(crate) fn parse(path: PathBuf, text: &str) -> Self {
        let mut page = Self {
            path,
            links: Vec::new(),
            named_links: Vec::new(),
            anchors: Vec::new(),
            snippets: Vec::new(),
        };
        let mut slugs = Slugs::default();
        let (mut mark, mut heading, mut snippet) = (String::new(), None, None);
        let mut link: Option<String> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            if let (Event::Code(name), Some(link)) = (&event, &link) {
                page.named_links.push((name.to_string(), link.clone()));
            }
            match event {
                Event::Start(
                    Tag::Link {
                        dest_url, title, ..
                    }
                    | Tag::Image {
                        dest_url, title, ..
                    },
                ) => {
                    if !title.is_empty() {
                        let named = (title.to_string(), dest_url.to_string());
                        page.named_links.push(named);
                    }
                    link = Some(dest_url.to_string());
                    page.links.push(dest_url.into_string());
                }
                Event::End(TagEnd::Link) => link = None,
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.push(slugs.of(&heading.take().unwrap()));
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.into_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    let (mark, text) = (std::mem::take(&mut mark), String::new());
                    snippet = Some(Snippet {
                        language,
                        mark,
                        text,
                    });
                }
                Event::End(TagEnd::CodeBlock) => page.snippets.push(snippet.take().unwrap()),
                Event::Start(Tag::HtmlBlock) => mark.clear(),
                Event::Html(html) => mark.push_str(html.trim()),
                Event::End(TagEnd::HtmlBlock) => {}
                Event::Text(text) | Event::Code(text) => {
                    for open in heading
                        .iter_mut()
                        .chain(snippet.as_mut().map(|open| &mut open.text))
                    {
                        open.push_str(&text);
                    }
                    mark.clear();
                }
                _ => {}
            }
        }
        page
    }

    /// The files that the page links to.
    pub(crate) fn targets(&self) -> Vec<PathBuf> {
        let folder = self.path.parent().unwrap();
        let paths = self
            .links
            .iter()
            .map(|link| link.split('#').next().unwrap());
        paths
            .filter(|path| !path.is_empty())
            .filter_map(|path| folder.join(path).canonicalize().ok())
            .collect()
    }

    /// The page's name in failures.
    pub(crate) fn name(&self) -> String {
        let path = self.path.strip_prefix(root()).unwrap_or(&self.path);
        path.display().to_string()
    }
}

/// The anchors that GitHub gives headings.
#[derive(Default)]
struct Slugs(HashMap<String, usize>);

impl Slugs {
    fn of(&mut self, heading: &str) -> String {
        let kept =
            |character: &char| character.is_alphanumeric() || [' ', '-', '_'].contains(character);
        let slug: String = heading.trim().to_lowercase().chars().filter(kept).collect();
        let slug = slug.replace(' ', "-");
        let earlier = self.0.entry(slug.clone()).or_default();
        *earlier += 1;
        match *earlier {
            1 => slug,
            more => format!("{slug}-{}", more - 1),
        }
    }
}

#[test]
fn headings_have_the_anchors_that_github_gives_them() {
    let text = "# Try it\n## `Retry-After`, and 2 MiB?\n## What it *is*\n## Try it\n";
    let page = Page::parse(PathBuf::new(), text);
    let expected = ["try-it", "retry-after-and-2-mib", "what-it-is", "try-it-1"];
    assert_eq!(page.anchors, expected);
}
