//! Which scenarios fail for which defect.

use std::time::Duration;

use axum::{Router, http::StatusCode};
use futures_util::future::join_all;
use idem_conformance::{Report, Suite};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    defect::Defect::{self, *},
    profiles::profile,
    server,
};

/// Longer than the slow operation takes by far, and short enough to wait for what never ends.
const TIMEOUT: Duration = Duration::from_secs(6);

/// As many servers at a time as leave the slow operation slow, over all tests.
static PLACES: Semaphore = Semaphore::const_new(10);

/// Defects of one rule, and exactly the scenarios that catch them.
const BY_ONE_RULE: &[(Defect, &[&str])] = &[
    (
        StoresServerErrors,
        &["outcomes/statuses", "outcomes/server-error-repaired"],
    ),
    (
        ReplaysOnOtherPaths,
        &["fingerprint/other-path", "fingerprint/other-query"],
    ),
    (IgnoresTheQuery, &["fingerprint/other-query"]),
    (IgnoresTheMethod, &["fingerprint/other-method"]),
    (IgnoresTheContentType, &["fingerprint/media-type"]),
    (CharsetMatters, &["fingerprint/charset"]),
    (IgnoresTheContentEncoding, &["fingerprint/content-encoding"]),
    (BoundaryMatters, &["fingerprint/multipart-boundary"]),
    (BoundaryIsCutOut, &["fingerprint/multipart-parts"]),
    (OnlyValuesOfPartsMatter, &["fingerprint/multipart-parts"]),
    (LosesRepeatedHeaders, &["replay/repeated-headers"]),
    (
        InProgressBeforeMismatch,
        &["concurrency/mismatch-while-it-runs"],
    ),
    (
        NumbersAreFloats,
        &[
            "fingerprint/number-precision",
            "fingerprint/duplicate-members",
        ],
    ),
    (
        BytesMatter,
        &[
            "fingerprint/member-order",
            "fingerprint/white-space",
            "fingerprint/number-spelling",
            "fingerprint/escapes",
            "fingerprint/surrogates",
            "fingerprint/media-type",
            "fingerprint/excluded-member",
            "fingerprint/multipart-boundary",
        ],
    ),
    (ReplaysSetCookie, &["replay/set-cookie"]),
    (ReplaysHopByHop, &["replay/hop-by-hop"]),
    (ReplaysTheDate, &["replay/date"]),
    (MembersAreOrdered, &["fingerprint/member-order"]),
    (
        ArraysAreSets,
        &[
            "fingerprint/array-order",
            "fingerprint/number-precision",
            "fingerprint/duplicate-members",
        ],
    ),
    (WhiteSpaceMatters, &["fingerprint/white-space"]),
    (
        EscapesMatter,
        &["fingerprint/escapes", "fingerprint/surrogates"],
    ),
    (
        LastMemberWins,
        &[
            "fingerprint/number-precision",
            "fingerprint/duplicate-members",
        ],
    ),
    (TextIsNormalised, &["fingerprint/no-normalisation"]),
    (FoldsKeys, &["key/case"]),
    (CutsKeysOff, &["key/longest"]),
    (TakesEmptyKeys, &["key/blank"]),
    (TakesTwoLines, &["key/two-lines"]),
    (TakesLists, &["key/list"]),
    (TakesMalformedKeys, &["key/malformed"]),
    (TakesLongKeys, &["key/too-long"]),
    (
        NoRetryAfter,
        &[
            "concurrency/retry-after",
            "concurrency/retry-after-at-first",
        ],
    ),
    (
        RetryAfterIsZero,
        &[
            "concurrency/retry-after",
            "concurrency/retry-after-at-first",
        ],
    ),
    (RetryAfterIsTheLease, &["concurrency/retry-after-at-first"]),
    (RetryAfterShrinks, &["concurrency/retry-after-at-first"]),
    (
        RunsOversizeBodies,
        &["limits/content-length", "limits/chunked"],
    ),
    (RunsOversizeChunks, &["limits/chunked"]),
    (
        OversizeBodiesTakeTheKey,
        &["limits/content-length", "limits/chunked", "limits/outside"],
    ),
    (OutsideLimitIsABadRequest, &["limits/outside"]),
    (
        RunsStreamsAgain,
        &[
            "outcomes/event-stream",
            "outcomes/endless-stream",
            "outcomes/large-response",
        ],
    ),
    (HoldsStreamsBack, &["outcomes/endless-stream"]),
    (StreamsStayInProgress, &["outcomes/endless-stream"]),
    (KeepsRedirects, &["outcomes/redirects"]),
    (KeepsInnerRefusals, &["outcomes/inner-refusal"]),
    (ClaimsTwice, &["outcomes/protected-twice"]),
    (ReplaysLargeResponses, &["outcomes/large-response"]),
    (
        KeepsFailures,
        &[
            "outcomes/failure-then-repaired",
            "outcomes/statuses",
            "outcomes/server-error-repaired",
        ],
    ),
    (
        FailuresBlockTheKey,
        &[
            "outcomes/failure-then-repaired",
            "outcomes/statuses",
            "outcomes/server-error-repaired",
            "outcomes/redirects",
            "outcomes/inner-refusal",
        ],
    ),
    (PanicBlocksTheKey, &["outcomes/panic"]),
    (
        ReplaysToOtherCallers,
        &[
            "callers/strangers",
            "callers/api-keys",
            "callers/cookie-lines",
        ],
    ),
    (IgnoresApiKeys, &["callers/api-keys"]),
    (CookieLinesMatter, &["callers/cookie-lines"]),
    (OnlyTheFirstCookieCounts, &["callers/cookie-lines"]),
    (TenantsShareKeys, &["callers/tenants"]),
    (RefreshedTokenIsAnother, &["callers/refreshed"]),
    (
        RefusesAsAnotherType,
        &[
            "refusals/mismatch",
            "refusals/key-invalid",
            "refusals/in-progress",
        ],
    ),
    (
        ProblemsHaveNoStatus,
        &[
            "refusals/mismatch",
            "refusals/key-invalid",
            "refusals/in-progress",
        ],
    ),
    (
        ProblemsAreMessages,
        &[
            "refusals/mismatch",
            "refusals/key-invalid",
            "refusals/in-progress",
        ],
    ),
    (RefusesWithoutALink, &["key/missing"]),
    (
        RefusesWithPlainText,
        &[
            "refusals/mismatch",
            "refusals/key-invalid",
            "refusals/in-progress",
        ],
    ),
    (ProtectsPut, &["methods/put"]),
    (ProtectsGet, &["methods/get", "methods/key-of-another"]),
    (MismatchTellsTheAnswer, &["fingerprint/reveals-nothing"]),
    (EmptyBodyIsAnEmptyObject, &["fingerprint/empty-payloads"]),
    (NothingExpires, &["outcomes/retention"]),
    (ExpiresAtOnce, &["outcomes/retention"]),
    (ReplaysAsText, &["replay/binary"]),
    (ExcludesNothing, &["fingerprint/excluded-member"]),
    (ExcludesEverything, &["fingerprint/excluded-member"]),
    (RequiresOrNot, &["key/missing", "limits/outside"]),
    (
        NotTextIsAServerError,
        &["fingerprint/not-text", "fingerprint/not-text-replays"],
    ),
];

