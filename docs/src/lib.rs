#![forbid(unsafe_code)]
//! The documentation as tests: each Rust snippet of the README and the guide is a doctest here.

/// One module a page, so that a snippet that fails is named by its page and line.
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        /// The pages whose snippets are doctests, as paths from this file.
        pub const COMPILED: &[&str] = &[$($path),*];
        $(
            #[cfg(doctest)]
            #[doc = include_str!($path)]
            mod $name {}
        )*
    };
}

pages! {
    readme: "../../README.md",
    client: "../../crates/idem-client/README.md",
    idem_actix_readme: "../../crates/idem-actix/README.md",
    idem_axum_readme: "../../crates/idem-axum/README.md",
    idem_core_readme: "../../crates/idem-core/README.md",
    idem_dynamodb_readme: "../../crates/idem-dynamodb/README.md",
    idem_momento_readme: "../../crates/idem-momento/README.md",
    idem_redis_readme: "../../crates/idem-redis/README.md",
    idem_sqlx_readme: "../../crates/idem-sqlx/README.md",
    idem_store_tests_readme: "../../crates/idem-store-tests/README.md",
    conformance: "../conformance.md",
    comparison: "../comparison.md",
    guide: "../guide/README.md",
    cookbook: "../guide/cookbook.md",
    for_your_api: "../guide/for-your-api.md",
    keys: "../guide/keys.md",
    scopes: "../guide/scopes.md",
    profiles: "../guide/profiles.md",
    stores: "../guide/stores.md",
    exactly_once: "../guide/exactly-once.md",
    leases: "../guide/leases.md",
    layers: "../guide/layers.md",
    downstream: "../guide/downstream.md",
    workflows: "../guide/workflows.md",
    operating: "../guide/operating.md",
    deploy: "../guide/deploy.md",
    testing: "../guide/testing.md",
    migrating_from_axum_idempotent: "../guide/migrating-from-axum-idempotent.md",
    migrating_from_powertools: "../guide/migrating-from-powertools.md",
}
