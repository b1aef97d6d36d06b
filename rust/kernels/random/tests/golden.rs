//! The same numbers as PyTorch (golden.py writes golden.txt): everything but logarithms and sines bit for bit.

use corten_base::{DType, Memory, Operand, Result, with_dtype};
use corten_random::*;

struct Case<'a> {
    name: &'a str,
    dtype: DType,
    sizes: Vec<i64>,
    strides: Vec<i64>,
    args: Vec<f64>,
    values: Vec<f64>,
    following: i64,
}

fn parse(line: &str) -> Case<'_> {
    let mut fields = line.split('|');
    let mut next = || fields.next().expect("seven fields");
    let ints = |text: &str| text.split(',').filter(|t| !t.is_empty()).map(|t| t.parse().unwrap()).collect();
    let floats = |text: &str| text.split_whitespace().map(|t| t.parse().unwrap()).collect();
    Case {
        name: next(),
        dtype: DType::from_name(next()).unwrap(),
        sizes: ints(next()),
        strides: ints(next()),
        args: floats(next()),
        values: floats(next()),
        following: next().parse().unwrap(),
    }
}

/// The elements of `memory` in row-major order, as doubles (parts of complex numbers one by one).
fn read(dtype: DType, memory: &[u64], sizes: &[i64], strides: &[i64]) -> Vec<f64> {
    let parts = if dtype.is_complex() { 2 } else { 1 };
    let mut offsets = vec![0i64];
    for (&size, &stride) in sizes.iter().zip(strides) {
        offsets = offsets.iter().flat_map(|o| (0..size).map(move |i| o + i * stride)).collect();
    }
    let positions = offsets.iter().flat_map(|o| (0..parts).map(move |p| (o * parts + p) as usize));
    with_dtype!(dtype.to_real(), T => {
        let bytes: Vec<u8> = memory.iter().flat_map(|w| w.to_ne_bytes()).collect();
        positions.map(|at| {
            let mut one = [T::default()];
            // SAFETY: the element's bytes lie inside `bytes`, and any bytes are a T.
            unsafe { std::ptr::copy_nonoverlapping(bytes[at * size_of::<T>()..][..size_of::<T>()].as_ptr(), one.as_mut_ptr().cast(), size_of::<T>()) };
            corten_base::Element::to_scalar(one[0]).to_f64()
        }).collect()
    })
}

fn run(case: &Case, out: Operand, generator: &mut Generator) -> Result<()> {
    let args = &case.args;
    let weights = |dtype: DType,
                   sizes: &[i64],
                   values: &[f64],
                   generator: &mut Generator,
                   go: &dyn Fn(Operand, &mut Generator) -> Result<()>| {
        let strides: Vec<i64> = if sizes.len() == 2 { vec![sizes[1], 1] } else { vec![1] };
        with_dtype!(dtype, T => {
            let mut data: Vec<T> = values.iter().map(|&v| corten_base::Scalar::Float(v).to()).collect();
            go(Operand::new(Memory::from_slice(&mut data), dtype, 0, sizes, &strides)?, generator)
        })
    };
    match case.name {
        "uniform" => uniform(out, generator, args[0], args[1]),
        "normal" => normal(out, generator, args[0], args[1]),
        "exponential" => exponential(out, generator, args[0]),
        "cauchy" => cauchy(out, generator, args[0], args[1]),
        "log_normal" => log_normal(out, generator, args[0], args[1]),
        "geometric" => geometric(out, generator, args[0]),
        "bernoulli" => bernoulli_scalar(out, generator, args[0]),
        "random" if args.is_empty() => random_full(out, generator),
        "random" => random_from_to(out, generator, args[0] as i64, (args[1] - args[0]) as u64),
        "randperm" => randperm(out, generator),
        "poisson" => weights(case.dtype, &case.sizes, args, generator, &|x, g| poisson(out, x, g)),
        "bernoulli_tensor" => weights(case.dtype, &case.sizes, args, generator, &|x, g| bernoulli_tensor(out, x, g)),
        name => {
            let dtype = DType::from_name(name.strip_prefix("multinomial_").unwrap()).unwrap();
            let values: Vec<f64> = (1..25).map(f64::from).collect();
            weights(dtype, &[2, 12], &values, generator, &|x, g| multinomial(out, x, args[0] != 0.0, g))
        }
    }
}

