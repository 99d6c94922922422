//! The path of a request through the middleware.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
};

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, forward_ready},
};
use futures_util::{
    TryFutureExt,
    future::{Either, MapOk},
};
use idem_core::adapter::{Admission, HandOver};

use crate::{
    convert::{self, Head},
    endpoint::ActixEndpoint,
    middleware::IdempotencyMiddleware,
};

/// A service whose protected requests take effect once.
#[derive(Debug)]
pub struct IdempotencyService<S> {
    inner: Rc<S>,
    middleware: IdempotencyMiddleware,
}

impl<S> IdempotencyService<S> {
    pub(crate) fn new(inner: S, middleware: IdempotencyMiddleware) -> Self {
        Self {
            inner: Rc::new(inner),
            middleware,
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
        let idempotency = self.middleware.idempotency();
        let admission = idempotency.admit(&Head(&request), || self.middleware.scope_of(&request));
        match admission {
            Admission::PassThrough => {
                let passing = self.inner.call(request);
                Either::Left(passing.map_ok(ServiceResponse::map_into_left_body))
            }
            Admission::Refused(refusal) => {
                let refusal = refusal.to_response(idempotency.policy());
                let response = convert::response(request, &refusal, None);
                Either::Right(Either::Left(ready(Ok(response))))
            }
            Admission::Protected(protected) => {
                let protected = self.middleware.with_lease(protected, &request);
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
