//! A script of known outcomes gives exactly those counts.

use std::collections::BTreeMap;

use reqwest::{Client, Method};

use crate::FRAMEWORK;
use crate::operator::{
    Held, Series, hang_up, heidi, of, order_of, post, post_later, post_part, post_raw, scrape,
    text, until,
};
use crate::program::{Program, goat_with_milk, in_memory};

/// What a count should be, by the values of its labels.
fn counts(expected: &[(&str, f64)]) -> Series {
    let expected = expected.iter();
    expected
        .map(|(labels, count)| ((*labels).to_owned(), *count))
        .collect()
}

/// Requests by method, route, status and outcome, without those for the metrics.
fn requests(series: &Series) -> BTreeMap<String, f64> {
    let all = of(series, "http_requests_total").into_iter();
    let labels = all.map(|(labels, count)| {
        let values: Vec<_> = labels.split('"').skip(1).step_by(2).collect();
        (values.join(" "), count)
    });
    labels
        .filter(|(labels, _)| !labels.contains("/metrics"))
        .collect()
}

/// What has counted, of a metric whose counters begin at zero.
fn counted(series: &Series, metric: &str) -> Series {
    let mut all = of(series, metric);
    all.retain(|_, count| *count != 0.0);
    all
}

fn calls(series: &Series) -> Series {
    of(series, "idempotency_store_call_duration_seconds_count")
}

const EXECUTED: &str = r#"idempotency_requests_total{outcome="execute"}"#;

