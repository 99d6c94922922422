#![forbid(unsafe_code)]
//! The documentation as tests: each Rust snippet of the README and the guide is a doctest here.
