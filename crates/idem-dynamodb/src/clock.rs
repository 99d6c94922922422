//! The service's time, as far as it can be known: expressions of DynamoDB have no clock.
//!
//! It is the host's wall clock and its skew, which the `Date` of each answer corrects. That header has whole
//! seconds, so it only says between which two instants the service's clock was; the skew moves no further than
//! it must to lie between them. On a host whose clock is right it stays zero.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeDeserializationInterceptorContextRef,
    },
    error::BoxError,
    primitives::{DateTime, DateTimeFormat},
};
use tokio::time::Instant;

/// How far the clocks of two processes may be apart, in milliseconds. Each is known to a second and the time of
/// a call. What its holder calls over is free for others only so much later.
pub(crate) const MARGIN: i64 = 2_000;

/// The resolution of a `Date`.
const SECOND: i64 = 1_000;

/// The last instant of the year 9999, in milliseconds.
const END_OF_TIME: i64 = 253_402_300_799_999;

/// Nothing ends so early.
const NEVER: i64 = 0;

/// What is known of the service's clock.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// In milliseconds, to be added to the host's.
    skew: AtomicI64,
}

impl Clock {
    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        wall() + self.skew.load(Ordering::Relaxed)
    }

    /// The same, and at most a second ahead of the service's if that was heard.
    pub(crate) fn now_heard(&self, heard: Option<Heard>) -> i64 {
        let now = self.now();
        heard.map_or(now, |heard| now.min(heard.now()))
    }

    /// The time for a call that is sent now.
    pub(crate) fn moment(self: &Arc<Self>) -> Moment {
        let local = wall();
        Moment {
            now: local + self.skew.load(Ordering::Relaxed),
            local,
            sent: Instant::now(),
            date: Arc::new(AtomicI64::new(i64::MIN)),
            heard: Arc::default(),
            clock: Arc::clone(self),
        }
    }

    fn observe(&self, date: i64, sent: i64, received: i64) {
        let skew = self.skew.load(Ordering::Relaxed);
        let corrected = corrected(skew, date, sent, received);
        // Of two answers at once one is as good as the other.
        self.skew.store(corrected, Ordering::Relaxed);
    }
}

/// The skew that is nearest to this one and agrees with a `Date`, which was written between two instants of the
/// host's clock.
fn corrected(skew: i64, date: i64, sent: i64, received: i64) -> i64 {
    // Somebody may have set the host's clock back meanwhile.
    let sent = sent.min(received);
    skew.clamp(date - received, date + SECOND - sent)
}

fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, milliseconds).min(END_OF_TIME)
}

/// Rounded up, and bounded.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    let whole = duration.as_nanos().div_ceil(1_000_000);
    i64::try_from(whole).map_or(END_OF_TIME, |whole| whole.min(END_OF_TIME))
}

/// What an answer told of the service's time. It bounds what the host's clock says, which may have been set since, or
/// be ahead by the time that a slow request took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    latest: i64,
    since: Instant,
}

impl Heard {
    /// A second ahead of the service's time at most. It stands still where the whole host does.
    fn now(self) -> i64 {
        self.latest + milliseconds(self.since.elapsed())
    }
}

/// The time that one call is sent with, and what its answer says to that.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    now: i64,
    local: i64,
    sent: Instant,
    /// The `Date` of the answer, or the least number there is.
    date: Arc<AtomicI64>,
    /// When that arrived, and the latest time that it can mean.
    heard: Arc<OnceLock<Heard>>,
    clock: Arc<Clock>,
}

impl Moment {
    pub(crate) const fn now(&self) -> i64 {
        self.now
    }

    /// The latest end that is over for its writer, if the service's clock was heard just now; else none is.
    pub(crate) fn now_if(&self, heard: Option<Heard>) -> i64 {
        heard.map_or(NEVER, |_| self.now)
    }

    /// The latest end that is over for everybody, if the service's clock was heard just now; else none is: a
    /// host whose clock is ahead would take over what still runs.
    pub(crate) fn over_if(&self, heard: Option<Heard>) -> i64 {
        heard.map_or(NEVER, |heard| self.now.min(heard.now()) - MARGIN)
    }

    pub(crate) fn after(&self, duration: Duration) -> i64 {
        (self.now + milliseconds(duration)).min(END_OF_TIME)
    }

    /// The latest end that a lease of this duration can have now, unless the service's clock was heard just now.
    pub(crate) fn latest(&self, duration: Duration, heard: Option<Heard>) -> i64 {
        heard.map_or_else(|| self.after(duration) + MARGIN, |_| END_OF_TIME)
    }

    /// What the answer told of the service's time.
    pub(crate) fn heard(&self) -> Option<Heard> {
        self.heard.get().copied()
    }

    fn hear(&self, date: i64, received: i64) {
        self.date.store(date, Ordering::Relaxed);
        let (latest, since) = (date + SECOND, Instant::now());
        self.heard.get_or_init(|| Heard { latest, since });
        self.clock.observe(date, self.local, received);
    }