/// Defects that show in many places, some of them by chance, and scenarios that must be among those.
const AMONG_OTHERS: &[(Defect, &[&str])] = &[
    (
        InProgressIsAnotherStatus,
        &["concurrency/in-progress", "concurrency/many-while-it-runs"],
    ),
    (DisconnectCancels, &["vanished/while-it-runs"]),
    (
        NoLock,
        &["concurrency/in-progress", "concurrency/many-while-it-runs"],
    ),
    (QuotedAndBareDiffer, &["key/quoted-and-bare"]),
    (DisconnectBlocksTheKey, &["vanished/while-it-runs"]),
    (
        MarksTheFirstResponse,
        &["replay/identical", "key/missing", "fingerprint/same-bytes"],
    ),
    (
        NoMarkerOnReplays,
        &["replay/identical", "fingerprint/same-bytes"],
    ),
    (
        DuplicatesWaitForEver,
        &[
            "concurrency/in-progress",
            "concurrency/mismatch-while-it-runs",
        ],
    ),
    (TakesAnyBytes, &["key/bytes"]),
    (
        ReplaysRunAgain,
        &["replay/identical", "fingerprint/same-bytes"],
    ),
    (
        FreesWhatIsKept,
        &[
            "replay/identical",
            "fingerprint/same-bytes",
            "outcomes/event-stream",
        ],
    ),
    (WritesBodiesAnew, &["replay/identical"]),
    (
        MismatchRunsToo,
        &[
            "fingerprint/other-payload",
            "concurrency/mismatch-while-it-runs",
        ],
    ),
    (MismatchReplacesTheRecord, &["fingerprint/other-payload"]),
    (LocksEverything, &["concurrency/other-key-meanwhile"]),
    (
        ReplaysWithoutALocation,
        &["replay/identical", "replay/location"],
    ),
    (
        IgnoresKeys,
        &[
            "replay/identical",
            "key/blank",
            "concurrency/one-of-two",
            "fingerprint/other-payload",
        ],
    ),
];

