//! What scripts answer.

use std::time::Duration;

use idem_core::store::{Fenced, Record};
use redis::Value;

use crate::{failure::Failure, record::read};

/// A record, and what is left of its time.
pub(crate) type Found = (Record, Option<Duration>);

/// Of a script that acts behind the fence.
pub(crate) fn fenced(answer: &Value) -> Result<Fenced, Failure> {
    match answer {
        Value::Int(1) => Ok(Fenced::Held),
        Value::Int(0) => Ok(Fenced::Lost),
        _ => Err(Failure::Strange),
    }
}

/// Of a script that gives what it found; `None` if that was nothing of anybody else's.
pub(crate) fn found(answer: Value) -> Result<Option<Found>, Failure> {
    let pair = match answer {
        Value::Int(_) => return Ok(None),
        Value::BulkString(bytes) => return result(bytes),
        Value::Array(values) => <[Value; 2]>::try_from(values),
        _ => return Err(Failure::Strange),
    };
    let Ok([Value::BulkString(bytes), Value::Int(left)]) = pair else {
        return Err(Failure::Strange);
    };
    // Below zero it has no end, which no script of ours writes.
    let left = u64::try_from(left).ok().map(Duration::from_millis);
    let record = read(&bytes, left).map_err(Failure::Corrupt)?;
    Ok(Some((record, left)))
}

/// A result, of which the script did not tell how long it stays.
fn result(bytes: Vec<u8>) -> Result<Option<Found>, Failure> {
    match read(&bytes, None).map_err(Failure::Corrupt)? {
        Record::Pending(_) => Err(Failure::Strange),
        record => Ok(Some((record, None))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_no_script_gives_is_refused() {
        for answer in [Value::Nil, Value::Int(2), Value::Array(vec![])] {
            assert!(fenced(&answer).is_err(), "{answer:?}");
        }
        let text = || Value::BulkString(b"text".to_vec());
        let one_too_many = vec![text(), Value::Int(1), Value::Int(1)];
        for answer in [Value::Array(vec![text()]), Value::Array(one_too_many)] {
            assert!(matches!(found(answer), Err(Failure::Strange)));
        }
        for damaged in [text(), Value::Array(vec![text(), Value::Int(1)])] {
            assert!(matches!(found(damaged), Err(Failure::Corrupt(_))));
        }
    }
}
