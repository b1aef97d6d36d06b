//! Steps against torch.optim's (golden.py writes golden.txt), in every layout, dtype and split of the work.

use corten_base::isa::{self, Isa};
use corten_base::{DType, Element, Memory, Operand, Scalar, bf16, f16, pool};
use corten_optim_kernels::*;

/// Runs three steps of the named rule on one parameter, as golden.py does, and answers the parameter.
fn three_steps<T: Element>(name: &str, p: &mut [T], gradients: &mut [Vec<T>], sizes: &[i64], strides: &[i64]) {
    let mut memory: [Vec<T>; 3] = std::array::from_fn(|_| vec![T::default(); p.len()]);
    for (step, g) in gradients.iter_mut().enumerate() {
        let op = |slice: &mut [T]| {
            // SAFETY: the slices outlive the step and nothing else touches them meanwhile.
            let memory = unsafe { Memory::from_raw(slice.as_mut_ptr().cast(), std::mem::size_of_val(slice)) };
            Operand::new(memory, T::DTYPE, 0, sizes, strides).unwrap()
        };
        let (p, g) = (op(p), op(g));
        let [a, b, c] = &mut memory;
        let (a, b, c) = (op(a), op(b), op(c));
        let number = step as f64 + 1.0;
        let base = Sgd { lr: 0.1, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false };
        let first =
            Adam { lr: 0.01, betas: (0.9, 0.999), eps: 1e-8, weight_decay: 0.0, maximize: false, decoupled: false };
        let root = Rmsprop { lr: 0.01, alpha: 0.99, eps: 1e-8, weight_decay: 0.0, momentum: 0.0, maximize: false };
        let with_sgd = |buffer, options: Sgd| sgd(&[SgdParam { p, g, buffer, first: step == 0 }], &options);
        let with_adam = |max_v, options: Adam| adam(&[AdamParam { p, g, m: a, v: b, max_v, step: number }], &options);
        let with_root =
            |mean, buffer, options: Rmsprop| rmsprop(&[RmspropParam { p, g, square: a, mean, buffer }], &options);
        match name {
            "sgd" => with_sgd(None, base),
            "sgd_momentum" => with_sgd(Some(a), Sgd { momentum: 0.9, dampening: 0.1, weight_decay: 0.01, ..base }),
            "sgd_nesterov" => with_sgd(Some(a), Sgd { momentum: 0.9, nesterov: true, maximize: true, ..base }),
            "adam" => with_adam(None, first),
            "adam_amsgrad" => with_adam(Some(c), Adam { weight_decay: 0.1, maximize: true, ..first }),
            "adamw" => with_adam(None, Adam { weight_decay: 0.1, decoupled: true, ..first }),
            "rmsprop" => with_root(None, None, root),
            "rmsprop_centered" => with_root(Some(b), Some(c), Rmsprop { momentum: 0.9, weight_decay: 0.1, ..root }),
            "adagrad" => {
                let options = Adagrad { lr: 0.1, lr_decay: 0.1, eps: 1e-10, weight_decay: 0.1, maximize: false };
                adagrad(&[AdagradParam { p, g, sum: a, step: number }], &options)
            }
            "adadelta" => {
                let options = Adadelta { lr: 1.0, rho: 0.9, eps: 1e-6, weight_decay: 0.1, maximize: false };
                adadelta(&[AdadeltaParam { p, g, square: a, delta: b }], &options)
            }
            other => panic!("{other}"),
        }
        .unwrap();
    }
}

