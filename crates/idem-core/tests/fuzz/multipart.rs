//! Content types and multipart payloads, against a plain reading of RFC 9110 and RFC 2046.
//!
//! The first line of an input is the `Content-Type`, the second one the `Content-Encoding`, and the
//! rest is the payload.

use std::collections::BTreeMap;

use crate::{
    dice::Dice,
    edit::edit,
    fuzzer::{fuzz, magnitude},
    oracle,
    request::Head,
};

const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"--",
    b"-",
    b"--b",
    b"\r\n--b",
    b"\r\n--b\r\n",
    b"--b--",
    b"b",
    b"Content-Disposition: form-data; name=\"a\"\r\n",
    b"A:1",
    b":",
    b" ",
    b"\t",
    b"\0",
    b";",
    b"=",
    b"\"",
    b"\\",
    b"multipart/form-data",
    b"multipart/mixed",
    b"application/json",
    b"text/plain",
    b"; boundary=b",
    b"; boundary=\"b c\"",
    b";charset=utf-8",
    b"; Charset=\"UTF-8\"",
    b"gzip",
    b"identity",
    b"x-gzip",
    b",",
    b"\xff",
];

// S93
#[test]
fn a_multipart_payload_counts_by_its_parts_whatever_bytes_come() {
    fuzz("multipart", PIECES, |input, dice| {
        let request = Request::read(input);
        for _ in 0..4 {
            compare(&request, &Request::read(&edit(input, PIECES, dice)));
        }
        let meaning = request.meaning();
        // Whatever is taken apart is the same with another boundary, and nothing else may be.
        compare(&request, &with_another_boundary(input));
        if let Payload::Parts(parts) = &meaning.payload {
            compare(&request, &spelled(&request, &meaning, parts, dice));
        }
        let class = match &meaning.payload {
            Payload::Parts(parts) => (0, parts.len()),
            Payload::Json(_) => (1, 0),
            Payload::Bytes { boundary, bytes } => {
                (2 + usize::from(boundary.is_some()), bytes.len())
            }
        };
        let parameters = meaning
            .parameters
            .as_ref()
            .map(BTreeMap::len)
            .map_err(|text| magnitude(text.len()));
        (
            class.0,
            magnitude(class.1),
            parameters,
            meaning.codings.len(),
        )
    });
}

fn compare(one: &Request, other: &Request) {
    assert_eq!(
        one.head.fingerprint(&one.payload) == other.head.fingerprint(&other.payload),
        one.meaning() == other.meaning(),
        "{one:?}\n{other:?}"
    );
}

fn with_another_boundary(input: &[u8]) -> Request {
    let (mut changed, mut rest) = (Vec::new(), input);
    for marker in [&b"boundary="[..], b"--"] {
        while let Some((before, behind)) = cut(rest, marker) {
            changed.extend_from_slice(&[before, marker].concat());
            let quote = behind.strip_prefix(b"\"").map_or(0, |_| 1);
            let (quote, behind) = behind.split_at(quote);
            changed.extend_from_slice(quote);
            rest = match behind.strip_prefix(b"b") {
                Some(behind) => {
                    changed.push(b'c');
                    behind
                }
                None => behind,
            };
        }
    }
    changed.extend_from_slice(rest);
    Request::read(&changed)
}

#[derive(Debug)]
struct Request {
    head: Head,
    payload: Vec<u8>,
}

/// What counts of a request.
#[derive(Debug, PartialEq)]
struct Meaning {
    media_type: Vec<u8>,
    /// The text as it came if it is none.
    parameters: Result<BTreeMap<Vec<u8>, Vec<u8>>, Vec<u8>>,
    codings: Vec<Vec<u8>>,
    payload: Payload,
}

#[derive(Debug, PartialEq)]
enum Payload {
    Json(oracle::Tree),
    Parts(Vec<Part>),
    Bytes {
        boundary: Option<Vec<u8>>,
        bytes: Vec<u8>,
    },
}

type Part = (Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>);

