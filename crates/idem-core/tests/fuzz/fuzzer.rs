//! Mutates inputs, keeps those that do something new, and stops after a number of inputs or a time.

use std::{
    collections::HashSet,
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::{dice::Dice, edit::edit};

/// For how many seconds each fuzzer runs, instead of [`CASES`].
const SECONDS: &str = "FUZZ_SECONDS";

const CASES: usize = 10_000;

/// What is kept at a time, and the longest input: small ones find most, and faster.
const KEPT: usize = 2_000;
const LONGEST: usize = 4_096;

/// Runs one fuzzer. `run` panics where something is wrong, and otherwise answers what the input did:
/// an input that did something new is mutated further.
pub(crate) fn fuzz<T: Hash>(name: &str, pieces: &[&[u8]], run: impl Fn(&[u8], &mut Dice) -> T) {
    let begin = Instant::now();
    let budget = Budget::read();
    let mut dice = Dice::new(TestRng::from_seed(RngAlgorithm::XorShift, &budget.seed()));
    let mut seen = HashSet::new();
    let mut kept = seeds(name);
    assert!(!kept.is_empty(), "the corpus of `{name}` is not there");
    let mut executions = 0;
    for input in &kept {
        seen.insert(behaviour(name, input, &run));
        executions += 1;
    }
    while budget.lasts(executions, begin) {
        let input = mutate(&kept, pieces, &mut dice);
        executions += 1;
        if seen.insert(behaviour(name, &input, &run)) && kept.len() < KEPT {
            kept.push(input);
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{name}: {executions} executions in {seconds:.1} s, {} inputs kept",
        kept.len()
    );
}

enum Budget {
    Cases(usize),
    Time(Duration),
}

impl Budget {
    fn read() -> Self {
        match env::var(SECONDS) {
            Err(_) => Self::Cases(CASES),
            Ok(seconds) => {
                let seconds = seconds.parse().expect("FUZZ_SECONDS is a whole number");
                Self::Time(Duration::from_secs(seconds))
            }
        }
    }

    /// Tests are the same each time; whoever has time wants other inputs each time.
    fn seed(&self) -> [u8; 16] {
        match self {
            Self::Cases(_) => *b"the same inputs!",
            Self::Time(_) => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                now.unwrap_or_default().as_nanos().max(1).to_le_bytes()
            }
        }
    }

    fn lasts(&self, executions: usize, begin: Instant) -> bool {
        match self {
            Self::Cases(cases) => executions < *cases,
            Self::Time(time) => begin.elapsed() < *time,
        }
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut paths: Vec<PathBuf> = fs::read_dir(corpus.join(name))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn mutate(kept: &[Vec<u8>], pieces: &[&[u8]], dice: &mut Dice) -> Vec<u8> {
    let mut input = kept[dice.below(kept.len())].clone();
    for _ in 0..=dice.below(4) {
        input = match dice.below(8) {
            0 => splice(&input, &kept[dice.below(kept.len())], dice),
            _ => edit(&input, pieces, dice),
        };
    }
    input.truncate(LONGEST);
    input
}

/// The beginning of one input, and the end of another.
fn splice(one: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let (to, from) = (dice.below(one.len() + 1), dice.below(other.len() + 1));
    [&one[..to], &other[from..]].concat()
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What an input does. What else is random there follows from the input, so that it fails again.
fn behaviour<T: Hash>(name: &str, input: &[u8], run: impl Fn(&[u8], &mut Dice) -> T) -> u64 {
    let seed = (u128::from(hash(input)) | 1).to_le_bytes();
    let mut dice = Dice::new(TestRng::from_seed(RngAlgorithm::XorShift, &seed));
    match catch_unwind(AssertUnwindSafe(|| run(input, &mut dice))) {
        Ok(did) => hash(did),
        Err(panic) => {
            let file =
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{:x}", hash(input)));
            fs::write(&file, input).unwrap();
            println!(
                "{name} fails on {}:\n{}",
                file.display(),
                input.escape_ascii()
            );
            resume_unwind(panic)
        }
    }
}

/// A number's size alone: what differs in more is no new behaviour.
pub(crate) fn magnitude(number: usize) -> u32 {
    usize::BITS - number.leading_zeros()
}
