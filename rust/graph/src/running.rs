//! The passes that run on this thread, and which nodes they reach.

use crate::node::{Edge, Node};
use corten_tensor::Tensor;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Addresses are well spread already: one multiplication mixes them.
#[derive(Default)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte as u64);
        }
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0 ^ x).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_right(20);
    }
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
}

/// A set of nodes, by address.
pub type Addresses = HashSet<usize, BuildHasherDefault<AddressHasher>>;

/// A node's address.
pub fn address(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node) as usize
}

/// A pass that runs.
struct Running {
    number: u64,
    roots: SmallVec<[Arc<Node>; 1]>,
    /// Gradients are given at targets instead of accumulated in leaves.
    targets: Option<Vec<Arc<Node>>>,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// Passes nest: the last one is running.
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}

/// Ends the pass when dropped.
pub struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        let last = RUNNING.with(|passes| passes.borrow_mut().pop());
        drop(last);
    }
}

/// Declares that a pass runs from `roots`, until the guard is dropped.
pub fn begin(roots: &[(Edge, Tensor)], targets: Option<&[Edge]>) -> Guard {
    let roots = roots.iter().map(|(edge, _)| edge.node.clone()).collect();
    let targets = targets.map(|targets| targets.iter().map(|edge| edge.node.clone()).collect());
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    RUNNING.with(|passes| passes.borrow_mut().push(Running { number, roots, targets }));
    Guard
}

/// The number of the pass that runs, and whether it accumulates in leaves; `None` outside of any.
pub fn current() -> Option<(u64, bool)> {
    RUNNING.with(|passes| passes.borrow().last().map(|pass| (pass.number, pass.targets.is_none())))
}

/// For each node, whether the pass that runs sends it a gradient.
pub fn reaches(nodes: &[Arc<Node>]) -> Vec<bool> {
    let (roots, targets) = RUNNING.with(|passes| match passes.borrow().last() {
        Some(pass) => (pass.roots.to_vec(), pass.targets.clone()),
        None => (Vec::new(), None),
    });
    let reached = reached(roots, targets);
    nodes.iter().map(|node| reached.contains(&address(node))).collect()
}

/// The nodes behind the roots; with targets, only those before one. Roots and targets are included.
pub fn reached(roots: Vec<Arc<Node>>, targets: Option<Vec<Arc<Node>>>) -> Addresses {
    let (mut seen, mut order, mut stack) = (Addresses::default(), Vec::new(), roots);
    while let Some(node) = stack.pop() {
        if seen.insert(address(&node)) {
            stack.extend(node.edges().iter().flatten().map(|edge| edge.node.clone()));
            order.push(node);
        }
    }
    let Some(targets) = targets else { return seen };
    let mut found: Addresses = targets.iter().map(address).filter(|target| seen.contains(target)).collect();
    // Producers have lower numbers, so they are decided before their consumers.
    order.sort_by_key(|node| node.seq);
    for node in &order {
        if node.edges().iter().flatten().any(|edge| found.contains(&address(&edge.node))) {
            found.insert(address(node));
        }
    }
    found
}
