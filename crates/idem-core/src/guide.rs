//! The guide, as far as it is about this family of crates.
//!
//! Its pages are written for the repository, where `.ci/book` makes them a site with search. Here a link to a file that
//! this package lacks is its words alone.

#![doc = include_str!("../guide/README.md")]

macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        $(
            #[doc = include_str!($path)]
            pub mod $name {}
        )*
    };
}

pages! {
    cookbook: "../guide/cookbook.md",
    crashes: "../guide/crashes.md",
    deploy: "../guide/deploy.md",
    do_you_need_this: "../guide/do-you-need-this.md",
    downstream: "../guide/downstream.md",
    exactly_once: "../guide/exactly-once.md",
    for_your_api: "../guide/for-your-api.md",
    how_it_works: "../guide/how-it-works.md",
    keys: "../guide/keys.md",
    layers: "../guide/layers.md",
    leases: "../guide/leases.md",
    migrating_from_axum_idempotent: "../guide/migrating-from-axum-idempotent.md",
    migrating_from_powertools: "../guide/migrating-from-powertools.md",
    operating: "../guide/operating.md",
    profiles: "../guide/profiles.md",
    reference: "../guide/reference.md",
    scopes: "../guide/scopes.md",
    stores: "../guide/stores.md",
    testing: "../guide/testing.md",
    threat_model: "../guide/threat-model.md",
    troubleshooting: "../guide/troubleshooting.md",
    try_it: "../guide/try-it.md",
    tutorial: "../guide/tutorial.md",
    workflows: "../guide/workflows.md",
}
