//! What the command line of a bench without criterion asks for.

use std::env;

/// The arguments of such a bench.
#[derive(Debug, Default)]
pub struct Asked {
    /// Try each part, and measure little.
    pub is_test: bool,
    /// Rewrite the plots.
    pub plots: bool,
    parts: Vec<String>,
}

impl Asked {
    /// Reads the arguments of this process. What only criterion understands is named on the standard error, and has no
    /// effect.
    #[must_use]
    pub fn of_process() -> Self {
        let (asked, ignored) = Self::parse(env::args().skip(1));
        if !ignored.is_empty() {
            let ignored = ignored.join(" ");
            eprintln!(
                "{ignored}: only benches that use criterion take this, and this one does not"
            );
        }
        if asked.plots && cfg!(not(feature = "plots")) {
            eprintln!("--plots: plots are drawn with `--features plots`");
        }
        asked
    }

    fn parse(arguments: impl Iterator<Item = String>) -> (Self, Vec<String>) {
        let (mut asked, mut ignored) = (Self::default(), Vec::new());
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // What cargo adds to each bench.
                "--bench" => {}
                "--test" => asked.is_test = true,
                "--plots" => asked.plots = true,
                flag if flag.starts_with('-') => {
                    let takes_a_value = WITH_VALUE.contains(&flag);
                    ignored.push(argument);
                    ignored.extend(arguments.next_if(|_| takes_a_value));
                }
                _ => asked.parts.push(argument),
            }
        }
        (asked, ignored)
    }

    /// The parts that are asked for by a piece of their names, or all.
    pub fn parts<'p, T>(&self, parts: &'p [(&str, T)]) -> impl Iterator<Item = &'p (&'p str, T)> {
        let is_asked =
            |name: &str| self.parts.is_empty() || self.parts.iter().any(|part| name.contains(part));
        parts.iter().filter(move |(name, _)| is_asked(name))
    }
}

/// The arguments of criterion that another one follows.
const WITH_VALUE: [&str; 14] = [
    "--baseline",
    "--baseline-lenient",
    "--color",
    "--confidence-level",
    "--load-baseline",
    "--measurement-time",
    "--noise-threshold",
    "--nresamples",
    "--output-format",
    "--profile-time",
    "--sample-size",
    "--save-baseline",
    "--significance-level",
    "--warm-up-time",
];

#[cfg(test)]
mod tests {
    use super::Asked;

    fn parse(arguments: &str) -> (Asked, Vec<String>) {
        Asked::parse(arguments.split_whitespace().map(String::from))
    }

    #[test]
    fn a_name_chooses_parts() {
        let (asked, ignored) = parse("--bench mem");
        let parts = [("fingerprint", 1), ("memory", 2)];
        let chosen: Vec<_> = asked.parts(&parts).map(|(_, part)| *part).collect();
        assert_eq!((chosen, ignored.len()), (vec![2], 0));
    }

    #[test]
    fn criterions_arguments_choose_no_part() {
        let (asked, ignored) = parse("--save-baseline mem --quiet");
        assert_eq!(ignored, ["--save-baseline", "mem", "--quiet"]);
        assert_eq!(asked.parts(&[("fingerprint", 1)]).count(), 1);
    }
}