    /// Whether answers since have shown that this time was not the service's.
    pub(crate) fn turned_out_wrong(&self) -> bool {
        let expected = self.now + milliseconds(self.sent.elapsed());
        (self.clock.now() - expected).abs() > MARGIN
    }

    /// Whether the answer shows that this time was not the service's: a function that was frozen may wake with
    /// an old idea of it.
    pub(crate) fn was_off(&self) -> bool {
        let date = self.date.load(Ordering::Relaxed);
        let taken = milliseconds(self.sent.elapsed());
        date != i64::MIN && is_off(self.now, date, taken)
    }

    /// Reads the answer's `Date`.
    pub(crate) fn watch(&self) -> Watch {
        Watch(self.clone())
    }
}

fn is_off(now: i64, date: i64, taken: i64) -> bool {
    now < date - taken - MARGIN || now > date + SECOND + MARGIN
}

#[derive(Debug)]
pub(crate) struct Watch(Moment);

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "IdempotencyClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(date) = date.and_then(|date| date.to_millis().ok()) {
            let Self(moment) = self;
            moment.hear(date, wall());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_moves_no_further_than_a_date_says() {
        // Sent at 10.2 s and received at 10.3 s; the service says 10.
        assert_eq!(corrected(0, 10_000, 10_200, 10_300), 0);
        assert_eq!(corrected(500, 10_000, 10_200, 10_300), 500);
        assert_eq!(corrected(5_000, 10_000, 10_200, 10_300), 800);
        assert_eq!(corrected(-5_000, 10_000, 10_200, 10_300), -300);
        // The service is an hour ahead, and behind.
        assert_eq!(corrected(0, 3_610_000, 10_200, 10_300), 3_599_700);
        assert_eq!(corrected(0, 0, 3_610_200, 3_610_300), -3_609_200);
    }

    #[test]
    fn answers_at_other_parts_of_a_second_make_it_exact() {
        let skew = 7_300;
        let mut found = 0;
        for now in (0..3_000).step_by(10) {
            let date = (now + skew) / SECOND * SECOND;
            found = corrected(found, date, now, now);
        }
        assert!((found - skew).abs() <= 10, "{found}");
    }

    #[test]
    fn a_clock_that_is_set_back_meanwhile_panics_nowhere() {
        assert_eq!(corrected(0, 10_000, 99_000, 10_300), 0);
    }

    #[test]
    fn a_time_is_off_beyond_the_margin() {
        // A `Date` of 10 is written from 10.0 s to 10.999 s.
        for (now, taken, off) in [
            (10_500, 0, false),
            (8_000, 0, false),
            (7_999, 0, true),
            (7_000, 1_000, false),
            (13_000, 0, false),
            (13_001, 0, true),
        ] {
            assert_eq!(is_off(now, 10_000, taken), off, "{now}");
        }
    }

    /// Whether what is over, and what counts, is so by the service's clock, which is this much ahead of the host's.
    fn is_bounded(clock: &Arc<Clock>, heard: Option<Heard>, skew: i64) -> bool {
        // The machine may take some time for this test.
        let service = wall() + skew + 100;
        let over = clock.moment().over_if(heard);
        over <= service + SECOND - MARGIN && clock.now_heard(heard) <= service + SECOND
    }

    #[test]
    fn a_clock_that_is_set_forward_during_a_call_takes_nothing_over_early() {
        let clock = Arc::new(Clock::default());
        // The host was an hour behind, which its skew says, and is no more when the answer arrives.
        clock.skew.store(3_600_000, Ordering::Relaxed);
        let mut moment = clock.moment();
        assert!(moment.heard().is_none());
        moment.local -= 3_600_000;
        moment.hear(wall() / SECOND * SECOND, wall());
        assert!(is_bounded(&clock, moment.heard(), 0));
    }

    #[test]
    fn a_host_ahead_takes_nothing_over_early_by_a_request_that_was_slow() {
        let clock = Arc::new(Clock::default());
        let mut moment = clock.moment();
        // The host is 6 s ahead; the request took 5 s to arrive, and its answer nothing.
        moment.local -= 5_000;
        moment.hear(wall() - 6_000, wall());
        assert!(is_bounded(&clock, moment.heard(), -6_000));
    }

    #[test]
    fn nothing_is_over_before_the_time_was_heard() {
        let moment = Arc::new(Clock::default()).moment();
        assert_eq!((moment.over_if(None), moment.now_if(None)), (NEVER, NEVER));
    }

    #[test]
    fn a_time_turns_out_wrong_by_what_is_heard_later() {
        for (skew, wrong) in [(0, false), (1_500, false), (5_000, true), (-5_000, true)] {
            let clock = Arc::new(Clock::default());
            let (first, second) = (clock.moment(), clock.moment());
            second.hear(wall() + skew, wall());
            assert_eq!(first.turned_out_wrong(), wrong, "{skew}");
        }
    }

    #[test]
    fn durations_are_rounded_up_and_bounded() {
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::from_millis(7)), 7);
        assert_eq!(milliseconds(Duration::MAX), END_OF_TIME);
        let moment = Arc::new(Clock::default()).moment();
        assert_eq!(moment.after(Duration::MAX), END_OF_TIME);
    }
}
