//! The headers for pages of other origins in actix-web.

use actix_cors::Cors;
use actix_web::middleware::Condition;

use crate::web::cors::{EXPOSED_HEADERS, MAX_AGE, METHODS, Origin, REQUEST_HEADERS};
use crate::web::operations::Operations;

/// What lets pages of other origins in, if any are; to be put around the routes, and observed.
#[must_use]
pub fn cors(operations: &Operations) -> Condition<Cors> {
    let origins = &operations.origins;
    let cors = Cors::default()
        .allowed_methods(METHODS)
        .allowed_headers(REQUEST_HEADERS)
        .expose_headers(EXPOSED_HEADERS)
        .max_age(MAX_AGE.as_secs() as usize);
    let cors = match origins.iter().any(Origin::is_any) {
        true => cors.allow_any_origin().send_wildcard(),
        false => origins
            .iter()
            .fold(cors, |cors, origin| cors.allowed_origin(origin.as_str())),
    };
    Condition::new(!origins.is_empty(), cors)
}
