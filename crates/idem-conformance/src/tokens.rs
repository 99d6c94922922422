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
        std::iter::once(kind.to_string())
            .chain([hexadecimal(&self.digest(kind, number)[..10])])
            .collect()
    }

    /// The `number`th token of its kind as a UUID, version 4 by its looks (RFC 9562).
    pub(crate) fn uuid(&self, kind: char, number: usize) -> String {
        let mut bytes = self.digest(kind, number);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let groups = [0..4, 4..6, 6..8, 8..10, 10..16];
        groups.map(|group| hexadecimal(&bytes[group])).join("-")
    }

    fn digest(&self, kind: char, number: usize) -> [u8; 32] {
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.scenario)
            .chain_update(format!("/{kind}/{number}"));
        digest.finalize().into()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_the_form_of_version_4() {
        for number in 0..50 {
            let uuid = Tokens::new(7, "a").uuid('k', number);
            let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
            assert_eq!(&uuid[14..15], "4");
            assert!("89ab".contains(&uuid[19..20]), "{uuid}");
        }
    }

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
