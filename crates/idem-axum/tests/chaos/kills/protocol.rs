//! What a server process says to the test, and what it is answered: frames of a tag and fields,
//! each with its length in front.

use std::{io, time::Duration};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use idem_core::{
    RecordKey,
    store::{
        Claim, Fenced, Lease, Outcome, Pending, Record, decode, encode_completed, encode_pending,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A call to the store, or a word to the test.
#[derive(Debug)]
pub(super) enum Call {
    /// The process serves HTTP at this port.
    Serving(u16),
    Claim(RecordKey, Lease),
    Renew(RecordKey, Lease),
    Complete(RecordKey, Lease, Outcome, Duration),
    Release(RecordKey, Lease),
    /// A handler takes effect: the key that it was called with, and the number of its run.
    Effect(String, u64),
}

#[derive(Debug)]
pub(super) enum Reply {
    Noted,
    Claimed(Claim),
    Fenced(Fenced),
}

impl Call {
    pub(super) fn encode(&self) -> Bytes {
        match self {
            Self::Serving(port) => frame(b'S', &[&port.to_be_bytes()]),
            Self::Claim(key, lease) => on_lease(b'C', key, lease),
            Self::Renew(key, lease) => on_lease(b'N', key, lease),
            Self::Release(key, lease) => on_lease(b'R', key, lease),
            Self::Complete(key, lease, outcome, retention) => {
                let record = encode_completed(lease, outcome);
                let (leased, retained) = (millis(lease.duration()), millis(*retention));
                frame(b'D', &[key.as_bytes(), &record, &leased, &retained])
            }
            Self::Effect(key, run) => frame(b'E', &[key.as_bytes(), &run.to_be_bytes()]),
        }
    }

    pub(super) fn decode(bytes: Bytes) -> Self {
        let (tag, mut fields) = fields(bytes);
        match tag {
            b'S' => Self::Serving(fields.next().unwrap().get_u16()),
            b'E' => {
                let key = String::from_utf8(fields.next().unwrap().to_vec()).unwrap();
                Self::Effect(key, fields.next().unwrap().get_u64())
            }
            _ => Self::on_record(tag, fields),
        }
    }

    fn on_record(tag: u8, mut fields: impl Iterator<Item = Bytes>) -> Self {
        let key = fields.next().unwrap();
        let key = RecordKey::from_bytes(key[..].try_into().unwrap());
        let record = decode(&fields.next().unwrap()).unwrap();
        let lease = lease_of(&record, duration(fields.next().unwrap()));
        match (tag, record) {
            (b'C', _) => Self::Claim(key, lease),
            (b'N', _) => Self::Renew(key, lease),
            (b'R', _) => Self::Release(key, lease),
            (b'D', Record::Completed(completed)) => {
                let retention = duration(fields.next().unwrap());
                Self::Complete(key, lease, completed.outcome().clone(), retention)
            }
            (tag, record) => panic!("no call has the tag {tag} and {record:?}"),
        }
    }
}

impl Reply {
    pub(super) fn encode(&self) -> Bytes {
        match self {
            Self::Noted => frame(b'.', &[]),
            Self::Claimed(Claim::Owned) => frame(b'O', &[]),
            Self::Claimed(Claim::Taken(record)) => taken(record),
            Self::Fenced(Fenced::Held) => frame(b'H', &[]),
            Self::Fenced(Fenced::Lost) => frame(b'L', &[]),
        }
    }

    pub(super) fn decode(bytes: Bytes) -> Self {
        let (tag, mut fields) = fields(bytes);
        match tag {
            b'.' => Self::Noted,
            b'O' => Self::Claimed(Claim::Owned),
            b'H' => Self::Fenced(Fenced::Held),
            b'L' => Self::Fenced(Fenced::Lost),
            b'T' => {
                let record = decode(&fields.next().unwrap()).unwrap();
                Self::Claimed(Claim::Taken(match fields.next() {
                    Some(remaining) => with_remaining(&record, duration(remaining)),
                    None => record,
                }))
            }
            tag => panic!("no reply has the tag {tag}"),
        }
    }
}

fn on_lease(tag: u8, key: &RecordKey, lease: &Lease) -> Bytes {
    let record = encode_pending(lease);
    frame(tag, &[key.as_bytes(), &record, &millis(lease.duration())])
}

fn taken(record: &Record) -> Bytes {
    match record {
        Record::Pending(pending) => {
            let remaining = pending.remaining().unwrap();
            let bytes = encode_pending(&lease_of(record, remaining));
            frame(b'T', &[&bytes, &millis(remaining)])
        }
        Record::Completed(completed) => {
            let lease = lease_of(record, Duration::ZERO);
            frame(b'T', &[&encode_completed(&lease, completed.outcome())])
        }
        Record::Unreadable => unreachable!("the store in memory reads all that it holds"),
    }
}

fn lease_of(record: &Record, duration: Duration) -> Lease {
    let (owner, identity) = match record {
        Record::Pending(pending) => (pending.owner(), pending.identity()),
        Record::Completed(completed) => (completed.owner(), completed.identity()),
        Record::Unreadable => unreachable!("both ends are of one version"),
    };
    Lease::of_owner(*owner, *identity, duration)
}

fn with_remaining(record: &Record, remaining: Duration) -> Record {
    let lease = lease_of(record, remaining);
    Record::Pending(Pending::new(
        *lease.owner(),
        *lease.identity(),
        Some(remaining),
    ))
}

fn millis(duration: Duration) -> [u8; 8] {
    u64::try_from(duration.as_millis()).unwrap().to_be_bytes()
}

fn duration(mut field: Bytes) -> Duration {
    Duration::from_millis(field.get_u64())
}

fn frame(tag: u8, fields: &[&[u8]]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(tag);
    for field in fields {
        frame.put_u32(u32::try_from(field.len()).unwrap());
        frame.put_slice(field);
    }
    frame.freeze()
}

fn fields(mut frame: Bytes) -> (u8, impl Iterator<Item = Bytes>) {
    let tag = frame.get_u8();
    let fields = std::iter::from_fn(move || {
        if frame.is_empty() {
            return None;
        }
        let length = frame.get_u32();
        Some(frame.split_to(length as usize))
    });
    (tag, fields)
}

/// Sends a frame, with its length in front.
pub(super) async fn send(stream: &mut TcpStream, frame: &Bytes) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    bytes.put_u32(u32::try_from(frame.len()).unwrap());
    bytes.put_slice(frame);
    stream.write_all(&bytes).await
}

/// Receives a frame; an error is the end of the other side.
pub(super) async fn receive(stream: &mut TcpStream) -> io::Result<Bytes> {
    let length = stream.read_u32().await?;
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes.into())
}
