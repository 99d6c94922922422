//! The profiles that the documentation shows are profiles.

use idem_conformance::Profile;

const PAGE: &str = include_str!("../../../../docs/conformance.md");

/// The TOML after a mark.
fn example(mark: &str) -> &'static str {
    let (_, rest) = PAGE
        .split_once(&format!("<!-- profile: {mark} -->\n```toml\n"))
        .unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn its_examples_are_valid_profiles() {
    for mark in ["smallest", "complete"] {
        let profile = Profile::from_toml(example(mark));
        assert!(profile.is_ok(), "{mark}: {profile:?}");
    }
}
