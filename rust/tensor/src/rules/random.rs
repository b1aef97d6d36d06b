//! The default generator.

use crate::value::SharedGenerator;
use corten_random::Generator;
use std::sync::{Arc, Mutex, OnceLock};

/// PyTorch's default seed.
const SEED: u64 = 67_280_421_310_721;

/// The generator of random operators that are given none.
pub fn default_generator() -> &'static SharedGenerator {
    static DEFAULT: OnceLock<SharedGenerator> = OnceLock::new();
    DEFAULT.get_or_init(|| Arc::new(Mutex::new(Generator::new(SEED))))
}