async fn run(conventions: &'static str, defect: Defect) -> Report {
    let _place = PLACES.acquire().await.unwrap();
    let base_url = server::start(conventions, defect).await;
    let suite = Suite::new(&base_url, profile(conventions)).unwrap();
    // Each of its scenarios ends at the timeout.
    let timeout = if defect == DuplicatesWaitForEver {
        TIMEOUT / 3
    } else {
        TIMEOUT
    };
    suite.timeout(timeout).concurrency(30).run().await.unwrap()
}

fn failed(report: &Report) -> Vec<&'static str> {
    report
        .failed()
        .map(|(outcome, _)| outcome.scenario().id())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_defect_passes_every_scenario_in_every_profile() {
    for conventions in ["reference", "ietf", "stripe"] {
        let report = run(conventions, Harmless).await;
        let passed = report.passed().count();
        assert_eq!(passed, report.outcomes().len(), "{}", report.to_text());
    }
}

/// What fails for each defect, beside what should.
async fn failures(
    defects: &'static [(Defect, &[&str])],
) -> Vec<(Defect, &'static [&'static str], Vec<&'static str>)> {
    let runs = defects.iter().map(|(defect, expected)| async move {
        let conventions = match defect {
            RefusesWithoutALink | ProblemsHaveNoStatus | ProblemsAreMessages => "ietf",
            _ => "reference",
        };
        (*defect, *expected, failed(&run(conventions, *defect).await))
    });
    join_all(runs).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_defect_of_one_rule_fails_its_scenarios_and_no_others() {
    let mut wrong = failures(BY_ONE_RULE).await;
    wrong.retain(|(_, expected, failed)| failed != expected);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_defect_that_shows_everywhere_fails_the_scenarios_of_its_rule_too() {
    for (defect, expected, failed) in failures(AMONG_OTHERS).await {
        let missed: Vec<_> = expected.iter().filter(|id| !failed.contains(id)).collect();
        assert!(missed.is_empty(), "{defect:?} was not caught by {missed:?}");
    }
}

/// Nobody outside a server knows when it reads a head: the retry may be faster than the upload that broke off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_taken_by_an_upload_that_breaks_off_is_found_in_a_few_runs() {
    let mut runs = Vec::new();
    while runs.len() < 5 {
        runs.push(failed(&run("reference", UploadsTakeTheKey).await));
        if runs.last().unwrap().contains(&"vanished/while-it-uploads") {
            return;
        }
    }
    panic!("found in none of these runs: {runs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_always_says_the_same_passes_nothing() {
    for status in [200, 201, 202, 204, 400, 409, 413, 422, 500] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let refusal = [
            ("idempotency-refusal", "yes"),
            ("content-type", "application/json"),
        ];
        let app = Router::new()
            .fallback(move || async move { (status, refusal, "{\"message\":\"no\"}") });
        tokio::spawn(async move { axum::serve(listener, app).await });
        let suite = Suite::new(&format!("http://{address}"), profile("reference")).unwrap();
        let report = suite.timeout(TIMEOUT).concurrency(5).run().await.unwrap();
        assert_eq!(report.passed().count(), 0, "{}", report.to_text());
    }
}
