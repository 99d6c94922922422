//! Header values that are not keys.

use super::{IDEM, SYNTAX, key::key_of_length};
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Failure, Refused, Stage},
    wire::{Framing, Request},
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "key/blank",
        "3",
        "A header that is there, and empty or blank, is no key: the request is refused.",
        SYNTAX,
        |stage| Box::pin(invalid(stage, &["", " ", "\t "])),
    ),
    Scenario::new(
        "key/empty-string",
        "4",
        "An empty string in quotes is no key.",
        IDEM,
        |stage| Box::pin(invalid(stage, &["\"\""])),
    )
    .needs(&[Need::Quotes]),
    Scenario::new(
        "key/malformed",
        "7",
        "A quote that is not closed, junk after it and a wrong escape are refused.",
        SYNTAX,
        |stage| {
            Box::pin(invalid(
                stage,
                &["\"k", "\"k\"junk", "\"k\" \"l\"", r#""k\x""#],
            ))
        },
    )
    .needs(&[Need::Quotes]),
    Scenario::new(
        "key/list",
        "9",
        "A list of keys in one line is refused.",
        SYNTAX,
        |stage| Box::pin(invalid(stage, &["k, l", "k,l"])),
    )
    .needs(&[Need::Quotes]),
    Scenario::new(
        "key/two-lines",
        "9",
        "Two lines of the header are refused, whether they are the same or not.",
        SYNTAX,
        |stage| Box::pin(two_lines(stage)),
    ),
    Scenario::new(
        "key/too-long",
        "10",
        "A key over the longest length is refused.",
        IDEM,
        |stage| Box::pin(too_long(stage)),
    ),
    Scenario::new(
        "key/bytes",
        "8",
        "A key with control characters or bytes beyond ASCII is refused, by the library or the server.",
        "RFC 9110, section 5.5; RFC 8941, section 3.3.3",
        |stage| Box::pin(bytes(stage)),
    ),
];

/// Each value, on an operation that works, is refused and executes nothing.
async fn invalid(stage: &Stage, values: &[&str]) -> Check {
    for value in values {
        let call = stage.operation().await?;
        let request = stage.with_key_line(call.request(), *value);
        stage.refused(&request, Refused::KeyInvalid).await?;
        stage.effects(&call, 0).await?;
        stage.original(&call, &stage.key()).await?;
    }
    Ok(())
}

async fn two_lines(stage: &Stage) -> Check {
    let (key, other) = (stage.key(), stage.key());
    for second in [&key, &other] {
        let call = stage.operation().await?;
        let request = stage.keyed(stage.keyed(call.request(), &key), second);
        stage.refused(&request, Refused::KeyInvalid).await?;
        stage.effects(&call, 0).await?;
        stage.original(&call, &stage.key()).await?;
    }
    Ok(())
}

async fn too_long(stage: &Stage) -> Check {
    let longest = stage.profile().conventions.key.longest;
    for length in [longest + 1, 10 * 1024] {
        let call = stage.operation().await?;
        let request = stage.keyed(call.request(), &key_of_length(stage, length));
        let answer = stage.send(&request).await?;
        // A server may have a limit of its own for what a head holds (RFC 6585, section 5).
        if answer.status != 431 {
            stage.is_refusal(&answer, Refused::KeyInvalid)?;
        }
        stage.effects(&call, 0).await?;
        stage.original(&call, &stage.key()).await?;
    }
    Ok(())
}

async fn bytes(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let answer = stage
        .send_raw(&stage.keyed(call.request(), &stage.key()), Framing::Length)
        .await?;
    stage.fresh(&call, &answer)?;
    let values: [&[u8]; 7] = [
        b"k\xc3\xa9y",
        b"k\x00y",
        b"k\ry",
        b"k\ny",
        b"k\x01y",
        b"k\x7fy",
        b"\"k\xffy\"",
    ];
    for value in values {
        let call = stage.operation().await?;
        refused_or_closed(stage, &stage.with_key_line(call.request(), value)).await?;
        stage.effects(&call, 0).await?;
    }
    Ok(())
}

async fn refused_or_closed(stage: &Stage, request: &Request) -> Check {
    match stage.send_unwelcome(request).await? {
        Some(answer) if !(400..500).contains(&answer.status) => {
            let problem = format!(
                "a key with bytes that belong in none must be refused with a status from 400 to 499, \
                 and was answered {}",
                answer.status
            );
            Err(Failure::at(&answer, problem))
        }
        _ => Ok(()),
    }
}
