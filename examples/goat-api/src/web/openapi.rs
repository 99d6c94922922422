//! `/openapi.json`: the API as a document (OpenAPI 3.1), made from the code that serves it.
//!
//! What a route takes and answers stands beside the route in `api.rs`, and the bounds of a value
//! beside its parser in `market/`. A new route is described where its answer is made, and named in
//! `paths(…)` here.

pub(super) mod failures;
mod key;
mod operations;
mod overview;
mod refusals;
mod request_id;

use idem_core::Policy;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;

use crate::web::answer::{Answer, Message, Page};
use crate::web::api;

/// The document as the server's policy has it, and where it is.
pub(super) fn page(policy: &Policy) -> Page {
    Page::new("/openapi.json", Answer::ok(&document(policy)))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Goat market",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "goats", description = "Goats, and what each has on offer."),
        (name = "orders", description = "Orders, each of 1 to 1000 items."),
        (name = "operations", description = "For whoever operates the server."),
        (name = "document", description = "What you are reading."),
    ),
    paths(
        api::goats,
        api::register,
        api::catalog,
        api::offer,
        api::orders,
        api::order,
        api::find_order,
        operations::healthz,
        operations::readyz,
        operations::metrics,
        this_document,
    ),
    components(
        schemas(Message),
        responses(failures::UnknownPath, failures::MethodNotAllowed),
    ),
)]
struct Document;

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "document", operation_id = "describe", responses(
    (status = 200, description = "The document.", body = serde_json::Value),
))]
#[expect(dead_code, reason = "a page is served there, and this describes it")]
fn this_document() {}

fn document(policy: &Policy) -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.info.description = Some(overview::of(policy));
    let components = document.components.get_or_insert_default();
    refusals::add_schemas(components, policy);
    let posts = document.paths.paths.values_mut();
    for operation in posts.filter_map(|path| path.post.as_mut()) {
        if is_protected(operation) {
            key::add(operation, policy);
            refusals::add(operation, policy);
        }
    }
    request_id::add(&mut document);
    document
}

/// Whether the operation's route is under idempotency.
fn is_protected(operation: &Operation) -> bool {
    let id = operation.operation_id.as_deref();
    matches!(id, Some("registerGoat" | "placeOrder"))
}
