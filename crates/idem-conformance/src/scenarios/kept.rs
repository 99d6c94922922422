//! What is not kept of an operation that succeeded, and for how long what is.

use std::time::{Duration, Instant};

use super::{EXPIRY, IDEM};
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Call, Check, Failure, Refused, Stage},
};

/// The first bytes of a stream take no longer, unless the server holds them back.
const AT_ONCE: Duration = Duration::from_secs(3);

/// How long after its retention a record may still be found.
const GRACE: Duration = Duration::from_millis(250);

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "outcomes/event-stream",
        "47",
        "A stream of events is not kept: its retry gets \"not kept\", and nothing runs again.",
        IDEM,
        |stage| Box::pin(event_stream(stage)),
    )
    .needs(&[Need::Probe("event_stream")]),
    Scenario::new(
        "outcomes/endless-stream",
        "90",
        "A stream that never ends flows to its client, and its retry gets \"not kept\".",
        IDEM,
        |stage| Box::pin(endless_stream(stage)),
    )
    .needs(&[Need::Probe("endless_stream")])
    .concurrent(),
    Scenario::new(
        "outcomes/large-response",
        "47",
        "A response over the limit reaches its client whole, and its retry gets \"not kept\".",
        IDEM,
        |stage| Box::pin(not_kept(stage, "large_response")),
    )
    .needs(&[Need::Probe("large_response")]),
    Scenario::new(
        "outcomes/retention",
        "55",
        "An answer is replayed for as long as the retention, and the request runs again after it.",
        EXPIRY,
        |stage| Box::pin(retention(stage)),
    )
    .needs(&[
        Need::Probe("short_lived"),
        Need::ShortRetention,
        Need::MarkerOrEffects("short_lived"),
    ]),
];

async fn event_stream(stage: &Stage) -> Check {
    let call = stage.probe("event_stream").await?;
    let answer = stage.original(&call, &stage.key()).await?;
    let content_type = answer.text_of("content-type").unwrap_or_default();
    if !content_type.starts_with("text/event-stream") {
        let problem = "the probe must answer with text/event-stream (probes.event_stream)";
        return Err(Failure::at(&answer, problem));
    }
    not_kept(stage, "event_stream").await
}

async fn endless_stream(stage: &Stage) -> Check {
    let call = stage.probe("endless_stream").await?;
    let request = stage.keyed(call.request(), &stage.key());
    let (first, open) = stage
        .open(&request, AT_ONCE)
        .await
        .map_err(|late| Failure {
            problem: format!(
                "the stream must bring its first bytes at once: {}",
                late.problem
            ),
            ..late
        })?;
    stage.fresh(&call, &first)?;
    if first.body.is_empty() {
        let problem = "the stream must bring its first bytes, and is over without any \
                       (probes.endless_stream must name one that never ends)";
        return Err(Failure::at(&first, problem));
    }
    stage.refused(&request, Refused::NotKept).await?;
    drop(open);
    // The same once the client has hung up.
    stage.refused(&request, Refused::NotKept).await?;
    stage.effects(&call, 1).await
}

async fn not_kept(stage: &Stage, probe: &str) -> Check {
    let call = stage.probe(probe).await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    if original.body.is_empty() {
        return Err(Failure::at(
            &original,
            "the first client must get the whole body, and got none",
        ));
    }
    for _ in 0..2 {
        stage
            .refused(&stage.keyed(call.request(), &key), Refused::NotKept)
            .await?;
    }
    stage.effects(&call, 1).await
}

async fn retention(stage: &Stage) -> Check {
    let retention = stage.profile().api.limits.short_retention_ms;
    let retention = Duration::from_millis(retention.unwrap_or_default());
    let call = stage.probe("short_lived").await?;
    let key = stage.key();
    let sent = Instant::now();
    let original = stage.original(&call, &key).await?;
    let answered = Instant::now();
    replayed_in_time(stage, &call, &key, &original, sent + retention).await?;
    tokio::time::sleep_until((answered + retention + GRACE).into()).await;
    stage.original(&call, &key).await?;
    stage.effects(&call, 2).await
}

/// The retry is replayed, unless the retention was over before its answer came.
async fn replayed_in_time(
    stage: &Stage,
    call: &Call<'_>,
    key: &str,
    original: &crate::wire::Answer,
    end: Instant,
) -> Check {
    let replay = stage.retry(call, key, original).await.map(drop);
    if Instant::now() < end { replay } else { Ok(()) }
}
