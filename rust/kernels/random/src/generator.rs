//! The mt19937 generator with PyTorch's state: seeding, drawing, saving and restoring.

use corten_base::{Result, fail, multiversion};
use std::hash::{BuildHasher, Hasher, RandomState};

const N: usize = 624;
const M: usize = 397;

/// Bytes of a saved state: seed, `left`, `seeded`, `next`, 624 words of 8 bytes, the cached normals.
pub const STATE_BYTES: usize = 5056;

/// PyTorch's CPU generator: mt19937 (Matsumoto and Nishimura, 1998) with 32-bit outputs, and the second halves of
/// Box–Muller pairs that single normals leave behind.
#[derive(Clone, Debug)]
pub struct Generator {
    state: [u32; N],
    /// One more than the words left, as PyTorch counts: 1 asks for the next 624.
    left: usize,
    next: usize,
    seed: u64,
    pub(crate) cached_normal: Option<f64>,
    cached_normal_f32: Option<f32>,
}

impl Generator {
    /// A generator seeded with `seed`, of which mt19937 takes the low 32 bits.
    pub fn new(seed: u64) -> Self {
        let mut state = [0; N];
        state[0] = seed as u32;
        for i in 1..N {
            let previous: u32 = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(i as u32);
        }
        Generator { state, left: 1, next: 0, seed, cached_normal: None, cached_normal_f32: None }
    }

    /// Starts over from `seed`.
    pub fn manual_seed(&mut self, seed: u64) {
        *self = Generator::new(seed);
    }

    /// The seed of the last [`manual_seed`](Self::manual_seed), [`seed`](Self::seed) or [`new`](Self::new).
    pub fn initial_seed(&self) -> u64 {
        self.seed
    }

    /// Starts over from a seed of the system's entropy, and returns it: 53 bits, so that a double holds it.
    pub fn seed(&mut self) -> u64 {
        // The standard library keys its hashers from the system's random source.
        let mut hasher = RandomState::new().build_hasher();
        if let Ok(now) = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            hasher.write_u128(now.as_nanos());
        }
        let seed = hasher.finish() >> 11;
        self.manual_seed(seed);
        seed
    }

    /// The state in the bytes of `torch.get_rng_state()`.
    pub fn get_state(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(STATE_BYTES);
        bytes.extend_from_slice(&self.seed.to_le_bytes());
        bytes.extend_from_slice(&(self.left as i32).to_le_bytes());
        bytes.extend_from_slice(&1i32.to_le_bytes());
        bytes.extend_from_slice(&(self.next as u64).to_le_bytes());
        for word in self.state {
            bytes.extend_from_slice(&(word as u64).to_le_bytes());
        }
        for double in [0.0, self.cached_normal.unwrap_or(0.0), 0.0] {
            bytes.extend_from_slice(&f64::to_le_bytes(double));
        }
        bytes.extend_from_slice(&(self.cached_normal.is_some() as u64).to_le_bytes());
        bytes.extend_from_slice(&self.cached_normal_f32.unwrap_or(0.0).to_le_bytes());
        bytes.extend_from_slice(&(self.cached_normal_f32.is_some() as u32).to_le_bytes());
        bytes
    }

    /// Restores a state of [`get_state`](Self::get_state) or `torch.get_rng_state()`; refuses other bytes.
    pub fn set_state(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() != STATE_BYTES {
            fail!(
                Runtime,
                "Expected a CPUGeneratorImplState of size {STATE_BYTES} but found the input RNG state size to be {}",
                bytes.len()
            );
        }
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let (left, seeded) = (word(8) as u32 as usize, (word(8) >> 32) as u32);
        let next = word(16) as u32 as usize;
        // `left` words lie before the end, counted from `next`; a fresh seed has none (left 1, next 0).
        if seeded != 1 || left == 0 || left > N || next > N || left - 1 > N - next {
            fail!(Runtime, "Invalid mt19937 state");
        }
        let cached = |valid: bool, value: f64| valid.then_some(value);
        *self = Generator {
            state: std::array::from_fn(|i| word(24 + 8 * i) as u32),
            left,
            next,
            seed: word(0),
            cached_normal: cached(word(5040) as u32 != 0, f64::from_bits(word(5024))),
            cached_normal_f32: (bytes[5052] != 0).then(|| f32::from_bits(word(5048) as u32)),
        };
        Ok(())
    }

    /// The next 32 bits.
    #[inline]
    pub fn random(&mut self) -> u32 {
        if self.left == 1 {
            regenerate(&mut self.state);
            (self.left, self.next) = (N + 1, 0);
        }
        let word = self.state[self.next];
        self.left -= 1;
        self.next += 1;
        temper(word)
    }

    /// The next 64 bits: two draws, high word first.
    #[inline]
    pub fn random64(&mut self) -> u64 {
        let high = self.random();
        (high as u64) << 32 | self.random() as u64
    }

    /// The next `out.len()` words, the same that as many calls of [`random`](Self::random) give.
    pub fn fill(&mut self, out: &mut [u32]) {
        let mut done = 0;
        while done < out.len() {
            if self.left == 1 {
                regenerate(&mut self.state);
                (self.left, self.next) = (N + 1, 0);
            }
            let count = (self.left - 1).min(out.len() - done);
            temper_all(&self.state[self.next..self.next + count], &mut out[done..done + count]);
            self.next += count;
            self.left -= count;
            done += count;
        }
    }

    /// A uniform double of 53 bits in [0, 1).
    #[inline]
    pub(crate) fn uniform(&mut self) -> f64 {
        let high = self.random();
        unit_f64(high, self.random())
    }

    /// As many of [`uniform`](Self::uniform) as `out` holds.
    pub(crate) fn uniforms(&mut self, out: &mut [f64]) {
        let mut words = [0; 512];
        for out in out.chunks_mut(words.len() / 2) {
            let words = &mut words[..2 * out.len()];
            self.fill(words);
            pairs_to_units(words, out);
        }
    }

    /// A standard normal in double precision; every second one comes from the cache.
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(cached) = self.cached_normal.take() {
            return cached;
        }
        let (u1, u2) = (self.uniform(), self.uniform());
        let radius = (-2.0 * libm::log1p(-u2)).sqrt();
        let theta = 2.0 * std::f64::consts::PI * u1;
        self.cached_normal = Some(radius * libm::sin(theta));
        radius * libm::cos(theta)
    }
}