#[test]
fn draws_what_pytorch_draws() {
    let mut cases = 0;
    for line in include_str!("golden.txt").lines().filter(|l| !l.starts_with("state")) {
        let case = parse(line);
        let mut memory = vec![0u64; 2 * case.values.len() + 2];
        let mut generator = Generator::new(42);
        let out = Operand::new(Memory::from_slice(&mut memory), case.dtype, 0, &case.sizes, &case.strides).unwrap();
        run(&case, out, &mut generator).unwrap();
        let got = read(case.dtype, &memory, &case.sizes, &case.strides);
        let tolerance = match (case.name, case.dtype) {
            ("normal" | "exponential" | "cauchy" | "log_normal", DType::F64 | DType::C128) => 1e-14,
            ("normal" | "exponential" | "cauchy" | "log_normal", DType::F32 | DType::C64) => 6e-7,
            _ => 0.0,
        };
        for (i, (&got, &expected)) in got.iter().zip(&case.values).enumerate() {
            let error = (got - expected).abs();
            assert!(error <= tolerance * expected.abs().max(1.0), "{line}\nelement {i}: {got} for {expected}");
        }
        assert_eq!(got.len(), case.values.len());
        assert_eq!((generator.random64() & (i64::MAX as u64)) as i64, case.following, "{line}");
        cases += 1;
    }
    assert!(cases > 80);
}

#[test]
fn saves_and_restores_pytorchs_state() {
    let mut generator = Generator::new((1 << 40) + 7);
    let (mut five, mut thousand) = ([0f32; 5], [0f32; 1000]);
    normal(Operand::new(Memory::from_slice(&mut five), DType::F32, 0, &[5], &[1]).unwrap(), &mut generator, 0.0, 1.0)
        .unwrap();
    uniform(
        Operand::new(Memory::from_slice(&mut thousand), DType::F32, 0, &[1000], &[1]).unwrap(),
        &mut generator,
        0.0,
        1.0,
    )
    .unwrap();
    let state = generator.get_state();
    assert_eq!(state.len(), STATE_BYTES);
    for line in include_str!("golden.txt").lines().filter(|l| l.starts_with("state")) {
        let case = parse(line);
        let expected: Vec<u8> = case.values.iter().map(|&v| v as u8).collect();
        // The second line was written after its first had drawn two words.
        if case.name == "state" {
            assert_eq!(state[..48], expected[..]);
            generator.random64();
        } else {
            assert_eq!(generator.get_state()[STATE_BYTES - 64..], expected[..]);
        }
    }
    let mut other = Generator::new(0);
    other.set_state(&generator.get_state()).unwrap();
    assert_eq!(other.get_state(), generator.get_state());
    assert_eq!(other.random(), generator.random());
    assert!(other.set_state(&[0; 12]).is_err() && other.set_state(&[0xff; STATE_BYTES]).is_err());
}

#[test]
fn blocks_draw_the_words_of_single_draws() {
    let (mut single, mut block) = (Generator::new(5), Generator::new(5));
    for count in [1, 3, 623, 624, 625, 2000, 0, 7] {
        let mut words = vec![0; count];
        block.fill(&mut words);
        assert!(words.iter().all(|&w| w == single.random()));
    }
    assert_ne!(single.seed(), single.clone().seed());
    assert!(single.initial_seed() < 1 << 53);
}

#[test]
fn refuses_bad_parameters() {
    let mut data = [0f32; 4];
    let out = Operand::new(Memory::from_slice(&mut data), DType::F32, 0, &[4], &[1]).unwrap();
    let g = &mut Generator::new(0);
    assert!(uniform(out, g, 1.0, 0.0).is_err() && uniform(out, g, 0.0, 1e300).is_err());
    assert!(normal(out, g, 0.0, -1.0).is_err() && exponential(out, g, 0.0).is_err());
    assert!(geometric(out, g, 1.0).is_err() && bernoulli_scalar(out, g, f64::NAN).is_err());
    assert!(multinomial(out, out, true, g).is_err() && poisson(out, out, g).is_ok());
}
