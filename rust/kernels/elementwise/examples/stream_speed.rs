//! What a core's streams of numbers can reach: the plainest loops, with prefetching and with stores past the caches.
//!
//! `cargo run --release -p corten-elementwise --example stream_speed [numbers]`: microseconds, the least and the middle of 400.
//! The arrays lie on pages of the usual size, or on huge ones where the system gives them to every program.

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;
    use std::time::Instant;

    const LANES: usize = 8;
    const STEP: usize = 8 * LANES;

    /// Stores as usual.
    const PLAIN: u8 = 0;
    /// Stores that leave the caches alone.
    const PAST: u8 = 1;

    /// Asks for the lines of the next step, `AHEAD` bytes on.
    #[inline(always)]
    fn fetch<const AHEAD: usize>(at: *const f32) {
        if AHEAD > 0 {
            for line in 0..STEP / 16 {
                // SAFETY: a prefetch of any address is harmless.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(line * 16 + AHEAD / 4).cast()) };
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn sum<const AHEAD: usize>(x: &[f32]) -> __m256 {
        let mut sums = [_mm256_setzero_ps(); STEP / LANES];
        for x in x.chunks_exact(STEP) {
            fetch::<AHEAD>(x.as_ptr());
            for (k, sum) in sums.iter_mut().enumerate() {
                // SAFETY: a chunk has so many numbers.
                *sum = _mm256_add_ps(*sum, unsafe { _mm256_loadu_ps(x.as_ptr().add(k * LANES)) });
            }
        }
        let mut total = sums[0];
        for &sum in &sums[1..] {
            total = _mm256_add_ps(total, sum);
        }
        total
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn store<const HOW: u8>(to: &mut [f32], k: usize, value: __m256) {
        let to = &mut to[k * LANES..][..LANES];
        // SAFETY: there are as many numbers; the arrays begin at multiples of a vector, as `array` asks for.
        unsafe {
            match HOW {
                PAST => _mm256_stream_ps(to.as_mut_ptr(), value),
                _ => _mm256_storeu_ps(to.as_mut_ptr(), value),
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn add<const AHEAD: usize, const HOW: u8>(z: &mut [f32], x: &[f32], y: &[f32]) {
        for ((z, x), y) in z.chunks_exact_mut(STEP).zip(x.chunks_exact(STEP)).zip(y.chunks_exact(STEP)) {
            fetch::<AHEAD>(x.as_ptr());
            fetch::<AHEAD>(y.as_ptr());
            for k in 0..STEP / LANES {
                // SAFETY: chunks have so many numbers.
                let [x, y] = [x, y].map(|from| unsafe { _mm256_loadu_ps(from.as_ptr().add(k * LANES)) });
                store::<HOW>(z, k, _mm256_add_ps(x, y));
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn fill<const HOW: u8>(z: &mut [f32]) {
        for z in z.chunks_exact_mut(STEP) {
            for k in 0..STEP / LANES {
                store::<HOW>(z, k, _mm256_set1_ps(1.0));
            }
        }
    }

    fn time(name: &str, mut run: impl FnMut()) {
        let mut times: Vec<f64> = (0..400)
            .map(|_| {
                let start = Instant::now();
                run();
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{name:32} {:8.1} {:8.1}", times[0], times[200]);
    }

    /// Ones, from a multiple of a cache line on.
    fn array(room: &mut Vec<f32>, count: usize) -> &mut [f32] {
        *room = vec![1.0; count + 16];
        let first = room.as_ptr().align_offset(64);
        &mut room[first..][..count]
    }

    pub fn run(count: usize) {
        let (mut x, mut y, mut z) = (Vec::new(), Vec::new(), Vec::new());
        let (x, y, z) = (array(&mut x, count), array(&mut y, count), array(&mut z, count));
        // SAFETY: `main` asked whether the processor has AVX2.
        unsafe {
            time("sum", || _ = black_box(sum::<0>(x)));
            time("sum, 1 KiB fetched ahead", || _ = black_box(sum::<1024>(x)));
            time("sum, 4 KiB fetched ahead", || _ = black_box(sum::<4096>(x)));
            time("fill", || fill::<PLAIN>(black_box(z)));
            time("fill past the caches", || fill::<PAST>(black_box(z)));
            time("add", || add::<0, PLAIN>(black_box(z), x, y));
            time("add, 1 KiB fetched ahead", || add::<1024, PLAIN>(black_box(z), x, y));
            time("add, 4 KiB fetched ahead", || add::<4096, PLAIN>(black_box(z), x, y));
            time("add past the caches", || add::<0, PAST>(black_box(z), x, y));
        }
    }
}

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        return x86::run(count);
    }
    println!("no AVX2 for streams of {count} numbers");
}
