//! The fingerprint against a plain reading of RFC 8259, and against payloads made to break it.

mod dice;
mod edit;
mod every_short_text;
mod fields;
mod golden;
mod layout;
mod neighbour;
mod oracle;
mod properties;
mod request;
mod scenarios;
mod sizes;
mod spelling;
mod trees;
