//! The calls that read and write items.

use std::time::Duration;

use momento_protos::cache_client::{
    DeleteRequest, DeleteResponse, ECacheResult, GetRequest, GetResponse, ItemGetTtlRequest,
    ItemGetTtlResponse, SetIfRequest, SetIfResponse, SetRequest, SetResponse, UpdateTtlRequest,
    UpdateTtlResponse, item_get_ttl_response as item_ttl, set_if_response as set_if,
    update_ttl_request::UpdateTtl, update_ttl_response as update,
};
use tonic::Status;

use crate::{
    caches::{Caches, Item, Reading},
    call::{Call, Scene},
    condition,
    method::Method,
};

impl Call for GetRequest {
    type Reply = GetResponse;
    const METHOD: Method = Method::Get;

    fn key(&self) -> Option<&[u8]> {
        Some(&self.cache_key)
    }

    fn carry_out(self, caches: &mut Caches, scene: &Scene) -> Result<GetResponse, Status> {
        let cache = caches.named(&scene.cache)?;
        let item = cache.live(&self.cache_key, scene.reading, scene.now);
        Ok(item.map_or_else(miss, hit))
    }
}

fn hit(item: &Item) -> GetResponse {
    GetResponse {
        result: ECacheResult::Hit.into(),
        cache_body: item.value.clone(),
        message: String::new(),
    }
}

fn miss() -> GetResponse {
    GetResponse {
        result: ECacheResult::Miss.into(),
        ..GetResponse::default()
    }
}

impl Call for SetRequest {
    type Reply = SetResponse;
    const METHOD: Method = Method::Set;

    fn key(&self) -> Option<&[u8]> {
        Some(&self.cache_key)
    }

    fn carry_out(self, caches: &mut Caches, scene: &Scene) -> Result<SetResponse, Status> {
        let cache = caches.named(&scene.cache)?;
        let ttl = Duration::from_millis(self.ttl_milliseconds);
        cache.admit(&self.cache_key, &self.cache_body, ttl)?;
        cache.put(self.cache_key, scene.item(self.cache_body, ttl));
        Ok(SetResponse {
            result: ECacheResult::Ok.into(),
            message: String::new(),
        })
    }
}

impl Call for SetIfRequest {
    type Reply = SetIfResponse;
    const METHOD: Method = Method::SetIf;

    fn key(&self) -> Option<&[u8]> {
        Some(&self.cache_key)
    }

    fn carry_out(self, caches: &mut Caches, scene: &Scene) -> Result<SetIfResponse, Status> {
        let cache = caches.named(&scene.cache)?;
        let no_condition = || Status::invalid_argument("a SetIf without a condition");
        let condition = self.condition.as_ref().ok_or_else(no_condition)?;
        let ttl = Duration::from_millis(self.ttl_milliseconds);
        cache.admit(&self.cache_key, &self.cache_body, ttl)?;
        let standing = cache.live(&self.cache_key, Reading::Latest, scene.now);
        let result = if condition::holds(condition, standing.map(|it| it.value.as_slice())) {
            cache.put(self.cache_key, scene.item(self.cache_body, ttl));
            set_if::Result::Stored(set_if::Stored {})
        } else {
            set_if::Result::NotStored(set_if::NotStored {})
        };
        Ok(SetIfResponse {
            result: Some(result),
        })
    }
}

impl Call for DeleteRequest {
    type Reply = DeleteResponse;
    const METHOD: Method = Method::Delete;

    fn key(&self) -> Option<&[u8]> {
        Some(&self.cache_key)
    }

    fn carry_out(self, caches: &mut Caches, scene: &Scene) -> Result<DeleteResponse, Status> {
        caches.named(&scene.cache)?.remove(&self.cache_key);
        Ok(DeleteResponse {})
    }
}

impl Call for ItemGetTtlRequest {
    type Reply = ItemGetTtlResponse;
    const METHOD: Method = Method::ItemGetTtl;

    fn key(&self) -> Option<&[u8]> {
        Some(&self.cache_key)
    }

    fn carry_out(self, caches: &mut Caches, scene: &Scene) -> Result<ItemGetTtlResponse, Status> {
        let cache = caches.named(&scene.cache)?;
        let item = cache.live(&self.cache_key, Reading::Latest, scene.now);
        let result = match item {
            Some(item) => item_ttl::Result::Found(item_ttl::Found {
                remaining_ttl_millis: millis(item.expires_at - scene.now),
            }),
            None => item_ttl::Result::Missing(item_ttl::Missing {}),
        };
        Ok(ItemGetTtlResponse {
            result: Some(result),
        })
    }
}

impl Call for UpdateTtlRequest {
    type Reply = UpdateTtlResponse;
    const METHOD: Method = Method::UpdateTtl;

    fn key(&self) -> Option<&[u8]> {
        Some(&self.cache_key)
    }

    fn carry_out(self, caches: &mut Caches, scene: &Scene) -> Result<UpdateTtlResponse, Status> {
        let cache = caches.named(&scene.cache)?;
        let no_ttl = || Status::invalid_argument("an UpdateTtl without a TTL");
        let wanted = self.update_ttl.ok_or_else(no_ttl)?;
        let ttl = ttl_of(wanted);
        cache.admit_ttl(ttl)?;
        let item = cache.live(&self.cache_key, Reading::Latest, scene.now);
        let left = item.map(|item| item.expires_at - scene.now);
        let result = match left {
            None => update::Result::Missing(update::Missing {}),
            Some(left) if changes(wanted, left) => {
                cache.expire_at(&self.cache_key, scene.now + ttl);
                update::Result::Set(update::Set {})
            }
            Some(_) => update::Result::NotSet(update::NotSet {}),
        };
        Ok(UpdateTtlResponse {
            result: Some(result),
        })
    }
}

fn ttl_of(wanted: UpdateTtl) -> Duration {
    let (UpdateTtl::IncreaseToMilliseconds(millis)
    | UpdateTtl::DecreaseToMilliseconds(millis)
    | UpdateTtl::OverwriteToMilliseconds(millis)) = wanted;
    Duration::from_millis(millis)
}

fn changes(wanted: UpdateTtl, left: Duration) -> bool {
    match wanted {
        UpdateTtl::IncreaseToMilliseconds(_) => ttl_of(wanted) > left,
        UpdateTtl::DecreaseToMilliseconds(_) => ttl_of(wanted) < left,
        UpdateTtl::OverwriteToMilliseconds(_) => true,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Scene {
    fn item(&self, value: Vec<u8>, ttl: Duration) -> Item {
        Item {
            value,
            expires_at: self.now + ttl,
        }
    }
}