#[tokio::test]
async fn a_script_of_known_outcomes_gives_exactly_those_counts() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let program = Program::spawn(&mut in_memory(&database));
    let goat = goat_with_milk(&program).await;
    let (milk, cheese) = (order_of(&goat, "Milk"), order_of(&goat, "Cheese"));
    let (heidi, other) = (heidi(), heidi().replace("Heidi", "Clara"));
    let key = |key: &'static str| [("idempotency-key", key)];
    let send = async |path: &str, headers: &[(&str, &str)], body: &str, status: u16| {
        let answer = post(&program, path, headers, body).await;
        assert_eq!(answer.status(), status, "{path} {headers:?} {body}");
    };

    // Executed 3, replayed 4, mismatch 2, other caller 1.
    for name in ["g-1", "g-2", "g-3"] {
        send("/goats", &[("idempotency-key", name)], &heidi, 201).await;
    }
    for _ in 0..4 {
        send("/goats", &key("g-1"), &heidi, 201).await;
    }
    for _ in 0..2 {
        send("/goats", &key("g-1"), &other, 400).await;
    }
    let stranger = [("idempotency-key", "g-1"), ("authorization", "Bearer x")];
    send("/goats", &stranger, &heidi, 400).await;
    // Failed and not saved 2: the same key, executed twice.
    for _ in 0..2 {
        send("/orders", &key("failing"), &cheese, 400).await;
    }
    // Malformed keys 3, and no key 1.
    send("/orders", &key("a,b"), &milk, 400).await;
    send("/orders", &key("\"open"), &milk, 400).await;
    let two = [("idempotency-key", "a"), ("idempotency-key", "b")];
    send("/orders", &two, &milk, 400).await;
    send("/orders", &[], &milk, 201).await;
    // In progress 2, while the original waits for the database.
    let held = Held::hold(&database).await;
    let original = post_later(&program, "/orders", &key("o-1"), &milk);
    until(&program, EXECUTED, 6.0).await;
    for _ in 0..2 {
        send("/orders", &key("o-1"), &milk, 202).await;
    }
    held.let_go().await;
    assert_eq!(original.await.unwrap(), 201);
    // Hung up and handed over 1, which a retry finds.
    let held = Held::hold(&database).await;
    let client = post_raw(&program, "/orders", &key("o-2"), &milk);
    until(&program, EXECUTED, 7.0).await;
    let under_way = scrape(&program).await["idempotency_executions_under_way"];
    hang_up(client);
    until(&program, "idempotency_handed_over_total", 1.0).await;
    held.let_go().await;
    let recorded = r#"idempotency_executions_total{end="recorded"}"#;
    until(&program, recorded, 5.0).await;
    send("/orders", &key("o-2"), &milk, 201).await;
    // What idempotency has nothing to do with.
    for (method, path, status) in [
        (Method::GET, "/goats", 200),
        (Method::GET, "/orders/nothing", 404),
        (Method::GET, "/nothing/at/all", 404),
        (Method::from_bytes(b"BREW").unwrap(), "/goats", 405),
    ] {
        let request = Client::new().request(method, format!("{}{path}", program.base));
        assert_eq!(request.send().await.unwrap().status(), status);
    }

    let series = scrape(&program).await;
    assert_eq!(
        requests(&series),
        counts(&[
            ("POST /goats 201 none", 1.0),
            ("POST /goats/{goat_id}/catalog 204 none", 1.0),
            ("POST /goats 201 execute", 3.0),
            ("POST /goats 201 replay", 4.0),
            ("POST /goats 400 mismatch", 2.0),
            ("POST /goats 400 other_caller", 1.0),
            ("POST /orders 400 execute", 2.0),
            ("POST /orders 400 key_invalid", 3.0),
            ("POST /orders 201 none", 1.0),
            ("POST /orders 201 execute", 1.0),
            ("POST /orders 202 in_progress", 2.0),
            ("POST /orders 499 execute", 1.0),
            ("POST /orders 201 replay", 1.0),
            ("GET /goats 200 none", 1.0),
            ("GET /orders/{order_id} 404 none", 1.0),
            ("GET unmatched 404 none", 1.0),
            ("other /goats 405 none", 1.0),
        ])
    );
    assert_eq!(
        counted(&series, "idempotency_requests_total"),
        counts(&[
            (r#"{outcome="execute"}"#, 7.0),
            (r#"{outcome="replay"}"#, 5.0),
            (r#"{outcome="mismatch"}"#, 2.0),
            (r#"{outcome="other_caller"}"#, 1.0),
            (r#"{outcome="in_progress"}"#, 2.0),
        ])
    );
    assert_eq!(
        counted(&series, "idempotency_executions_total"),
        counts(&[(r#"{end="recorded"}"#, 5.0), (r#"{end="freed"}"#, 2.0)])
    );
    assert_eq!(
        counted(&series, "idempotency_handed_over_total"),
        counts(&[("", 1.0)])
    );
    assert_eq!(
        calls(&series),
        counts(&[
            (r#"{operation="claim",result="ok"}"#, 17.0),
            (r#"{operation="complete",result="ok"}"#, 5.0),
            (r#"{operation="release",result="ok"}"#, 2.0),
        ])
    );
    for nothing in [
        "idempotency_lost_leases_total",
        "idempotency_renewals_total",
        "idempotency_unrecorded_total",
    ] {
        assert!(!of(&series, nothing).is_empty(), "{nothing} begins at zero");
        assert_eq!(counted(&series, nothing), Series::new());
    }
    // Every request that was counted was timed, but for the one that is being answered.
    let timed = of(&series, "http_request_duration_seconds_count");
    let counted = of(&series, "http_requests_total");
    assert_eq!(timed.values().sum::<f64>(), counted.values().sum::<f64>());
    assert_eq!(under_way, 1.0);
    let gauge = |name: &str| series[name];
    assert_eq!(gauge("idempotency_executions_under_way"), 0.0);
    assert_eq!(gauge("http_requests_in_flight"), 1.0);
    assert_eq!(gauge("idempotency_memory_store_records"), 5.0);
    assert!(gauge("idempotency_memory_store_bytes") > 5.0 * 100.0);
    let build = of(&series, "goat_api_build_info");
    let (labels, one) = build.first_key_value().unwrap();
    assert!(
        labels.contains(&format!("framework=\"{FRAMEWORK}\"")),
        "{labels}"
    );
    assert!(
        labels.contains("store=\"memory\"") && *one == 1.0,
        "{labels}"
    );
}

#[tokio::test]
async fn each_metric_says_what_it_means() {
    let directory = tempfile::tempdir().unwrap();
    let program = Program::start(&directory.path().join("goats.db"));
    let headers = [("idempotency-key", "k")];
    assert_eq!(
        post(&program, "/goats", &headers, &heidi()).await.status(),
        201
    );
    let answer = reqwest::get(format!("{}/metrics", program.base))
        .await
        .unwrap();
    let content_type = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
    let text = text(&program, "/metrics").await;
    let named = |what: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(what));
        let name = |rest: &str| rest.split(' ').next().unwrap().to_owned();
        lines.map(name).collect()
    };
    let typed = named("# TYPE ");
    assert!(typed.len() >= 9, "{typed:?}");
    for name in typed {
        assert!(named("# HELP ").contains(&name), "{name} has no help");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_one_499_and_nothing_in_flight() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("goats.db");
    let program = Program::spawn(&mut in_memory(&database));
    let goat = goat_with_milk(&program).await;
    let (catalog, milk) = (format!("/goats/{goat}/catalog"), order_of(&goat, "Milk"));
    let offer = r#"{"name":"Cheese","description":"","price":1}"#;
    let key = [("Idempotency-Key", "k")];
    let in_flight = "http_requests_in_flight";

    // While its upload is under way.
    let uploads = [("/orders", &key[..]), ("/orders", &[]), (&catalog, &[])];
    for (path, headers) in uploads {
        let client = post_part(&program, path, headers);
        until(&program, in_flight, 2.0).await;
        hang_up(client);
        until(&program, in_flight, 1.0).await;
    }
    // While it waits for what is done under no key, and under one by its original and by a duplicate.
    let held = Held::hold(&database).await;
    let waiting = [
        post_raw(&program, &catalog, &[], offer),
        post_raw(&program, "/orders", &[], &milk),
        post_raw(&program, "/orders", &key, &milk),
    ];
    until(&program, in_flight, 4.0).await;
    until(&program, EXECUTED, 1.0).await;
    waiting.into_iter().for_each(hang_up);
    until(&program, in_flight, 1.0).await;
    // It goes on for whoever comes again.
    until(&program, "idempotency_handed_over_total", 1.0).await;
    until(&program, "idempotency_executions_under_way", 1.0).await;
    held.let_go().await;
    until(&program, "idempotency_executions_under_way", 0.0).await;

    let series = scrape(&program).await;
    let mut requests = requests(&series);
    requests.retain(|labels, _| labels.contains(" 499 ") || labels.contains("/orders"));
    assert_eq!(
        requests,
        counts(&[
            ("POST /orders 499 none", 3.0),
            ("POST /orders 499 execute", 1.0),
            ("POST /goats/{goat_id}/catalog 499 none", 2.0),
        ])
    );
    assert_eq!(
        counted(&series, "idempotency_executions_total"),
        counts(&[(r#"{end="recorded"}"#, 1.0)])
    );
}
