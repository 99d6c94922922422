//! Header fields: one that may be written in several ways, and one that makes another request.

use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Refused, Stage},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "fingerprint/charset",
        "19",
        "A charset parameter that says UTF-8 does not matter on JSON.",
        "RFC 8259, section 11",
        |stage| Box::pin(charset(stage)),
    )
    .needs(&[Need::Json]),
    Scenario::new(
        "fingerprint/content-encoding",
        "19",
        "The same bytes with another Content-Encoding are another request.",
        "RFC 9110, section 8.4",
        |stage| Box::pin(content_encoding(stage)),
    ),
];

async fn charset(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let content_type = &call.operation().content_type;
    let spellings = [
        content_type.clone(),
        format!("{content_type}; charset=utf-8"),
        format!("{content_type};charset=UTF-8"),
        format!("{content_type}; Charset=\"utf-8\""),
    ];
    let sent = |spelling: &str, key: &str| {
        let request = call.request().set_header("content-type", spelling);
        stage.keyed(request, key)
    };
    // Whichever comes first, the others are its retries.
    for first in [&spellings[0], &spellings[1]] {
        let key = stage.key();
        let original = stage.send(&sent(first, &key)).await?;
        stage.fresh(&call, &original)?;
        for spelling in &spellings {
            stage.replayed(&sent(spelling, &key), &original).await?;
        }
    }
    stage.effects(&call, 2).await
}

async fn content_encoding(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    for coding in ["gzip", "br"] {
        let request = call.request().set_header("content-encoding", coding);
        let answer = stage.send(&stage.keyed(request, &key)).await?;
        // A server that decodes payloads finds out by itself that these bytes are not encoded.
        let is_unreadable = matches!(answer.status, 400 | 415) && !stage.is_marked(&answer);
        match stage.is_refusal(&answer, Refused::Mismatch) {
            Err(failure) if !is_unreadable => return Err(failure),
            _ => {}
        }
    }
    stage.retry(&call, &key, &original).await?;
    stage.effects(&call, 1).await
}
