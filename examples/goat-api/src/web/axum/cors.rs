//! The headers for pages of other origins in axum.

use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::web::cors::{EXPOSED_HEADERS, MAX_AGE, METHODS, Origin, REQUEST_HEADERS};

/// `None` where no other origin is let in.
pub(super) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    let allowed = match origins {
        [] => return None,
        origins if origins.iter().any(Origin::is_any) => AllowOrigin::any(),
        origins => AllowOrigin::list(origins.iter().filter_map(value)),
    };
    let methods = METHODS.map(|method| Method::from_bytes(method.as_bytes()));
    let cors = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(methods.into_iter().flatten().collect::<Vec<_>>())
        .allow_headers(REQUEST_HEADERS.map(HeaderName::from_static))
        .expose_headers(EXPOSED_HEADERS.map(HeaderName::from_static))
        .max_age(MAX_AGE);
    Some(cors)
}

/// What is an origin is a value of a header too.
fn value(origin: &Origin) -> Option<HeaderValue> {
    HeaderValue::from_str(origin.as_str()).ok()
}
