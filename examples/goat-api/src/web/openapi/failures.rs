//! The market's own failures as responses, with what it says in each as the example.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToResponse};

use crate::market::goat::NewGoat;
use crate::web::answer::{Answer, Failure};

type Responses = BTreeMap<String, RefOr<Response>>;

/// The body is not what the operation takes, or too large.
pub(in crate::web) struct Faulty;

impl IntoResponses for Faulty {
    fn responses() -> Responses {
        let missing = NewGoat::parse(b"{}").expect_err("a goat has a name");
        [
            of("The body is not what is asked for.", missing.into()),
            of("The body is over 2 MiB.", Failure::too_large()),
        ]
        .into()
    }
}

/// There is no such goat.
pub(in crate::web) struct UnknownGoat;

impl IntoResponses for UnknownGoat {
    fn responses() -> Responses {
        let failure = Failure::not_found("goat", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        [of("There is no such goat.", failure)].into()
    }
}

/// There is no such order.
pub(in crate::web) struct UnknownOrder;

impl IntoResponses for UnknownOrder {
    fn responses() -> Responses {
        let failure = Failure::not_found("order", "0190163d-8694-739b-aea5-966c26f8ad91");
        [of("There is no such order.", failure)].into()
    }
}

/// The market failed.
pub(in crate::web) struct Failed;

impl IntoResponses for Failed {
    fn responses() -> Responses {
        [of("The market failed.", Failure::unexplained())].into()
    }
}

/// Nothing is served at the path; no operation can name this one.
pub(super) struct UnknownPath;

impl ToResponse<'_> for UnknownPath {
    fn response() -> (&'static str, RefOr<Response>) {
        let failure = Failure::not_found("path", "/goat");
        let (_, response) = of("There is no such path.", failure);
        ("UnknownPath", response)
    }
}

/// The path has no such method; no operation can name this one.
pub(super) struct MethodNotAllowed;

impl ToResponse<'_> for MethodNotAllowed {
    fn response() -> (&'static str, RefOr<Response>) {
        let failure = Failure::method_not_allowed("PUT", "/goats");
        let (_, mut response) = of("The path has no such method.", failure);
        if let RefOr::T(response) = &mut response {
            response.headers.extend([
                ("Allow".to_owned(), allow().into()),
                ("Cache-Control".to_owned(), cache_control().into()),
            ]);
        }
        ("MethodNotAllowed", response)
    }
}

fn allow() -> Header {
    let methods = ObjectBuilder::new().schema_type(Type::String);
    let methods = methods.pattern(Some("^[A-Z]+(,[A-Z]+)*$"));
    HeaderBuilder::new()
        .schema(Some(methods.examples(["GET,HEAD,POST"])))
        .description(Some("The methods that the path has."))
        .build()
}

fn cache_control() -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(
            "`no-store`, on paths for whoever operates the server.",
        ))
        .build()
}

/// The failure's status and its response.
fn of(description: &str, failure: Failure) -> (String, RefOr<Response>) {
    let Answer { status, body, .. } = failure.into();
    let mut response = ResponseBuilder::new().description(description);
    if let Some(body) = body {
        let example = ExampleBuilder::new()
            .summary(description)
            .value(serde_json::from_slice(&body.bytes).ok());
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Message")))
            .examples_from_iter([("the-market", example.build())]);
        response = response.content(body.content_type, content.build());
    }
    (status.to_string(), response.into())
}
