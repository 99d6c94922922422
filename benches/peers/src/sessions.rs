//! `axum-idempotent` keeps responses in a client's session, which a cookie names.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use axum::{
    Router,
    http::{HeaderValue, header::COOKIE},
};
use axum_idempotent::{IdempotentLayer, IdempotentOptions};
use bytes::Bytes;
use idem_benches::orders::{Key, Orders, axum::AxumOrders};
use ruts::{CookieOptions, SessionLayer, store::moka::MokaStore};
use tower_cookies::CookieManagerLayer;

/// So many clients take turns; each write costs more the more keys a session has.
const CLIENTS: usize = 1_000;

/// The layers in the order that the crate asks for, with the client's key as it recommends.
pub(crate) fn layered(router: Router) -> Router {
    let store = MokaStore::builder().max_capacity(1 << 40).build();
    let cookie = CookieOptions::build()
        .name("session")
        .max_age(3600)
        .path("/");
    let options = IdempotentOptions::default()
        .expire_after(3600)
        .use_idempotency_key_header(Some("idempotency-key"), true);
    router
        .layer(IdempotentLayer::<MokaStore>::new(options))
        .layer(SessionLayer::new(Arc::new(store)).with_cookie_options(cookie))
        .layer(CookieManagerLayer::new())
}

/// Sends the cookie of one of the clients along; a key always comes with the same one.
#[derive(Clone)]
pub(crate) struct InSessions {
    orders: AxumOrders,
    cookies: Arc<[HeaderValue]>,
}

impl InSessions {
    pub(crate) fn new(orders: AxumOrders) -> Self {
        let cookie = |client| HeaderValue::from_str(&format!("session={client:021}A"));
        let cookies = (0..CLIENTS).map(|client| cookie(client).expect("digits are visible ASCII"));
        Self {
            orders,
            cookies: cookies.collect(),
        }
    }
}

impl Orders for InSessions {
    async fn post(&mut self, key: Key, payload: &Bytes) -> u16 {
        let mut hasher = DefaultHasher::new();
        key.as_bytes().hash(&mut hasher);
        let client = hasher.finish() as usize % CLIENTS;
        self.orders.send(COOKIE, self.cookies[client].clone());
        self.orders.post(key, payload).await
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use idem_benches::orders::{Handler, PATH, axum::unlayered};
    use tower_service::Service;

    use super::layered;

    #[test]
    fn a_duplicate_is_replayed_in_a_session() {
        actix_rt::System::new().block_on(async {
            let mut router = layered(unlayered(Handler::Answers));
            for is_replay in [false, true] {
                let request = Request::post(PATH)
                    .header("cookie", format!("session={:021}A", 1))
                    .header("idempotency-key", "8e03978e")
                    .body(Body::from("{}"))
                    .unwrap();
                let Ok(response) = router.call(request).await;
                let is_marked = response.headers().contains_key("idempotency-replayed");
                assert_eq!(is_marked, is_replay);
            }
        });
    }
}
