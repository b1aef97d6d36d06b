//! How messages write shapes.

/// `[2, 3]`.
pub fn sizes(sizes: &[i64]) -> String {
    let inner: Vec<String> = sizes.iter().map(i64::to_string).collect();
    format!("[{}]", inner.join(", "))
}
