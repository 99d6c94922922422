//! The calls about caches.

use momento_protos::control_client::{
    self, CreateCacheRequest, CreateCacheResponse, DeleteCacheRequest, DeleteCacheResponse,
    FlushCacheRequest, FlushCacheResponse, ListCachesRequest, ListCachesResponse,
};
use tonic::Status;

use crate::{
    caches::{Cache, Caches},
    call::{Call, Scene},
    method::Method,
};

impl Call for CreateCacheRequest {
    type Reply = CreateCacheResponse;
    const METHOD: Method = Method::CreateCache;

    fn key(&self) -> Option<&[u8]> {
        None
    }

    fn carry_out(self, caches: &mut Caches, _: &Scene) -> Result<CreateCacheResponse, Status> {
        if caches.by_name.contains_key(&self.cache_name) {
            return Err(Status::already_exists("there is a cache of that name"));
        }
        caches.by_name.insert(self.cache_name, Cache::default());
        Ok(CreateCacheResponse {})
    }
}

impl Call for DeleteCacheRequest {
    type Reply = DeleteCacheResponse;
    const METHOD: Method = Method::DeleteCache;

    fn key(&self) -> Option<&[u8]> {
        None
    }

    fn carry_out(self, caches: &mut Caches, _: &Scene) -> Result<DeleteCacheResponse, Status> {
        caches.named(&self.cache_name)?;
        caches.by_name.remove(&self.cache_name);
        Ok(DeleteCacheResponse {})
    }
}

impl Call for ListCachesRequest {
    type Reply = ListCachesResponse;
    const METHOD: Method = Method::ListCaches;

    fn key(&self) -> Option<&[u8]> {
        None
    }

    fn carry_out(self, caches: &mut Caches, _: &Scene) -> Result<ListCachesResponse, Status> {
        Ok(ListCachesResponse {
            cache: caches.by_name.iter().map(described).collect(),
            next_token: String::new(),
        })
    }
}

impl Call for FlushCacheRequest {
    type Reply = FlushCacheResponse;
    const METHOD: Method = Method::FlushCache;

    fn key(&self) -> Option<&[u8]> {
        None
    }

    fn carry_out(self, caches: &mut Caches, _: &Scene) -> Result<FlushCacheResponse, Status> {
        caches.named(&self.cache_name)?.flush();
        Ok(FlushCacheResponse {})
    }
}

fn described((name, cache): (&String, &Cache)) -> control_client::Cache {
    control_client::Cache {
        cache_name: name.clone(),
        cache_limits: Some(cache.limits.to_message()),
        topic_limits: None,
        cache_id: format!("emulated-{name}"),
    }
}
