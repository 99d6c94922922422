//! Texts that no other run has sent, and that another run with the same seed sends again.

use sha2::{Digest, Sha256};

/// Draws the tokens of one scenario.
#[derive(Debug)]
pub(crate) struct Tokens {
    seed: u64,
    scenario: &'static str,
}

impl Tokens {
    pub(crate) fn new(seed: u64, scenario: &'static str) -> Self {
        Self { seed, scenario }
    }

    /// The `number`th token of its kind: a letter and 20 hexadecimal digits, in lower case.
    pub(crate) fn token(&self, kind: char, number: usize) -> String {
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.scenario)
            .chain_update(format!("/{kind}/{number}"))
            .finalize();
        let digits = digest[..10].iter().map(|byte| format!("{byte:02x}"));
        std::iter::once(kind.to_string()).chain(digits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_depends_on_the_seed_the_scenario_its_kind_and_its_number() {
        let token = |seed, scenario, kind, number| Tokens::new(seed, scenario).token(kind, number);
        let first = token(1, "a", 'k', 0);
        assert_eq!(first.len(), 21);
        assert_eq!(first, token(1, "a", 'k', 0));
        for other in [
            token(2, "a", 'k', 0),
            token(1, "b", 'k', 0),
            token(1, "a", 'u', 0),
            token(1, "a", 'k', 1),
        ] {
            assert_ne!(first, other);
        }
    }
}