/// The low 53 bits of 64, given as two words, as a double in [0, 1).
#[inline(always)]
pub(crate) fn unit_f64(high: u32, low: u32) -> f64 {
    // Every step is exact; signed 32-bit integers are what vector units convert.
    let low = (low ^ 0x8000_0000) as i32 as f64 + 2_147_483_648.0;
    let high = (high & 0x1f_ffff) as i32 as f64 * 4_294_967_296.0;
    (high + low) * (1.0 / (1u64 << 53) as f64)
}

multiversion! {
    fn pairs_to_units(words: &[u32], out: &mut [f64]) {
        for (out, pair) in out.iter_mut().zip(words.chunks_exact(2)) {
            *out = unit_f64(pair[0], pair[1]);
        }
    }
}

#[inline(always)]
fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}

#[inline(always)]
fn twist(upper: u32, lower: u32) -> u32 {
    let mixed = (upper & 0x8000_0000) | (lower & 0x7fff_ffff);
    (mixed >> 1) ^ ((lower & 1).wrapping_neg() & 0x9908_b0df)
}

multiversion! {
    fn temper_all(state: &[u32], out: &mut [u32]) {
        for (out, &word) in out.iter_mut().zip(state) {
            *out = temper(word);
        }
    }
}

multiversion! {
    /// The next 624 words. Each depends on words ahead of it and on new ones 227 behind, so runs of up to 227 vectorise.
    fn regenerate(state: &mut [u32; N]) {
        let old = *state;
        for i in 0..N - M {
            state[i] = old[i + M] ^ twist(old[i], old[i + 1]);
        }
        let mut start = N - M;
        while start < N - 1 {
            let end = (start + N - M).min(N - 1);
            let (new, rest) = state.split_at_mut(start);
            let behind = &new[start - (N - M)..];
            for (i, word) in rest[..end - start].iter_mut().enumerate() {
                *word = behind[i] ^ twist(old[start + i], old[start + i + 1]);
            }
            start = end;
        }
        state[N - 1] = state[M - 1] ^ twist(old[N - 1], state[0]);
    }
}
