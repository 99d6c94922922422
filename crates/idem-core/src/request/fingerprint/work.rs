//! The bytes that are moved and compared on the way to a canonical form, counted for the tests here.
//!
//! They hold them to a few times the payload's length, or to two for each level where small objects are
//! nested deeply: these are moved once a level, in the nearest cache.

#[cfg(not(test))]
#[inline(always)]
pub(super) const fn note(_bytes: usize) {}

#[cfg(test)]
pub(super) use tests::note;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::request::fingerprint::json::canonical;

    thread_local! {
        static NOTED: Cell<usize> = const { Cell::new(0) };
    }

    pub(in crate::request::fingerprint) fn note(bytes: usize) {
        NOTED.set(NOTED.get() + bytes);
    }

    /// Bytes moved and compared for each byte of a payload.
    fn work(payload: &str) -> f64 {
        NOTED.set(0);
        canonical(payload.as_bytes(), |form| form.pieces(|_| ()))
            .expect("the payload has a canonical form");
        NOTED.get() as f64 / payload.len() as f64
    }

    fn object(members: impl Iterator<Item = String>) -> String {
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }

    /// Unsorted objects, each the first member of the next one, round a leaf.
    fn nested(levels: usize, leaf: &str) -> String {
        format!(
            "{}{leaf}{}",
            r#"{"b":"#.repeat(levels),
            r#","a":1}"#.repeat(levels)
        )
    }

    #[test]
    fn no_payload_is_moved_and_compared_often() {
        let scattered = |number: usize| number * 7_919 % 10_007;
        let payloads = [
            (
                "a large leaf",
                nested(127, &format!("\"{}\"", "x".repeat(100_000))),
            ),
            (
                "small objects in each other",
                format!("[{}]", vec![nested(3, "1"); 10_000].join(",")),
            ),
            (
                "deep small objects",
                format!("[{}]", vec![nested(120, "1"); 100].join(",")),
            ),
            (
                "large members on each level",
                nested(
                    1,
                    &nested(60, &format!("\"{}\"", "x".repeat(1_000)))
                        .replace('1', &"7".repeat(1_000)),
                ),
            ),
            (
                "names that begin alike",
                object(
                    (0..10_000)
                        .map(|n| format!("\"{}{:05}\":1", "alike ".repeat(10), scattered(n))),
                ),
            ),
            (
                "names that are each the beginning of the next",
                object(
                    (0..500)
                        .rev()
                        .map(|n| format!("\"{}\":1", "alikelik".repeat(n))),
                ),
            ),
            (
                "sixteen long names that begin alike",
                object(
                    (0..16)
                        .rev()
                        .map(|n| format!("\"{}{n:02}\":1", "x".repeat(10_000))),
                ),
            ),
            (
                "escaped names",
                object((0..10_000).rev().map(|n| format!(r#""\u006e{n:05}":1"#))),
            ),
            (
                "names of which each two begin alike",
                object((0..20_000).map(|n| format!("\"{:08}{}\":1", scattered(n / 2), 1 - n % 2))),
            ),
            (
                "the shortest names",
                object((0..10_000).map(|n| format!("\"{}\":1", scattered(n)))),
            ),
            (
                "deep small objects in one",
                object(
                    (0..5_000)
                        .rev()
                        .map(|n| format!("\"{n:04}\":{}", nested(20, "1"))),
                ),
            ),
            (
                "deep small objects in deep ones",
                nested(60, &format!("[{}]", vec![nested(60, "1"); 500].join(","))),
            ),
            (
                "objects of sixteen members, backwards",
                format!(
                    "[{}]",
                    vec![object(('a'..='p').rev().map(|n| format!("\"{n}\":1"))); 500].join(",")
                ),
            ),
            (
                "small objects round numbers that grow, deep",
                format!(
                    "[{}]",
                    vec![nested(126, &format!("[{}]", vec!["1e6"; 150].join(","))); 50].join(",")
                ),
            ),
            (
                "escapes",
                format!("[\"{}\"]", r"\/\u0061\ud83d\udc10".repeat(5_000)),
            ),
            ("white space", format!("[{}1]", " 1 , ".repeat(20_000))),
            ("numbers", format!("[{}1]", "1e6,".repeat(25_000))),
        ];
        for (name, payload) in payloads {
            let work = work(&payload);
            let limit = match name.contains("deep") {
                true => 2.0 * 127.0,
                false => 6.0,
            };
            assert!(work < limit, "{name}: {work} times its length");
        }
    }

    #[test]
    fn twice_the_payload_is_twice_the_work() {
        type Shape = fn(usize) -> String;
        let shapes: [(&str, Shape); 3] = [
            ("members", |size| {
                object((0..size).rev().map(|n| format!("\"member {n:08}\":1")))
            }),
            ("objects", |size| {
                format!("[{}]", vec![nested(2, "1"); size].join(","))
            }),
            ("a leaf", |size| {
                nested(100, &format!("\"{}\"", "x".repeat(size * 10)))
            }),
        ];
        for (name, shape) in shapes {
            let (once, twice) = (work(&shape(5_000)), work(&shape(10_000)));
            assert!(
                twice < 1.1 * once,
                "{name}: {once} and {twice} for each byte"
            );
        }
    }

    #[test]
    fn what_is_in_canonical_form_is_not_moved() {
        let payload = object((0..1_000).map(|n| format!("\"{n:04}\":[{{}},1.5,\"x\"]")));
        assert_eq!(work(&payload), 0.0);
    }
}
