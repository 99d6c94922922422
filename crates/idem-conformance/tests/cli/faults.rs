//! Exit codes, and the line that says what was wrong and what would be right.

use std::net::TcpListener;

use crate::{
    axum_market,
    program::{File, market, run},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_passes_is_0_and_one_that_fails_is_1() {
    let profile = market();
    for (conventions, code) in [("reference", 0), ("ietf", 1)] {
        let url = axum_market::start(conventions).await;
        let only = "fingerprint/other-payload";
        let ran = run(&[
            "--base-url",
            &url,
            "--profile",
            profile.path(),
            "--scenario",
            only,
        ])
        .await;
        assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
        let summary = format!("{} passed, {code} failed, 0 not run", 1 - code);
        assert!(ran.out.contains(&summary), "{}", ran.out);
        assert!(
            !ran.out.contains('\u{1b}'),
            "no colours where there is no terminal"
        );
        assert_eq!(ran.err, "", "no progress where there is no terminal");
    }
}

#[tokio::test]
async fn a_filter_that_matches_nothing_is_2() {
    let ran = run(&["--base-url", "http://127.0.0.1:1", "--scenario", "goats"]).await;
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.err,
        "idem-conformance: no scenario's id contains goats; --list shows the ids\n"
    );
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_2() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let ran = run(&["--base-url", &format!("http://127.0.0.1:{port}")]).await;
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("cannot be reached") && ran.err.contains("start the server"),
        "{}",
        ran.err
    );
    assert_eq!(ran.err.lines().count(), 1);
}

#[tokio::test]
async fn a_profile_that_is_wrong_is_2_and_its_member_is_named() {
    for (profile, complaint) in [
        (
            "extends = \"reference\"\n[refusals]\nmismatch = \"no\"",
            "refusals.mismatch: invalid type",
        ),
        (
            "extends = \"reference\"\n[operation]\nroute = \"/\"",
            "unknown field `route`",
        ),
        (
            "extends = \"reference\"\n[operation]\npath = \"/\"",
            "operation.body: it must hold {unique}",
        ),
        ("extends = 1", "it can be one of reference, ietf, stripe"),
        ("]", "it is no TOML"),
    ] {
        let file = File::new(profile);
        let ran = run(&["--base-url", "http://127.0.0.1:1", "--profile", file.path()]).await;
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(complaint), "{profile}: {}", ran.err);
        assert!(ran.err.contains("is not valid"), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_command_line_that_is_wrong_is_2() {
    for (arguments, complaint) in [
        (&[][..], "--base-url is missing; give one such as"),
        (&["--base-url", "goats"], "does not start with http"),
        (
            &["--base-url", "http://goats", "--profile", "acme"],
            "there is no profile acme",
        ),
        (
            &["--base-url", "http://goats", "--timeout", "0s"],
            "give one such as 10s",
        ),
        (
            &["--base-url", "http://goats", "--timeout", "soon"],
            "give one such as 10s",
        ),
        (
            &["--base-url", "http://goats", "--header", "secret"],
            "'Name: value'",
        ),
        (&["--print-profile", "acme"], "there is no profile acme"),
    ] {
        let ran = run(arguments).await;
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.err.contains(complaint), "{arguments:?}: {}", ran.err);
        assert!(!ran.err.contains("secret"), "{}", ran.err);
    }
}
