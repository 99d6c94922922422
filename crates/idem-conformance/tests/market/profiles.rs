//! The market's profile under each of the conventions.

use idem_conformance::Profile;

/// The market's operations with the conventions of a built-in profile.
pub(crate) fn profile(conventions: &str) -> Profile {
    let text = include_str!("market.toml");
    let text = text.replace("\"reference\"", &format!("\"{conventions}\""));
    Profile::named(conventions, &text).expect("the market's profile is valid")
}
