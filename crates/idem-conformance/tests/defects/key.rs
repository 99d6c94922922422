//! The key of a request, as the toy server reads it.

use axum::http::HeaderMap;

use crate::defect::Defect;

pub(crate) const HEADER: &str = "idempotency-key";

/// The key, if there is one; `Err` if it is none.
pub(crate) fn read(headers: &HeaderMap, defect: Defect) -> Result<Option<String>, ()> {
    let lines: Vec<_> = headers.get_all(HEADER).iter().collect();
    let line = match lines[..] {
        [] => return Ok(None),
        [line] => line.as_bytes().trim_ascii(),
        [line, ..] if defect == Defect::TakesTwoLines => line.as_bytes(),
        _ => return Err(()),
    };
    let key = parse(line, defect).ok_or(())?;
    let is_welcome = match defect {
        Defect::WantsUuids => is_uuid(&key),
        Defect::WantsBareKeys => !line.starts_with(b"\""),
        _ => true,
    };
    if !is_welcome {
        return Err(());
    }
    Ok(Some(match defect {
        Defect::FoldsKeys => key.to_ascii_lowercase(),
        Defect::CutsKeysOff => key.chars().take(200).collect(),
        _ => key,
    }))
}

fn is_uuid(key: &str) -> bool {
    let groups: Vec<&str> = key.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12]) && groups.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn parse(line: &[u8], defect: Defect) -> Option<String> {
    if defect == Defect::TakesAnyBytes {
        return Some(String::from_utf8_lossy(line).into_owned());
    }
    if !line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?;
    let key = match text.strip_prefix('"') {
        Some(_) if defect == Defect::QuotedAndBareDiffer => text.to_owned(),
        Some(rest) => unquote(rest, defect)?,
        None if defect == Defect::TakesLists => text.to_owned(),
        None if text.contains([',', '"', '\\']) => return None,
        None => text.to_owned(),
    };
    let longest = if defect == Defect::TakesLongKeys {
        usize::MAX
    } else {
        255
    };
    let shortest = usize::from(defect != Defect::TakesEmptyKeys);
    (shortest..=longest).contains(&key.len()).then_some(key)
}

/// What stands between the quotes, of which the first is gone already.
fn unquote(rest: &str, defect: Defect) -> Option<String> {
    if defect == Defect::TakesMalformedKeys {
        return Some(rest.trim_end_matches('"').to_owned());
    }
    let mut key = String::new();
    let mut rest = rest.chars();
    loop {
        match rest.next()? {
            '"' => return rest.next().is_none().then_some(key),
            '\\' => key.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            other => key.push(other),
        }
    }
}
