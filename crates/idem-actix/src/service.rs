//! The path of a request through the middleware.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
};

use actix_web::{
    Error, HttpMessage,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, forward_ready},
};
use futures_util::{
    TryFutureExt,
    future::{Either, MapOk},
};
use idem_core::{
    CurrentExecution,
    adapter::{Admission, Answer, HandOver, Options},
};

use crate::{
    convert::{self, Head},
    endpoint::ActixEndpoint,
};

/// A service whose protected requests take effect once.
#[derive(Debug)]
pub struct IdempotencyService<S> {
    inner: Rc<S>,
    options: Options<ServiceRequest>,
}

impl<S> IdempotencyService<S> {
    pub(crate) fn new(inner: S, options: Options<ServiceRequest>) -> Self {
        Self {
            inner: Rc::new(inner),
            options,
        }
    }
}

/// A request that passes through, one that is refused at once, or one that is protected.
type Serving<F, B> = Either<
    MapOk<F, fn(ServiceResponse<B>) -> ServiceResponse<EitherBody<B>>>,
    Either<Ready<Served<B>>, HandOver<Pin<Box<dyn Future<Output = Served<B>>>>>>,
>;

type Served<B> = Result<ServiceResponse<EitherBody<B>>, Error>;

impl<S, B> Service<ServiceRequest> for IdempotencyService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Serving<S::Future, B>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let idempotency = self.options.idempotency();
        let current = request.extensions().get::<CurrentExecution>().cloned();
        match self
            .options
            .admit(&request, &Head(&request), current.as_ref())
        {
            Admission::PassThrough => {
                let passing = self.inner.call(request);
                Either::Left(passing.map_ok(ServiceResponse::map_into_left_body))
            }
            Admission::Refused(refusal) => {
                let refusal = refusal.to_response(idempotency.policy());
                let response = convert::response(request, Answer::new(&refusal));
                Either::Right(Either::Left(ready(Ok(response))))
            }
            Admission::Protected(protected) => {
                let watch = protected.watch();
                let idempotency = idempotency.clone();
                let exchange = ActixEndpoint::new(Rc::clone(&self.inner), request);
                let serve: Pin<Box<dyn Future<Output = _>>> =
                    Box::pin(idempotency.serve(protected, exchange));
                Either::Right(Either::Right(HandOver::local(serve, watch)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, HttpResponse,
        test::{TestRequest, call_service, init_service, read_body},
        web,
    };
    use idem_core::{MemoryStore, Policy};

    use crate::IdempotencyMiddleware;

    #[actix_web::test]
    async fn a_client_gets_the_applications_own_words_for_a_refusal() {
        let policy = Policy::ietf().render_refusals(|refusal, ours| {
            assert_ne!(refusal.code(), "idempotency-key-missing", "a planted panic");
            let body = format!("sorry: {}", refusal.title());
            idem_core::Response::new(418, ours.headers().clone(), body.into())
        });
        let middleware = IdempotencyMiddleware::new(MemoryStore::new()).policy(policy);
        middleware.drain().await;
        let orders = web::resource("/orders").wrap(middleware);
        let orders = orders.route(web::post().to(HttpResponse::Ok));
        let app = init_service(App::new().service(orders)).await;
        // Refused at its head without a key, where the words panic, with a bad one, and after its body.
        for (key, status, code, words) in [
            (None, 400, "idempotency-key-missing", "requires the header"),
            (Some(""), 418, "idempotency-key-invalid", "sorry: "),
            (Some("k"), 418, "idempotency-shutting-down", "sorry: "),
        ] {
            let mut request = TestRequest::post().uri("/orders");
            if let Some(key) = key {
                request = request.insert_header(("idempotency-key", key));
            }
            let answer = call_service(&app, request.to_request()).await;
            assert_eq!(answer.status(), status);
            let headers = answer.headers();
            assert_eq!(headers.get("idempotency-refusal").expect("a code"), code);
            assert_eq!(headers.contains_key("retry-after"), key == Some("k"));
            let body = read_body(answer).await;
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains(words), "{body}");
        }
    }
}
