//! The library's refusals as responses, as it words them itself.

use std::time::Duration;

use idem_core::{Headers, InvalidKey, Policy, Profile, Refusal, adapter};
use utoipa::openapi::content::Content;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Components, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Response};
use utoipa::{PartialSchema, ToSchema};

use crate::web::openapi::key::header_case;

/// Problem details (RFC 9457).
#[derive(ToSchema)]
#[expect(dead_code, reason = "the library writes it, and this describes it")]
struct Problem {
    /// Where the problem is explained.
    #[schema(format = "uri")]
    r#type: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    /// The refusal's code, which the header `Idempotency-Refusal` has too.
    code: String,
}

/// Adds the body of refusals to the document's schemas.
pub(super) fn add_schemas(components: &mut Components, policy: &Policy) {
    if policy.profile() == Profile::Ietf {
        let schema = (Problem::name().into_owned(), Problem::schema());
        components.schemas.extend([schema]);
    }
}

/// Adds what the library may answer in the operation's place.
pub(super) fn add(operation: &mut Operation, policy: &Policy) {
    for (refusal, description) in all(policy) {
        let sent = refusal.to_response(policy);
        let responses = &mut operation.responses.responses;
        let response = responses.entry(sent.status().to_string());
        let response = response.or_insert_with(|| Response::default().into());
        if let RefOr::T(response) = response {
            describe(response, description);
            add_headers(response, sent.headers());
            add_body(response, refusal.code(), description, &sent);
        }
    }
}

/// What the market's routes can cause, each with its cause.
fn all(policy: &Policy) -> Vec<(Refusal, &'static str)> {
    let later = Duration::from_secs(1);
    let mut all = vec![
        (
            Refusal::KeyInvalid(InvalidKey::Repeated),
            "The key is malformed.",
        ),
        (Refusal::Mismatch, "The key was used with another request."),
        (
            Refusal::OtherCaller,
            "The key was used with other credentials.",
        ),
        (
            Refusal::InProgress { retry_after: later },
            "The original is still running.",
        ),
        (
            Refusal::PayloadTooLarge {
                limit: Some(adapter::max_request_bytes(policy)),
            },
            "The body is over 2 MiB.",
        ),
        (Refusal::PayloadUnreadable, "The body broke off."),
        (Refusal::StoreUnavailable, "The store could not be asked."),
        (Refusal::ShuttingDown, "The server is stopping."),
    ];
    if policy.profile() == Profile::Ietf {
        all.insert(0, (Refusal::KeyMissing, "The key is missing."));
    }
    all
}

fn describe(response: &mut Response, description: &str) {
    if !response.description.contains(description) {
        let words = [response.description.as_str(), description].join(" ");
        response.description = words.trim().to_owned();
    }
}

fn add_headers(response: &mut Response, headers: &Headers) {
    for (name, value) in headers.iter().filter(|(name, _)| *name != "content-type") {
        let header = response.headers.entry(header_case(name));
        let header = header.or_insert_with(|| header_of(name).into());
        if let (RefOr::T(header), Ok(value)) = (header, std::str::from_utf8(value)) {
            add_value(header, value);
        }
    }
}

fn header_of(name: &str) -> Header {
    let (schema, description) = match name {
        "retry-after" => (
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(1)),
            "In how many seconds it is worth asking again.",
        ),
        "link" => (
            ObjectBuilder::new().schema_type(Type::String),
            "Where idempotency is explained.",
        ),
        _ => (
            ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some([""; 0])),
            "Which refusal of the library's this is; it is missing where the market refuses.",
        ),
    };
    let header = HeaderBuilder::new().schema(Some(schema));
    header.description(Some(description)).build()
}

/// A header of few values names all of them.
fn add_value(header: &mut Header, value: &str) {
    let Some(RefOr::T(Schema::Object(schema))) = &mut header.schema else {
        return;
    };
    match &mut schema.enum_values {
        Some(values) if !values.contains(&value.into()) => values.push(value.into()),
        Some(_) => {}
        None => header.example = header.example.take().or(serde_json::from_str(value).ok()),
    }
}

fn add_body(response: &mut Response, code: &str, description: &str, sent: &idem_core::Response) {
    let media_type = sent.headers().values("content-type").next();
    let media_type = String::from_utf8_lossy(media_type.unwrap_or_default()).into_owned();
    let schema = match media_type.as_str() {
        "application/problem+json" => "Problem",
        _ => "Message",
    };
    let content = response.content.entry(media_type);
    let content = content.or_insert_with(|| {
        let schema = Ref::from_schema_name(schema);
        Content::new(Some(schema)).into()
    });
    if let RefOr::T(content) = content {
        let example = ExampleBuilder::new()
            .summary(description)
            .value(serde_json::from_slice(&sent.body()).ok());
        content.examples.insert(code.to_owned(), example.into());
    }
}
