//! From a path to a call. The generated server traits would ask for all 57 methods.

use std::{convert::Infallible, future::Future, marker::PhantomData, pin::Pin, sync::Arc};

use http::{Request, Response};
use hyper::body::Incoming;
use momento_protos::{
    cache_client::{
        DeleteRequest, GetRequest, ItemGetTtlRequest, SetIfRequest, SetRequest, UpdateTtlRequest,
    },
    control_client::{
        CreateCacheRequest, DeleteCacheRequest, FlushCacheRequest, ListCachesRequest,
    },
};
use tonic::{Status, body::Body, server::UnaryService};
use tonic_prost::ProstCodec;

use crate::{
    call::Call,
    credentials,
    exchange::{Service, Wire},
    method::Method,
};

/// Answers calls that come on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Router {
    pub(crate) service: Arc<Service>,
    pub(crate) wire: Wire,
}

impl Router {
    pub(crate) async fn answer(
        self,
        call: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        Ok(match call.uri().path() {
            "/cache_client.Scs/Get" => self.unary::<GetRequest>(call).await,
            "/cache_client.Scs/Set" => self.unary::<SetRequest>(call).await,
            "/cache_client.Scs/SetIf" => self.unary::<SetIfRequest>(call).await,
            "/cache_client.Scs/Delete" => self.unary::<DeleteRequest>(call).await,
            "/cache_client.Scs/ItemGetTtl" => self.unary::<ItemGetTtlRequest>(call).await,
            "/cache_client.Scs/UpdateTtl" => self.unary::<UpdateTtlRequest>(call).await,
            "/control_client.ScsControl/CreateCache" => {
                self.unary::<CreateCacheRequest>(call).await
            }
            "/control_client.ScsControl/DeleteCache" => {
                self.unary::<DeleteCacheRequest>(call).await
            }
            "/control_client.ScsControl/ListCaches" => self.unary::<ListCachesRequest>(call).await,
            "/control_client.ScsControl/FlushCache" => self.unary::<FlushCacheRequest>(call).await,
            _ => self.refuse(&call).into_http(),
        })
    }

    async fn unary<C: Call>(self, call: Request<Incoming>) -> Response<Body> {
        let codec = ProstCodec::<C::Reply, C>::default();
        // The limit on an item is the service's; tonic's own is 4 MB and another status.
        let mut grpc = tonic::server::Grpc::new(codec).max_decoding_message_size(usize::MAX);
        let exchange = Exchange::<C>(self, PhantomData);
        grpc.unary(exchange, call).await
    }

    fn refuse(&self, call: &Request<Incoming>) -> Status {
        self.service.calls.record(Method::Other, None);
        let unknown = || Status::unimplemented("the emulator has no such call");
        credentials::check(call.headers())
            .err()
            .unwrap_or_else(unknown)
    }
}

/// The one call that a connection has just brought.
struct Exchange<C>(Router, PhantomData<C>);

impl<C: Call> UnaryService<C> for Exchange<C> {
    type Response = C::Reply;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<C::Reply>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<C>) -> Self::Future {
        let Router { service, wire } = self.0.clone();
        // A task of its own: a client that hangs up must not take its write back.
        let exchange = tokio::spawn(async move { service.exchange(request, &wire).await });
        Box::pin(async move {
            let reply = exchange.await;
            let reply = reply.map_err(|e| Status::internal(e.to_string()))?;
            reply.map(tonic::Response::new)
        })
    }
}
