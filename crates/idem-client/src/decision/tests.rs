use super::*;

const LIMITS: Limits = Limits {
    attempts: 8,
    deadline: Duration::from_secs(120),
    attempt_timeout: Duration::from_secs(35),
};
const PAUSE: Duration = Duration::from_millis(300);

const fn first_attempt() -> History {
    History {
        under_a_key: true,
        repeatable: true,
        attempts: 1,
        elapsed: Duration::from_secs(1),
        since_first_arrival: None,
        since_sent: Duration::from_secs(1),
        retention: Duration::from_secs(3600),
    }
}

const fn answered(status: u16, meaning: Meaning) -> Attempt {
    let Ok(status) = StatusCode::from_u16(status) else {
        panic!("a status has three digits")
    };
    Attempt::Answered {
        status,
        meaning,
        retry_after: None,
    }
}

fn after(history: &History, attempt: Attempt) -> (Next, bool) {
    let decision = decide(&LIMITS, history, &attempt, PAUSE);
    (decision.next, decision.may_have_taken_effect)
}

const AGAIN: Next = Next::RetryAfter(PAUSE);

#[test]
fn what_another_attempt_can_help_is_tried_again() {
    for (attempt, may_have_taken_effect) in [
        (Attempt::NotConnected, false),
        (Attempt::Lost, true),
        (answered(503, Meaning::Unknown), true),
        (answered(429, Meaning::NotDone), false),
        (answered(202, Meaning::InProgress), true),
    ] {
        assert_eq!(
            after(&first_attempt(), attempt),
            (AGAIN, may_have_taken_effect),
            "{attempt:?}"
        );
    }
}

#[test]
fn the_operations_own_answer_ends_it() {
    for (attempt, may_have_taken_effect) in [
        (answered(201, Meaning::Result), true),
        (answered(202, Meaning::Result), true),
        (answered(303, Meaning::Result), true),
        (answered(404, Meaning::Result), false),
        (answered(409, Meaning::Result), false),
        (answered(501, Meaning::Result), true),
        (answered(402, Meaning::Replay), true),
    ] {
        assert_eq!(
            after(&first_attempt(), attempt),
            (Next::Done, may_have_taken_effect),
            "{attempt:?}"
        );
    }
}

#[test]
fn a_refusal_for_good_is_never_tried_again() {
    for (refusal, may_have_taken_effect) in [
        (Refusal::Mismatch, true),
        (Refusal::OtherCaller, true),
        (Refusal::KeyMissing, false),
        (Refusal::KeyInvalid, false),
        (Refusal::PayloadTooLarge, false),
        (Refusal::NotCommitted, false),
        (Refusal::AnswerNotKept, true),
        (Refusal::Other, true),
    ] {
        assert_eq!(
            after(&first_attempt(), answered(400, Meaning::Refused(refusal))),
            (
                Next::GiveUp(GaveUp::Refused(refusal)),
                may_have_taken_effect
            ),
        );
    }
}

#[test]
fn an_earlier_attempt_that_may_have_arrived_is_not_forgotten() {
    let history = History {
        since_first_arrival: Some(Duration::from_secs(5)),
        attempts: 2,
        ..first_attempt()
    };
    for attempt in [
        Attempt::NotConnected,
        answered(429, Meaning::NotDone),
        // Of a gate in front: the token ran out meanwhile.
        answered(401, Meaning::Result),
        answered(400, Meaning::Refused(Refusal::Mismatch)),
        Attempt::Failed {
            may_have_arrived: false,
        },
    ] {
        assert!(after(&history, attempt).1, "{attempt:?}");
    }
}

#[test]
fn without_a_key_a_request_is_sent_again_only_if_it_never_arrived() {
    let history = History {
        under_a_key: false,
        ..first_attempt()
    };
    assert_eq!(after(&history, Attempt::NotConnected), (AGAIN, false));
    let gave_up = Next::GiveUp(GaveUp::NotUnderAKey);
    assert_eq!(after(&history, Attempt::Lost), (gave_up, true));
    for (status, meaning) in [
        (201, Meaning::Result),
        (202, Meaning::InProgress),
        (408, Meaning::Unknown),
        (425, Meaning::NotDone),
        (429, Meaning::NotDone),
        (500, Meaning::Unknown),
        (503, Meaning::NotDone),
    ] {
        assert_eq!(after(&history, answered(status, meaning)).0, Next::Done);
    }
}

