//! Random numbers that repeat for the same seed.

use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};

/// A seeded source of random numbers.
#[derive(Debug, Clone)]
pub struct Rng(StdRng);

impl Rng {
    /// Starts from a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// True with the given probability; values outside 0 to 1 are clamped.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability.clamp(0.0, 1.0))
    }

    /// A number from `low` to `high`, both included; `low` if the range is empty.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        if high <= low { low } else { self.0.random_range(low..=high) }
    }

    /// One of the choices, `None` if there are none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let last = i64::try_from(choices.len()).ok()?.checked_sub(1)?;
        choices.get(usize::try_from(self.range(0, last)).ok()?)
    }

    /// This many random bytes as lower-case hexadecimal digits.
    pub fn hex(&mut self, bytes: usize) -> String {
        let mut buffer = vec![0_u8; bytes];
        self.0.fill_bytes(&mut buffer);
        hex::encode(buffer)
    }

    /// A random version 4 UUID.
    pub fn uuid(&mut self) -> uuid::Uuid {
        let mut bytes = [0_u8; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
