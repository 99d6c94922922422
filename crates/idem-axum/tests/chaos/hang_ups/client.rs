//! Clients that hang up at a random moment, and come back until they hold an answer.

use std::{io, net::SocketAddr, time::Duration};

use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use tokio::time::sleep;

use super::{
    ledger::{Ledger, Runs},
    tally::Tally,
};
use crate::wire::{self, Answer, Connection};

/// What a client does before it asks again.
const PAUSE: Duration = Duration::from_millis(2);

/// So often is a key called "in progress" at most while nobody runs it. Once would be too little: a
/// run that has ended is recorded a moment later.
const IDLE_ANSWERS: u32 = 200;

/// When a client hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Moment {
    InTheRequest,
    AfterTheRequest,
    WhileItRuns,
    InTheAnswer,
}

impl Moment {
    const ALL: [Self; 4] = [
        Self::InTheRequest,
        Self::AfterTheRequest,
        Self::WhileItRuns,
        Self::InTheAnswer,
    ];

    /// A client stays to the end one time in three.
    fn draw(draw: &mut StdRng) -> Option<Self> {
        if draw.random_ratio(1, 3) {
            return None;
        }
        Self::ALL.choose(draw).copied()
    }
}

/// All that clients share.
#[derive(Clone, Debug)]
pub(super) struct Street {
    pub(super) server: SocketAddr,
    pub(super) ledger: Ledger,
    pub(super) tally: Tally,
}

impl Street {
    /// Sends the order of a key until a whole answer says that it succeeded.
    pub(super) async fn insist(&self, key: &str, mut draw: StdRng) -> Answer {
        let request = wire::order(key);
        let mut patience = Patience::default();
        loop {
            let moment = patience.moment(&mut draw);
            let Some(answer) = self.attempt(&request, moment, &mut draw).await else {
                continue;
            };
            match answer.status {
                201 => return answer,
                202 => patience.wait(key, self.ledger.runs(key)).await,
                500 => assert!(!answer.is_replay(), "a failure of {key} was recorded"),
                _ => panic!("{key} got an answer that nothing explains: {answer:?}"),
            }
        }
    }

    /// Asks once; `None` if there is no whole answer.
    async fn attempt(
        &self,
        request: &[u8],
        moment: Option<Moment>,
        draw: &mut StdRng,
    ) -> Option<Answer> {
        let mut connection = Connection::open(self.server).await.ok()?;
        if let Some(moment) = moment {
            self.tally.hung_up(moment);
            // Whoever hangs up does not care what went wrong until then.
            let _ = hang_up(connection, request, moment, draw).await;
            return None;
        }
        let answer = connection.ask(request).await.ok();
        self.tally.stayed(answer.as_ref());
        answer
    }
}

async fn hang_up(
    mut connection: Connection,
    request: &[u8],
    moment: Moment,
    draw: &mut StdRng,
) -> io::Result<()> {
    if moment == Moment::InTheRequest {
        let part = draw.random_range(0..request.len());
        return connection.write(&request[..part]).await;
    }
    connection.write(request).await?;
    match moment {
        Moment::InTheRequest | Moment::AfterTheRequest => Ok(()),
        Moment::WhileItRuns => {
            sleep(Duration::from_millis(draw.random_range(0..8))).await;
            Ok(())
        }
        Moment::InTheAnswer => {
            connection.read_a_part(draw.random_range(1..64)).await?;
            Ok(())
        }
    }
}

/// How often a client was told to wait for nobody.
#[derive(Debug, Default)]
struct Patience {
    seen: Runs,
    idle: u32,
}

impl Patience {
    /// Who was told to wait for nobody hears the next answer to its end.
    fn moment(&self, draw: &mut StdRng) -> Option<Moment> {
        if self.idle > 0 {
            return None;
        }
        Moment::draw(draw)
    }

    async fn wait(&mut self, key: &str, runs: Runs) {
        assert_eq!(
            runs.cancelled, 0,
            "a run of {key} was cancelled by a hang-up"
        );
        let is_idle = runs == self.seen && runs.in_progress() == 0;
        self.idle = if is_idle { self.idle + 1 } else { 0 };
        self.seen = runs;
        assert!(
            self.idle < IDLE_ANSWERS,
            "{key} stays in progress although nobody runs it: {runs:?}"
        );
        sleep(PAUSE).await;
    }
}
