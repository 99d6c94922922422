//! When two JSON payloads mean the same.

use super::{
    FINGERPRINT, IDEM,
    payload::{another, object, same},
};
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Check, Failure, Stage},
};

const NUMBERS: &str = "idem design; RFC 8259, section 6";
const STRINGS: &str = "RFC 8259, section 7; RFC 8785, section 3.2.2.2";

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "fingerprint/member-order",
        "13",
        "The order of an object's members does not matter.",
        "RFC 8785, section 3.2.3",
        |stage| Box::pin(member_order(stage)),
    )
    .needs(&[Need::Json]),
    Scenario::new(
        "fingerprint/white-space",
        "13",
        "White space between JSON tokens does not matter.",
        "RFC 8785, section 3.2.1",
        |stage| Box::pin(white_space(stage)),
    )
    .needs(&[Need::Json]),
    Scenario::new(
        "fingerprint/array-order",
        "14",
        "The order of an array's items matters.",
        FINGERPRINT,
        |stage| {
            Box::pin(differs(
                stage,
                &[("[1,2]", "[2,1]"), ("[[],{}]", "[{},[]]")],
            ))
        },
    )
    .needs(&[Need::UnknownMembers]),
    Scenario::new(
        "fingerprint/number-spelling",
        "15",
        "Numbers of one value are the same number: 1, 1.0, 1e0.",
        NUMBERS,
        |stage| {
            Box::pin(equals(
                stage,
                &[("1", "1.0"), ("1", "1e0"), ("10E-1", "1"), ("100", "1E+2")],
            ))
        },
    )
    .needs(&[Need::UnknownMembers]),
    Scenario::new(
        "fingerprint/number-precision",
        "15",
        "Numbers are compared exactly: 9007199254740993 is not 9007199254740992.",
        NUMBERS,
        |stage| {
            Box::pin(differs(
                stage,
                &[
                    ("9007199254740993", "9007199254740992"),
                    ("0.10000000000000000001", "0.1"),
                    ("1", "\"1\""),
                ],
            ))
        },
    )
    .needs(&[Need::UnknownMembers]),
    Scenario::new(
        "fingerprint/duplicate-members",
        "16",
        "A payload with a repeated member is never the one without it.",
        IDEM,
        |stage| Box::pin(duplicate_members(stage)),
    )
    .needs(&[Need::Json]),
    Scenario::new(
        "fingerprint/escapes",
        "17",
        "A character and its escape are the same text.",
        STRINGS,
        |stage| Box::pin(escapes(stage)),
    )
    .needs(&[Need::Json]),
    Scenario::new(
        "fingerprint/surrogates",
        "17",
        "An escaped surrogate pair and the character are the same text.",
        STRINGS,
        |stage| Box::pin(equals(stage, &[("\"\u{1f410}\"", r#""\ud83d\udc10""#)])),
    )
    .needs(&[Need::UnknownMembers]),
    Scenario::new(
        "fingerprint/no-normalisation",
        "17",
        "Text is not normalised: an é of one character is not one of two.",
        "RFC 8785, section 3.1",
        |stage| Box::pin(differs(stage, &[("\"\u{e9}\"", "\"e\u{301}\"")])),
    )
    .needs(&[Need::UnknownMembers]),
];

async fn member_order(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let mut object = object(&call)?;
    if call.operation().unknown_members {
        object = object.with_member("nested", r#"{"one":[{"a":1,"b":2}],"other":{"c":3,"d":4}}"#);
    }
    same(
        stage,
        &call,
        object.to_string(),
        object.reversed().to_string(),
    )
    .await
}

async fn white_space(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    same(stage, &call, call.body(), object(&call)?.spaced()).await
}

/// Each pair, as a member that the operation does not know, is the same.
async fn equals(stage: &Stage, pairs: &[(&str, &str)]) -> Check {
    for (first, second) in pairs {
        let call = stage.operation().await?;
        let with = |value| Ok(object(&call)?.with_member("extra", value).to_string());
        same(stage, &call, with(first)?, with(second)?).await?;
    }
    Ok(())
}

/// Each pair, as a member that the operation does not know, differs.
async fn differs(stage: &Stage, pairs: &[(&str, &str)]) -> Check {
    for (first, second) in pairs {
        let call = stage.operation().await?;
        let with = |value| Ok(object(&call)?.with_member("extra", value).to_string());
        another(stage, &call, with(first)?, with(second)?).await?;
    }
    Ok(())
}

async fn duplicate_members(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    let crate::json::Json::Object(mut members) = object(&call)? else {
        return Ok(());
    };
    let Some(first) = members.first().cloned() else {
        return Err(Failure::new(
            "the operation's body must have a member (operation.body)",
        ));
    };
    members.push(first);
    let repeated = crate::json::Json::Object(members);
    another(stage, &call, call.body(), repeated.to_string()).await
}

async fn escapes(stage: &Stage) -> Check {
    let call = stage.operation().await?;
    // The token stands within a text, and begins with this letter.
    let unique = call.unique();
    let escaped = call
        .body()
        .replacen(unique, &format!("\\u0075{}", &unique[1..]), 1);
    if escaped == call.body() {
        return Err(Failure::new(
            "the operation's body must hold {unique} in a text (operation.body)",
        ));
    }
    same(stage, &call, call.body(), escaped).await
}
