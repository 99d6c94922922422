//! Payloads under one key: told for the same, or for another.

use super::{FINGERPRINT, IDEM};
use crate::{
    json::Json,
    need::Need,
    scenario::Scenario,
    stage::{Call, Check, Failure, Refused, Stage},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "fingerprint/not-text",
        "18",
        "Bytes that are not text are another payload, and harm no record.",
        IDEM,
        |stage| Box::pin(not_text(stage)),
    )
    .needs(&[Need::Json]),
    Scenario::new(
        "fingerprint/not-text-replays",
        "18",
        "Where an operation takes bytes that are not text, they are replayed like any others.",
        IDEM,
        |stage| Box::pin(not_text_replays(stage)),
    )
    .needs(&[Need::Probe("any_body"), Need::MarkerOrEffects("any_body")]),
    Scenario::new(
        "fingerprint/media-type",
        "19",
        "What is not JSON is compared by its bytes and its content type.",
        IDEM,
        |stage| Box::pin(media_type(stage)),
    )
    .needs(&[Need::Probe("any_body"), Need::MarkerOrEffects("any_body")]),
    Scenario::new(
        "fingerprint/empty-payloads",
        "20",
        "No body, {} and null are three payloads, and each is replayed.",
        IDEM,
        |stage| Box::pin(empty_payloads(stage)),
    )
    .needs(&[Need::Probe("any_body"), Need::MarkerOrEffects("any_body")]),
    Scenario::new(
        "fingerprint/excluded-member",
        "21",
        "A member that is left out of the comparison may change, and one that counts may not.",
        FINGERPRINT,
        |stage| Box::pin(excluded(stage)),
    )
    .needs(&[Need::Probe("excluded"), Need::MarkerOrEffects("excluded")]),
];

/// The first payload runs, and the second is answered as its replay.
pub(super) async fn same(
    stage: &Stage,
    call: &Call<'_>,
    first: impl Into<Vec<u8>>,
    second: impl Into<Vec<u8>>,
) -> Check {
    let key = stage.key();
    let answer = stage
        .send(&stage.keyed(call.request().body(first), &key))
        .await?;
    stage.fresh(call, &answer)?;
    stage
        .replayed(&stage.keyed(call.request().body(second), &key), &answer)
        .await?;
    stage.effects(call, 1).await
}

/// The first payload runs, the second is refused, and the first is replayed all the same.
pub(super) async fn another(
    stage: &Stage,
    call: &Call<'_>,
    first: impl Into<Vec<u8>>,
    second: impl Into<Vec<u8>>,
) -> Check {
    let key = stage.key();
    let first = stage.keyed(call.request().body(first), &key);
    let answer = stage.send(&first).await?;
    stage.fresh(call, &answer)?;
    let second = stage.keyed(call.request().body(second), &key);
    stage.refused(&second, Refused::Mismatch).await?;
    stage.replayed(&first, &answer).await?;
    stage.effects(call, 1).await
}

/// The operation's payload, which must be an object.
pub(super) fn object(call: &Call<'_>) -> Check<Json> {
    match Json::parse(&call.body()) {
        Some(object @ Json::Object(_)) => Ok(object),
        _ => Err(Failure::new(
            "the operation's body must be a JSON object, for it is to be changed (operation.body)",
        )),
    }
}

/// Payloads that are not text, not JSON, or cut off.
fn broken(body: &str) -> [Vec<u8>; 4] {
    [
        [body.as_bytes(), b"\xff"].concat(),
        br#""\ud800""#.to_vec(),
        body.as_bytes()[..body.len() - 1].to_vec(),
        [b"\xef\xbb\xbf", body.as_bytes()].concat(),
    ]
}

async fn not_text(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    for body in broken(&call.body()) {
        let request = stage.keyed(call.request().body(body), &key);
        stage.refused(&request, Refused::Mismatch).await?;
    }
    stage.retry(&call, &key, &original).await?;
    stage.effects(&call, 1).await
}

async fn not_text_replays(stage: &Stage) -> Check {
    for body in broken("{\"a\":\"b\"}") {
        let call = stage.probe("any_body").await?;
        same(stage, &call, body.clone(), body).await?;
    }
    Ok(())
}

async fn media_type(stage: &Stage) -> Check {
    let call = stage.probe("any_body").await?;
    let key = stage.key();
    let typed = |content_type: &str, body: &str| {
        let request = call.request().set_header("content-type", content_type);
        stage.keyed(request.body(body), &key)
    };
    let original = stage.send(&typed("text/plain", "{\"a\":1}")).await?;
    stage.fresh(&call, &original)?;
    for (content_type, body) in [
        ("text/plain", "{\"a\": 1}"),
        ("application/x-www-form-urlencoded", "{\"a\":1}"),
        ("application/octet-stream", "{\"a\":1}"),
    ] {
        stage
            .refused(&typed(content_type, body), Refused::Mismatch)
            .await?;
    }
    stage
        .replayed(&typed("text/plain", "{\"a\":1}"), &original)
        .await?;
    stage.effects(&call, 1).await
}

async fn empty_payloads(stage: &Stage) -> Check {
    for (first, others) in [
        ("", ["{}", "null"]),
        ("{}", ["null", ""]),
        ("null", ["", "{}"]),
    ] {
        for other in others {
            let call = stage.probe("any_body").await?;
            another(stage, &call, first, other).await?;
        }
    }
    Ok(())
}

async fn excluded(stage: &Stage) -> Check {
    let call = stage.probe("excluded").await?;
    let changed = call.clone().with("other", &stage.key());
    if call.body() == changed.body() {
        return Err(Failure::new(
            "the probe's body must hold {other} (probes.excluded.body)",
        ));
    }
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    stage.retry(&changed, &key, &original).await?;
    // A member that counts may not change.
    let another = stage.probe("excluded").await?;
    let request = stage.keyed(another.request(), &key);
    stage.refused(&request, Refused::Mismatch).await?;
    stage.effects(&call, 1).await
}
