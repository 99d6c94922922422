//! One key, one request.

use super::{ENFORCEMENT, IDEM, UNIQUENESS};
use crate::{
    scenario::Scenario,
    stage::{Check, Failure, Refused, Stage},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "fingerprint/same-bytes",
        "12",
        "The same request again is answered with the first one's answer.",
        ENFORCEMENT,
        |stage| Box::pin(same_bytes(stage)),
    ),
    Scenario::new(
        "fingerprint/other-payload",
        "14",
        "Another payload under a key that was used is refused.",
        UNIQUENESS,
        |stage| Box::pin(other_payload(stage)),
    ),
    Scenario::new(
        "fingerprint/other-key",
        "25",
        "The same payload under another key runs.",
        ENFORCEMENT,
        |stage| Box::pin(other_key(stage)),
    ),
    Scenario::new(
        "fingerprint/reveals-nothing",
        "24",
        "A mismatch tells nothing of the first request or its answer.",
        IDEM,
        |stage| Box::pin(reveals_nothing(stage)),
    ),
];

async fn same_bytes(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    stage.retry(&call, &key, &original).await?;
    stage.effects(&call, 1).await
}

async fn other_payload(stage: &Stage) -> Check {
    let (call, other) = (stage.operation().await?, stage.operation().await?);
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    let request = stage.keyed(other.request(), &key);
    stage.refused(&request, Refused::Mismatch).await?;
    stage.retry(&call, &key, &original).await?;
    // What was refused is still refused: it has not taken the record's place.
    stage.refused(&request, Refused::Mismatch).await?;
    stage.effects(&call, 1).await?;
    stage.effects(&other, 0).await
}

async fn other_key(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    for _ in 0..2 {
        let key = stage.key();
        let original = stage.original(&call, &key).await?;
        stage.retry(&call, &key, &original).await?;
    }
    stage.effects(&call, 2).await
}

async fn reveals_nothing(stage: &Stage) -> Check {
    let (call, other) = (stage.operation().await?, stage.operation().await?);
    let key = stage.key();
    let original = stage.original(&call, &key).await?;
    let request = stage.keyed(other.request(), &key);
    let refusal = stage.refused(&request, Refused::Mismatch).await?;
    let mut shown = String::from_utf8_lossy(&refusal.body).into_owned();
    for (_, value) in &refusal.headers {
        shown.push_str(&String::from_utf8_lossy(value));
    }
    let body = String::from_utf8_lossy(&original.body).into_owned();
    let location = original.text_of("location").unwrap_or_default();
    for secret in [call.unique(), body.trim(), &location] {
        if secret.len() > 4 && shown.contains(secret) {
            let problem =
                format!("the refusal shows what belongs to the first request: {secret:?}");
            return Err(Failure::at(&refusal, problem));
        }
    }
    Ok(())
}
