//! Sizes and checks of linear algebra.

use crate::core::Dims;
use crate::op::Meta;
use crate::pointwise::{broadcast, common_device, fresh};
use crate::tensor::Tensor;
use corten_base::{DType, Result, fail};
use smallvec::smallvec;

/// Refuses integers, halves, and what is no matrix.
fn matrices(name: &str, a: &Tensor) -> Result<()> {
    if a.ndim() < 2 {
        fail!(Runtime, "{name}: The input tensor A must have at least 2 dimensions.");
    }
    if !a.dtype().is_differentiable() {
        fail!(Runtime, "{name}: Expected a floating point or complex tensor as input. Got {}", a.dtype().scalar_name());
    }
    if matches!(a.dtype(), DType::F16 | DType::BF16) {
        fail!(Runtime, "{name}: Low precision dtypes not supported. Got {}", a.dtype().scalar_name());
    }
    Ok(())
}

fn square(name: &str, a: &Tensor) -> Result<()> {
    matrices(name, a)?;
    let (_, rows, columns) = parts(a);
    if rows != columns {
        fail!(Runtime, "{name}: A must be batches of square matrices, but they are {rows} by {columns} matrices");
    }
    Ok(())
}

/// Batch sizes, rows and columns.
fn parts(a: &Tensor) -> (&[i64], i64, i64) {
    let (batch, matrix) = a.sizes().split_at(a.ndim() - 2);
    (batch, matrix[0], matrix[1])
}

fn joined(batch: &[i64], rest: &[i64]) -> Dims {
    batch.iter().chain(rest).copied().collect()
}

/// Refuses the choice of an algorithm, which only CUDA has.
pub fn no_driver(driver: Option<&str>) -> Result<()> {
    if driver.is_some() {
        fail!(
            Runtime,
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
        );
    }
    Ok(())
}

/// `meta` of `linalg_svd`.
pub fn svd(a: &Tensor, full: bool) -> Result<Meta> {
    matrices("linalg.svd", a)?;
    let (batch, m, n) = parts(a);
    let k = m.min(n);
    let (u, v) = if full { (m, n) } else { (k, k) };
    Ok(smallvec![
        fresh(a, joined(batch, &[m, u]), a.dtype()),
        fresh(a, joined(batch, &[k]), a.dtype().to_real()),
        fresh(a, joined(batch, &[v, n]), a.dtype()),
    ])
}

/// `meta` of `linalg_qr`.
pub fn qr(a: &Tensor, mode: &str) -> Result<Meta> {
    matrices("linalg.qr", a)?;
    let (batch, m, n) = parts(a);
    let k = m.min(n);
    let (q, r) = match mode {
        "reduced" => (joined(batch, &[m, k]), joined(batch, &[k, n])),
        "complete" => (joined(batch, &[m, m]), joined(batch, &[m, n])),
        "r" => (smallvec![0], joined(batch, &[k, n])),
        _ => fail!(
            Runtime,
            "qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        ),
    };
    Ok(smallvec![fresh(a, q, a.dtype()), fresh(a, r, a.dtype())])
}

/// `meta` of `linalg_eigh`.
pub fn eigh(a: &Tensor, triangle: &str) -> Result<Meta> {
    square("linalg.eigh", a)?;
    if !matches!(triangle, "L" | "U" | "l" | "u") {
        fail!(Runtime, "Expected UPLO argument to be 'L' or 'U', but got {triangle}");
    }
    let (batch, n, _) = parts(a);
    Ok(smallvec![fresh(a, joined(batch, &[n]), a.dtype().to_real()), fresh(a, a.sizes(), a.dtype())])
}

/// `meta` of `linalg_eig`, with or without vectors.
pub fn eig(name: &str, a: &Tensor, vectors: bool) -> Result<Meta> {
    square(name, a)?;
    let (batch, n, _) = parts(a);
    let dtype = a.dtype().to_complex();
    let mut results: Meta = smallvec![fresh(a, joined(batch, &[n]), dtype)];
    if vectors {
        results.push(fresh(a, a.sizes(), dtype));
    }
    Ok(results)
}

/// `meta` of what makes square matrices of square matrices.
pub fn square_same(name: &str, a: &Tensor) -> Result<Meta> {
    square(name, a)?;
    Ok(smallvec![fresh(a, a.sizes(), a.dtype())])
}

/// `meta` of `linalg_det`.
pub fn det(a: &Tensor) -> Result<Meta> {
    square("linalg.det", a)?;
    Ok(smallvec![fresh(a, parts(a).0, a.dtype())])
}

/// `meta` of `linalg_slogdet`.
pub fn slogdet(a: &Tensor) -> Result<Meta> {
    square("linalg.slogdet", a)?;
    let batch = parts(a).0;
    Ok(smallvec![fresh(a, batch, a.dtype()), fresh(a, batch, a.dtype().to_real())])
}

/// `meta` of `linalg_solve`.
pub fn solve(a: &Tensor, b: &Tensor, left: bool) -> Result<Meta> {
    square("linalg.solve", a)?;
    common_device([a, b])?;
    if a.dtype() != b.dtype() {
        fail!(
            Runtime,
            "linalg.solve: Expected A and B to have the same dtype, but found A of type {} and B of type {} instead",
            a.dtype().scalar_name(),
            b.dtype().scalar_name()
        );
    }
    let (batch, n, _) = parts(a);
    let vector = b.ndim() == 1 || (b.ndim() + 1 == a.ndim() && b.sizes() == &a.sizes()[..a.ndim() - 1]);
    if vector {
        if !left {
            fail!(
                Runtime,
                "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)"
            );
        }
        if b.sizes()[b.ndim() - 1] != n {
            let rows = b.sizes()[b.ndim() - 1];
            fail!(
                Runtime,
                "linalg.solve: Incompatible shapes of A and B for the equation AX = B ({n}x{n} and {rows}x1)"
            );
        }
        return Ok(smallvec![fresh(b, joined(&broadcast([batch, &b.sizes()[..b.ndim() - 1]])?, &[n]), b.dtype())]);
    }
    if b.ndim() < 2 {
        fail!(Runtime, "linalg.solve: The input tensor B must have at least 2 dimensions.");
    }
    let (b_batch, rows, columns) = parts(b);
    if (if left { rows } else { columns }) != n {
        let equation = if left { "AX = B" } else { "XA = B" };
        fail!(
            Runtime,
            "linalg.solve: Incompatible shapes of A and B for the equation {equation} ({n}x{n} and {rows}x{columns})"
        );
    }
    Ok(smallvec![fresh(b, joined(&broadcast([batch, b_batch])?, &[rows, columns]), b.dtype())])
}

/// `meta` of `linalg_lu`.
pub fn lu(a: &Tensor, pivot: bool) -> Result<Meta> {
    matrices("linalg.lu", a)?;
    let (batch, m, n) = parts(a);
    let k = m.min(n);
    let p = if pivot { joined(batch, &[m, m]) } else { smallvec![0] };
    Ok(smallvec![
        fresh(a, p, a.dtype()),
        fresh(a, joined(batch, &[m, k]), a.dtype()),
        fresh(a, joined(batch, &[k, n]), a.dtype()),
    ])
}

/// `meta` of `linalg_lu_factor`.
pub fn lu_factor(a: &Tensor, pivot: bool) -> Result<Meta> {
    let _ = pivot;
    matrices("linalg.lu_factor", a)?;
    let (batch, m, n) = parts(a);
    Ok(smallvec![fresh(a, a.sizes(), a.dtype()), fresh(a, joined(batch, &[m.min(n)]), DType::I32)])
}
