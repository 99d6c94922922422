//! The header `X-Request-Id`, which every response has.

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, RefOr, Response};

use crate::web::openapi::key::header_case;
use crate::web::operations::REQUEST_ID;

/// Adds the header to each response of the document.
pub(super) fn add(document: &mut OpenApi) {
    let paths = document.paths.paths.values_mut();
    let operations = paths.flat_map(|path| [path.get.as_mut(), path.post.as_mut()]);
    let of_operations = operations
        .flatten()
        .flat_map(|Operation { responses, .. }| responses.responses.values_mut());
    let shared = document.components.iter_mut();
    let shared = shared.flat_map(|components| components.responses.values_mut());
    for response in of_operations.chain(shared) {
        if let RefOr::T(Response { headers, .. }) = response {
            headers.insert(header_case(REQUEST_ID), header().into());
        }
    }
}

fn header() -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some("The request in the server's logs."))
        .build()
}
