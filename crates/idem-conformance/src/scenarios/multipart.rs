//! Forms (`multipart/form-data`): compared by their parts.

use serde_json::{Map, Value};

use super::IDEM;
use crate::{
    need::Need,
    scenario::Scenario,
    stage::{Call, Check, Failure, Refused, Stage},
    wire::Request,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "fingerprint/multipart-boundary",
        "93",
        "A form that is sent again with another boundary is the same request.",
        IDEM,
        |stage| Box::pin(boundary(stage)),
    )
    .needs(&[Need::Probe("multipart"), Need::MarkerOrEffects("multipart")]),
    Scenario::new(
        "fingerprint/multipart-parts",
        "93",
        "A form with a part added, left out, renamed or changed is another request.",
        IDEM,
        |stage| Box::pin(parts(stage)),
    )
    .needs(&[Need::Probe("multipart"), Need::MarkerOrEffects("multipart")]),
];

/// One part: the parameters of its `Content-Disposition`, and its value.
type Part = (String, String);

/// The fields that the probe's body names.
fn fields(call: &Call<'_>) -> Check<Vec<Part>> {
    let members: Map<String, Value> = serde_json::from_str(&call.body()).map_err(|_| {
        Failure::new(
            "the probe's body must be a JSON object of form fields (probes.multipart.body)",
        )
    })?;
    let fields = members.into_iter().map(|(name, value)| match value {
        Value::String(text) => (named(&name), text),
        other => (named(&name), other.to_string()),
    });
    let fields: Vec<_> = fields.collect();
    if fields.is_empty() {
        return Err(Failure::new(
            "the probe's body must name at least one form field (probes.multipart.body)",
        ));
    }
    Ok(fields)
}

fn named(name: &str) -> String {
    format!("name=\"{name}\"")
}

fn body(parts: &[Part], boundary: &str) -> String {
    let parts = parts.iter().map(|(name, value)| {
        format!("--{boundary}\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n")
    });
    format!("{}--{boundary}--\r\n", parts.collect::<String>())
}

/// The form with a boundary, as most clients announce it.
fn form(call: &Call<'_>, parts: &[Part], boundary: &str) -> Request {
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let request = call.request().set_header("content-type", content_type);
    request.body(body(parts, boundary))
}

async fn boundary(stage: &Stage) -> Check {
    let call = stage.probe("multipart").await?;
    let fields = fields(&call)?;
    let key = stage.key();
    // Random for each request, as browsers and curl do it.
    let first = stage.keyed(form(&call, &fields, &stage.key()), &key);
    let original = stage.send(&first).await?;
    stage.fresh(&call, &original)?;
    let other = stage.key();
    let quoted = format!("Multipart/Form-Data; boundary=\"{other}\"");
    for request in [
        form(&call, &fields, &other),
        form(&call, &fields, &other).set_header("content-type", quoted),
    ] {
        let retry = stage.keyed(request, &key);
        stage.replayed(&retry, &original).await?;
    }
    stage.effects(&call, 1).await
}

async fn parts(stage: &Stage) -> Check {
    let call = stage.probe("multipart").await?;
    let first = fields(&call)?;
    let key = stage.key();
    // The boundary is also a value: a server that cuts the boundary out of the text loses the value.
    let original_form = stage.keyed(form(&call, &first, call.unique()), &key);
    let original = stage.send(&original_form).await?;
    stage.fresh(&call, &original)?;
    for others in changed(&first, call.unique()) {
        for boundary in [call.unique(), &stage.key()] {
            let request = stage.keyed(form(&call, &others, boundary), &key);
            stage.refused(&request, Refused::Mismatch).await?;
        }
    }
    // Without their boundaries in the text, these two forms are the same.
    let another = call.clone().with("unique", &stage.key());
    let request = form(&call, &fields(&another)?, another.unique());
    stage
        .refused(&stage.keyed(request, &key), Refused::Mismatch)
        .await?;
    stage.replayed(&original_form, &original).await?;
    stage.effects(&call, 1).await
}

/// Forms that differ from the first one in one part each.
fn changed(first: &[Part], unique: &str) -> Vec<Vec<Part>> {
    let (name, value) = &first[0];
    let with = |part: Part| [&[part], &first[1..]].concat();
    vec![
        first[1..].to_vec(),
        [first, &[(named("another"), unique.to_owned())]].concat(),
        [first, &first[..1]].concat(),
        with((named("renamed"), value.clone())),
        with((name.clone(), format!("{value}."))),
        with((format!("{name}; filename=\"a.txt\""), value.clone())),
    ]
}
