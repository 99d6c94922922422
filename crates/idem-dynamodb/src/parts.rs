//! Where the bytes of a record are: in its item, or in items of their own if there are many.
//!
//! A conditional write is billed by what stands there, also when it fails. So the item that all conditions are
//! about stays small, and a duplicate of a long response costs no more than one of a short one. Records are not
//! bound by DynamoDB's limit of 400 KB an item either.

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use futures_util::future::try_join_all;
use idem_core::{RecordKey, store::Outcome};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::{
    failure::Failure,
    item::{Content, DIGEST, Item, PARTS, RECORD, blob, bytes, number},
    store::Inner,
};

/// The longest body that stays in the item, in bytes.
const LONGEST_BODY: usize = 1024;

/// The longest record that does, with its headers.
const LONGEST_RECORD: usize = 2 * 1024;

/// An item has at most 400 KB, with its key and the names of its attributes.
const PART: usize = 384 * 1024;

/// The bytes of a completed record, and where they go.
#[derive(Debug)]
pub(crate) struct Placed {
    record: Bytes,
    /// The digest in the names of its parts, if it is in parts.
    digest: Option<[u8; 16]>,
}

impl Placed {
    pub(crate) fn new(record: impl Into<Bytes>, outcome: &Outcome) -> Self {
        let record = record.into();
        let body = match outcome {
            Outcome::Response(response) => response.body().len(),
            Outcome::NotKept(_) => 0,
        };
        let is_short = body <= LONGEST_BODY && record.len() <= LONGEST_RECORD;
        let digest = (!is_short).then(|| digest(&record));
        Self { record, digest }
    }

    /// The attributes of the record's item that say where its bytes are.
    pub(crate) fn attributes(&self) -> Vec<(String, AttributeValue)> {
        match self.digest {
            None => vec![(RECORD.to_owned(), bytes(self.record.as_ref()))],
            Some(digest) => {
                let count = i64::try_from(self.record.len().div_ceil(PART)).unwrap_or(i64::MAX);
                vec![
                    (PARTS.to_owned(), number(count)),
                    (DIGEST.to_owned(), bytes(digest.as_slice())),
                ]
            }
        }
    }
}

impl Inner {
    /// Writes the parts of a record, if it has any, to be kept for longer than the record. Writing them again
    /// changes nothing: their names have the digest of what is in them. 1 round trip, in as many requests as
    /// there are parts.
    pub(crate) async fn write_parts(
        &self,
        key: &RecordKey,
        placed: &Placed,
        retention: std::time::Duration,
        until: Instant,
    ) -> Result<(), Failure> {
        let Some(digest) = placed.digest else {
            return Ok(());
        };
        let digest = hex(&digest);
        let parts = placed.record.chunks(PART).enumerate();
        let writes = parts.map(|(index, part)| {
            let mut item = self.table.part_key(key, &digest, index);
            item.insert(RECORD.to_owned(), bytes(part));
            self.write_part(item, retention, until)
        });
        try_join_all(writes).await.map(drop)
    }

    async fn write_part(
        &self,
        item: Item,
        retention: std::time::Duration,
        until: Instant,
    ) -> Result<(), Failure> {
        loop {
            let (_, moment) = self
                .insist(until, |moment| {
                    let mut item = item.clone();
                    item.extend([self.table.parts_swept(moment.after(retention))]);
                    let put = self.client.put_item().table_name(&self.table.name);
                    let put = put.set_item(Some(item)).customize();
                    put.interceptor(moment.watch()).send()
                })
                .await?;
            if !moment.was_off() {
                return Ok(());
            }
        }
    }

    /// Gives the bytes of a record: at once, or from its parts in 1 round trip.
    pub(crate) async fn read_record(
        &self,
        key: &RecordKey,
        content: Content,
        until: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let (expected, count) = match content {
            Content::Here(record) => return Ok(record),
            Content::Parts { digest, count } => (digest, count),
        };
        let name = hex(&expected);
        let reads = (0..count).map(|index| self.read_part(key, &name, index, until));
        let parts = try_join_all(reads).await?;
        let record = parts.concat();
        if digest(&record) != *expected {
            return Err(Failure::corrupt(
                "the parts of the record are not those that were written",
            ));
        }
        Ok(record)
    }

    async fn read_part(
        &self,
        key: &RecordKey,
        digest: &str,
        index: usize,
        until: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let item = self.table.part_key(key, digest, index);
        let found = self.read(item, until).await?;
        let part = found.and_then(|mut item| blob(item.remove(RECORD)));
        part.ok_or_else(|| Failure::corrupt("a part of the record is missing"))
    }

    /// Reads what stands there now.
    pub(crate) async fn read(&self, key: Item, until: Instant) -> Result<Option<Item>, Failure> {
        let (answer, _) = self
            .insist(until, |moment| {
                let get = self.client.get_item().table_name(&self.table.name);
                let get = get.set_key(Some(key.clone())).consistent_read(true);
                get.customize().interceptor(moment.watch()).send()
            })
            .await?;
        Ok(answer.item)
    }
}

fn digest(record: &[u8]) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&Sha256::digest(record)[..16]);
    digest
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