#[test]
fn a_body_that_cannot_be_cloned_is_sent_once() {
    let history = History {
        repeatable: false,
        ..first_attempt()
    };
    let gave_up = Next::GiveUp(GaveUp::BodyNotRepeatable);
    assert_eq!(after(&history, Attempt::NotConnected), (gave_up, false));
    assert_eq!(after(&history, Attempt::Lost), (gave_up, true));
    assert_eq!(
        after(&history, answered(503, Meaning::Unknown)),
        (gave_up, true)
    );
    assert_eq!(
        after(&history, answered(201, Meaning::Result)).0,
        Next::Done
    );
}

#[test]
fn what_fails_the_same_each_time_is_not_tried_again() {
    for may_have_arrived in [false, true] {
        let attempt = Attempt::Failed { may_have_arrived };
        let gave_up = Next::GiveUp(GaveUp::Failed);
        assert_eq!(
            after(&first_attempt(), attempt),
            (gave_up, may_have_arrived)
        );
    }
}

#[test]
fn the_pause_comes_on_top_of_what_the_server_asks_for() {
    let attempt = Attempt::Answered {
        status: StatusCode::SERVICE_UNAVAILABLE,
        meaning: Meaning::NotDone,
        retry_after: Some(Duration::from_secs(7)),
    };
    let wait = Duration::from_secs(7) + PAUSE;
    assert_eq!(after(&first_attempt(), attempt).0, Next::RetryAfter(wait));
}

#[test]
fn the_last_attempt_is_the_last() {
    let history = |attempts| History {
        attempts,
        ..first_attempt()
    };
    assert_eq!(after(&history(7), Attempt::NotConnected).0, AGAIN);
    let gave_up = Next::GiveUp(GaveUp::AttemptsSpent);
    assert_eq!(after(&history(8), Attempt::NotConnected).0, gave_up);
    assert_eq!(after(&history(9), Attempt::NotConnected).0, gave_up);
}

#[test]
fn no_attempt_begins_at_the_deadline_or_later() {
    let gave_up = Next::GiveUp(GaveUp::DeadlinePassed);
    for (elapsed, next) in [
        (LIMITS.deadline - PAUSE - Duration::from_nanos(1), AGAIN),
        (LIMITS.deadline - PAUSE, gave_up),
        (Duration::MAX, gave_up),
    ] {
        let history = History {
            elapsed,
            ..first_attempt()
        };
        assert_eq!(after(&history, Attempt::NotConnected).0, next);
    }
}

#[test]
fn a_server_that_asks_for_too_long_ends_the_operation_at_once() {
    for seconds in [120, u64::MAX] {
        let attempt = Attempt::Answered {
            status: StatusCode::TOO_MANY_REQUESTS,
            meaning: Meaning::NotDone,
            retry_after: Some(Duration::from_secs(seconds)),
        };
        let gave_up = Next::GiveUp(GaveUp::DeadlinePassed);
        assert_eq!(after(&first_attempt(), attempt), (gave_up, false));
    }
}

#[test]
fn no_attempt_can_arrive_when_the_key_may_be_forgotten() {
    let limits = Limits {
        deadline: Duration::MAX,
        ..LIMITS
    };
    let retention = first_attempt().retention;
    let last = retention - limits.attempt_timeout - PAUSE;
    let gave_up = Next::GiveUp(GaveUp::RetentionPassed);
    for (age, next) in [(last, AGAIN), (last + Duration::from_nanos(1), gave_up)] {
        let history = History {
            since_first_arrival: Some(age),
            elapsed: age,
            ..first_attempt()
        };
        let decision = decide(&limits, &history, &Attempt::NotConnected, PAUSE);
        assert_eq!(
            (decision.next, decision.may_have_taken_effect),
            (next, true)
        );
        // The first that may have arrived is the one that has just ended.
        let history = History {
            since_sent: age,
            elapsed: age,
            ..first_attempt()
        };
        assert_eq!(decide(&limits, &history, &Attempt::Lost, PAUSE).next, next);
        // Nothing is remembered where nothing arrived.
        let nothing = decide(&limits, &history, &Attempt::NotConnected, PAUSE);
        assert_eq!(nothing.next, AGAIN);
    }
}