/// Cuts at the first place where something stands; `None` if it stands nowhere.
fn cut<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = (0..text.len()).find(|start| text[*start..].starts_with(at))?;
    Some((&text[..found], &text[found + at.len()..]))
}

impl Request {
    fn read(input: &[u8]) -> Self {
        let (content_type, rest) = cut(input, b"\n").unwrap_or((input, b""));
        let (codings, payload) = cut(rest, b"\n").unwrap_or((rest, b""));
        Self {
            head: Head {
                content_type: content_type.to_vec(),
                content_encoding: codings
                    .split(|byte| *byte == b'\t')
                    .map(<[u8]>::to_vec)
                    .collect(),
            },
            payload: payload.to_vec(),
        }
    }

    fn meaning(&self) -> Meaning {
        let content_type = self.head.content_type.trim_ascii();
        let cut_at = content_type.iter().position(|byte| *byte == b';');
        let (media_type, parameters) = content_type.split_at(cut_at.unwrap_or(content_type.len()));
        let media_type = media_type.trim_ascii_end().to_ascii_lowercase();
        let codings: Vec<Vec<u8>> = self.codings();
        let is_json = media_type == b"application/json" || media_type.ends_with(b"+json");
        let mut boundary = None;
        let parameters = match read_parameters(parameters) {
            None => Err(parameters.to_vec()),
            Some(mut found) => {
                if is_json
                    && found
                        .get(&b"charset"[..])
                        .is_some_and(|set| set == b"utf-8")
                {
                    found.remove(&b"charset"[..]);
                }
                if media_type.starts_with(b"multipart/") && codings.is_empty() {
                    let is_boundary = found
                        .get(&b"boundary"[..])
                        .is_some_and(|set| is_boundary(set));
                    boundary = is_boundary
                        .then(|| found.remove(&b"boundary"[..]))
                        .flatten();
                }
                Ok(found)
            }
        };
        let bytes = self.payload.clone();
        let parts = boundary
            .as_ref()
            .and_then(|boundary| read_parts(&bytes, boundary));
        let json = match is_json && codings.is_empty() {
            true => oracle::read(&bytes).ok(),
            false => None,
        };
        let payload = match (json, parts) {
            (Some(tree), _) => Payload::Json(tree),
            (None, Some(parts)) => Payload::Parts(parts),
            (None, None) => Payload::Bytes { boundary, bytes },
        };
        Meaning {
            media_type,
            parameters,
            codings,
            payload,
        }
    }

    fn codings(&self) -> Vec<Vec<u8>> {
        let lines = self.head.content_encoding.join(&b","[..]);
        let codings = lines.split(|byte| *byte == b',');
        let codings = codings.map(|coding| coding.trim_ascii().to_ascii_lowercase());
        let codings = codings.filter(|coding| !coding.is_empty() && coding != b"identity");
        codings
            .map(|coding| match &*coding {
                b"x-gzip" | b"x-compress" => coding[2..].to_vec(),
                _ => coding,
            })
            .collect()
    }
}

fn is_token(text: &[u8]) -> bool {
    let separators = b"\"(),/:;<=>?@[\\]{}";
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !separators.contains(byte))
}

fn is_boundary(text: &[u8]) -> bool {
    (1..=70).contains(&text.len())
        && !text.ends_with(b" ")
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte))
}

/// Reads `;name=value` again and again, with white space round the semicolon.
fn read_parameters(text: &[u8]) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut parameters = BTreeMap::new();
    let mut pieces = Vec::new();
    let (mut piece, mut quoted, mut escaped) = (Vec::new(), false, false);
    for byte in text {
        match byte {
            b';' if !quoted => pieces.push(std::mem::take(&mut piece)),
            b'"' if !escaped => {
                // A quote stands behind an equals sign or ends what began there.
                if !quoted && !piece.ends_with(b"=") {
                    return None;
                }
                quoted = !quoted;
                piece.push(*byte);
            }
            _ => piece.push(*byte),
        }
        escaped = quoted && *byte == b'\\' && !escaped;
    }
    pieces.push(piece);
    if quoted || !pieces[0].trim_ascii().is_empty() {
        return None;
    }
    for piece in &pieces[1..] {
        let piece = piece.trim_ascii();
        if piece.is_empty() {
            continue;
        }
        let (name, value) = cut(piece, b"=")?;
        let value = match value.strip_prefix(b"\"") {
            Some(rest) => unescape(rest.strip_suffix(b"\"")?)?,
            None => Some(value).filter(|value| is_token(value))?.to_vec(),
        };
        let name = name.to_ascii_lowercase();
        let value = match &*name {
            b"charset" => value.to_ascii_lowercase(),
            _ => value,
        };
        if !is_token(&name) || parameters.insert(name, value).is_some() {
            return None;
        }
    }
    Some(parameters)
}

fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return None,
            b'\\' => value.push(*rest.next()?),
            other => value.push(*other),
        }
    }
    Some(value)
}

/// Splits wherever the boundary stands, and then looks whether each piece is as it must be.
fn read_parts(payload: &[u8], boundary: &[u8]) -> Option<Vec<Part>> {
    let delimiter = [b"--", boundary].concat();
    let mut pieces = Vec::new();
    let mut rest = payload;
    while let Some((piece, behind)) = cut(rest, &delimiter) {
        pieces.push(piece);
        rest = behind;
    }
    let mut pieces = pieces.into_iter();
    let before = pieces.next()?;
    if !before.is_empty() || ![&b"--"[..], b"--\r\n"].contains(&rest) {
        return None;
    }
    let parts: Option<Vec<_>> = pieces
        .map(|piece| {
            let inside = piece.strip_prefix(b"\r\n")?.strip_suffix(b"\r\n")?;
            read_part(inside)
        })
        .collect();
    parts.filter(|parts| parts.len() <= 1024)
}

fn read_part(part: &[u8]) -> Option<Part> {
    if let Some(content) = part.strip_prefix(b"\r\n") {
        return Some((Vec::new(), content.to_vec()));
    }
    let (mut head, content) = cut(part, b"\r\n\r\n")?;
    let mut lines = Vec::new();
    while let Some((line, rest)) = cut(head, b"\r\n") {
        lines.push(line);
        head = rest;
    }
    lines.push(head);
    let fields = lines.into_iter().map(|line| {
        let (name, value) = cut(line, b":")?;
        let is_whole = !value.iter().any(|byte| b"\r\n\0".contains(byte));
        let field = (name.to_ascii_lowercase(), value.trim_ascii().to_vec());
        (is_token(name) && is_whole).then_some(field)
    });
    Some((fields.collect::<Option<_>>()?, content.to_vec()))
}

/// The same parts between other delimiters, if the new boundary is in none of them.
fn spelled(request: &Request, meaning: &Meaning, parts: &[Part], dice: &mut Dice) -> Request {
    let boundary = dice.pick(&["b", "x", "-", "----WebKitFormBoundary7MA4YWxk", "a b"]);
    let mut payload = Vec::new();
    for (fields, content) in parts {
        payload.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        for (name, value) in fields {
            let name = match dice.one_in(2) {
                true => name.to_ascii_uppercase(),
                false => name.clone(),
            };
            payload.extend_from_slice(
                &[
                    &*name,
                    b":",
                    dice.pick(&[&b""[..], b" ", b"\t "]),
                    value,
                    b"\r\n",
                ]
                .concat(),
            );
        }
        payload.extend_from_slice(&[b"\r\n", &**content, b"\r\n"].concat());
    }
    payload.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let mut content_type = meaning.media_type.clone();
    content_type.extend_from_slice(format!(" ; BOUNDARY=\"{boundary}\"").as_bytes());
    for (name, value) in meaning.parameters.as_ref().unwrap() {
        let value: Vec<u8> = value.iter().flat_map(|byte| [b'\\', *byte]).collect();
        content_type.extend_from_slice(&[b";", &**name, b"=\"", &value, b"\""].concat());
    }
    Request {
        head: Head {
            content_type,
            content_encoding: request.head.content_encoding.clone(),
        },
        payload,
    }
}