fn check<T: Element>(name: &str, numbers: &[Vec<f64>], tolerance: f64) {
    let to = |values: &[f64]| values.iter().map(|&v| Scalar::Float(v).to()).collect::<Vec<T>>();
    for spread in [1, 2] {
        // Spread elements apart: the same numbers in another layout.
        let spaced = |values: &[f64]| to(values).into_iter().flat_map(|v| vec![v; spread]).collect::<Vec<T>>();
        let mut p = spaced(&numbers[0]);
        let mut gradients: Vec<Vec<T>> = numbers[1..4].iter().map(|g| spaced(g)).collect();
        three_steps(name, &mut p, &mut gradients, &[37], &[spread as i64]);
        for (got, expected) in p.iter().step_by(spread).zip(&numbers[4]) {
            let got = got.to_scalar().to_f64();
            assert!(
                (got - expected).abs() <= tolerance * expected.abs().max(0.1),
                "{name} {}: {got} {expected}",
                T::DTYPE
            );
        }
    }
}

#[test]
fn steps_as_pytorch_does() {
    let mut cases = 0;
    for line in include_str!("golden.txt").lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let numbers: Vec<Vec<f64>> =
            fields[2..].iter().map(|f| f.split(' ').map(|v| v.parse().unwrap()).collect()).collect();
        if fields[1] == "float64" {
            check::<f64>(fields[0], &numbers, 5e-16);
        } else {
            check::<f32>(fields[0], &numbers, 3e-7);
            // RMSprop and Adam leap where a half's squared gradient vanishes.
            if fields[0].starts_with("sgd") {
                check::<f16>(fields[0], &numbers, 4e-2);
                check::<bf16>(fields[0], &numbers, 2e-1);
            }
        }
        cases += 1;
    }
    assert_eq!(cases, 20);
}

#[test]
fn many_parameters_share_the_work() {
    let lengths = [3usize, 20_000, 0, 511, 512, 8192, 8193, 1, 70_001];
    let run = |threads: usize, path: Isa| {
        let best = isa::isa();
        pool::set_num_threads(threads);
        assert!(isa::force(path), "{path:?}");
        let mut arrays: Vec<[Vec<f32>; 4]> = lengths
            .iter()
            .map(|&n| std::array::from_fn(|k| (0..n).map(|i| ((i * 7 + k * 3) % 101) as f32 / 100.0).collect()))
            .collect();
        let sizes: Vec<[i64; 1]> = lengths.iter().map(|&n| [n as i64]).collect();
        let params: Vec<AdamParam> = arrays
            .iter_mut()
            .zip(&sizes)
            .map(|(four, size)| {
                let [p, g, m, v] = four;
                let [p, g, m, v] =
                    [p, g, m, v].map(|x| Operand::new(Memory::from_slice(x), DType::F32, 0, size, &[1]).unwrap());
                AdamParam { p, g, m, v, max_v: None, step: 3.0 }
            })
            .collect();
        let options =
            Adam { lr: 0.1, betas: (0.9, 0.99), eps: 1e-8, weight_decay: 0.1, maximize: false, decoupled: false };
        adam(&params, &options).unwrap();
        assert!(isa::force(best));
        drop(params);
        arrays
    };
    let one = run(1, isa::isa());
    assert!(one == run(2, isa::isa()) && one == run(1, Isa::Portable));
    // Each element is what it would be alone.
    for (four, n) in one.iter().zip(lengths) {
        for i in 0..n {
            assert_eq!(four[0][i], one[8][0][i]);
        }
    }
}

#[test]
fn refuses_what_does_not_fit() {
    let (mut a, mut b) = ([0f32; 4], [0f32; 4]);
    let p = Operand::new(Memory::from_slice(&mut a), DType::F32, 0, &[4], &[1]).unwrap();
    let g = Operand::new(Memory::from_slice(&mut b), DType::F32, 0, &[3], &[1]).unwrap();
    let options = Sgd { lr: 0.1, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false };
    assert!(sgd(&[SgdParam { p, g, buffer: None, first: true }], &options).is_err());
    assert!(sgd(&[SgdParam { p, g: p, buffer: None, first: true }], &options).is_err());
    let momentum = Sgd { momentum: 0.9, ..options };
    assert!(sgd(&[SgdParam { p, g: p, buffer: None, first: true }], &momentum).is_err());
    assert!(sgd(&[], &options).is_ok());
}
