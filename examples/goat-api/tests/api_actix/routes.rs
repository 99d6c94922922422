//! The paths that the market's routes in actix-web make, as the app shows them.

use std::cell::RefCell;
use std::rc::Rc;

use actix_web::App;
use actix_web::dev::Service;
use actix_web::test::{TestRequest, call_service, init_service};
use goat_api::service::GoatMarket;
use goat_api::web::actix::routes;
use idem_core::Idempotency;

/// A text in which each path follows the marker, up to a double quote.
pub(crate) async fn shown(market: GoatMarket, idempotency: Idempotency) -> (String, &'static str) {
    let shown = Rc::new(RefCell::new(String::new()));
    let seen = Rc::clone(&shown);
    let app = App::new()
        .configure(routes(market, idempotency.into()))
        .wrap_fn(move |request, service| {
            *seen.borrow_mut() = format!("{:?}", request.resource_map());
            service.call(request)
        });
    let app = init_service(app).await;
    call_service(&app, TestRequest::default().to_request()).await;
    (shown.take(), "Single(\"")
}