#[test]
fn no_settings_and_no_history_overflow() {
    let most = Limits {
        attempts: u32::MAX,
        deadline: Duration::MAX,
        attempt_timeout: Duration::MAX,
    };
    let history = History {
        attempts: u32::MAX - 1,
        elapsed: Duration::MAX,
        since_first_arrival: Some(Duration::MAX),
        since_sent: Duration::MAX,
        retention: Duration::MAX,
        ..first_attempt()
    };
    let decision = decide(&most, &history, &Attempt::Lost, Duration::MAX);
    assert_eq!(decision.next, Next::GiveUp(GaveUp::DeadlinePassed));
}

const MEANINGS: [Meaning; 13] = [
    Meaning::Result,
    Meaning::Replay,
    Meaning::InProgress,
    Meaning::NotDone,
    Meaning::Unknown,
    Meaning::Refused(Refusal::Mismatch),
    Meaning::Refused(Refusal::OtherCaller),
    Meaning::Refused(Refusal::KeyMissing),
    Meaning::Refused(Refusal::KeyInvalid),
    Meaning::Refused(Refusal::AnswerNotKept),
    Meaning::Refused(Refusal::NotCommitted),
    Meaning::Refused(Refusal::PayloadTooLarge),
    Meaning::Refused(Refusal::Other),
];

fn every_attempt() -> Vec<Attempt> {
    let mut attempts = vec![Attempt::NotConnected, Attempt::Lost];
    attempts.extend([false, true].map(|may_have_arrived| Attempt::Failed { may_have_arrived }));
    for status in [200, 202, 303, 400, 409, 429, 500, 503] {
        attempts.extend(MEANINGS.map(|meaning| answered(status, meaning)));
    }
    attempts
}

fn every_history() -> Vec<History> {
    let mut all = Vec::new();
    for bits in 0..8 {
        for (attempts, seconds) in [(1, 0), (2, 60), (7, 119), (8, 1), (2, 4000)] {
            let elapsed = Duration::from_secs(seconds);
            all.push(History {
                under_a_key: bits & 1 != 0,
                repeatable: bits & 2 != 0,
                attempts,
                elapsed,
                since_first_arrival: (bits & 4 != 0).then_some(elapsed),
                since_sent: elapsed.min(Duration::from_secs(1)),
                ..first_attempt()
            });
        }
    }
    all
}

#[test]
fn what_must_hold_holds_in_every_case() {
    let mut retries = 0;
    for history in every_history() {
        for attempt in every_attempt() {
            let case = format!("{history:?} {attempt:?}");
            let Decision {
                next,
                may_have_taken_effect,
            } = decide(&LIMITS, &history, &attempt, PAUSE);
            let before = history.since_first_arrival.is_some();
            assert!(may_have_taken_effect || !before, "forgotten: {case}");
            let is_answered = matches!(attempt, Attempt::Answered { .. });
            assert!(next != Next::Done || is_answered, "no answer: {case}");
            if let Next::RetryAfter(wait) = next {
                retries += 1;
                assert!(
                    history.under_a_key || !may_have_taken_effect,
                    "twice: {case}"
                );
                assert!(history.repeatable, "a body that is gone: {case}");
                assert!(history.attempts < LIMITS.attempts, "too often: {case}");
                assert!(history.elapsed + wait < LIMITS.deadline, "too late: {case}");
                assert!(wait >= PAUSE, "at once: {case}");
            }
        }
    }
    assert!(retries > 50, "{retries}");
}
