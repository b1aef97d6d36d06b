//! Core: what a tensor is at one moment. Storage, where in it, sizes, strides, dtype.

use crate::device::{Device, MemoryFormat};
use crate::storage::Storage;
use corten_base::{DType, Flat, Operand, Result, fail};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sizes, strides or dims: four inline, more on the heap. Values and tensors are moved often, so they are kept small.
pub type Dims = SmallVec<[i64; 4]>;

/// The replaceable value of a tensor.
pub struct Core {
    /// The bytes.
    pub storage: Arc<Storage>,
    /// Of the first element, in elements.
    pub offset: i64,
    /// Sizes, in elements.
    pub sizes: Dims,
    /// Strides, in elements.
    pub strides: Dims,
    /// Element type.
    pub dtype: DType,
    /// A counter of its own for `.data`, whose changes the original does not count; otherwise the storage's.
    pub own_version: Option<Arc<AtomicU64>>,
}

impl Clone for Core {
    fn clone(&self) -> Core {
        // Copying slices of numbers beats cloning them one by one.
        Core {
            storage: self.storage.clone(),
            offset: self.offset,
            sizes: Dims::from_slice(&self.sizes),
            strides: Dims::from_slice(&self.strides),
            dtype: self.dtype,
            own_version: self.own_version.clone(),
        }
    }
}

/// Number of elements, or an error where it (or its bytes) cannot be counted.
pub fn checked_numel(sizes: &[i64], dtype: DType) -> Result<usize> {
    let mut numel: i64 = 1;
    let mut empty = false;
    for &size in sizes {
        if size < 0 {
            fail!(Runtime, "Trying to create tensor with negative dimension {size}: {}", crate::text::sizes(sizes));
        }
        empty |= size == 0;
        numel = match numel.checked_mul(size.max(1)) {
            Some(n) => n,
            None => fail!(Runtime, "Storage size calculation overflowed with sizes={}", crate::text::sizes(sizes)),
        };
    }
    if (numel as i128) * dtype.size() as i128 > i64::MAX as i128 {
        fail!(Runtime, "Storage size calculation overflowed with sizes={}", crate::text::sizes(sizes));
    }
    Ok(if empty { 0 } else { numel as usize })
}

/// Row-major strides.
pub fn contiguous_strides(sizes: &[i64]) -> Dims {
    let mut strides: Dims = SmallVec::from_elem(1, sizes.len());
    let mut step = 1i64;
    for (stride, &size) in strides.iter_mut().zip(sizes).rev() {
        *stride = step;
        step = step.wrapping_mul(size.max(1));
    }
    strides
}

/// Strides with the channels (dimension 1) innermost.
pub fn channels_last_strides(sizes: &[i64]) -> Dims {
    let mut strides: Dims = SmallVec::from_elem(1, sizes.len());
    let mut step = 1i64;
    let order = std::iter::once(1).chain((2..sizes.len()).rev()).chain(std::iter::once(0));
    for d in order {
        strides[d] = step;
        step = step.wrapping_mul(sizes[d].max(1));
    }
    strides
}

impl Core {
    /// Uninitialised elements with the given sizes, row-major.
    pub fn empty(sizes: &[i64], dtype: DType, device: Device) -> Result<Core> {
        let bytes = checked_numel(sizes, dtype)?.saturating_mul(dtype.size());
        let (storage, strides) = (Storage::new(bytes, device)?, contiguous_strides(sizes));
        Ok(Core { storage, offset: 0, sizes: Dims::from_slice(sizes), strides, dtype, own_version: None })
    }

    /// Uninitialised elements with the given sizes and dense strides.
    pub fn empty_strided(sizes: &[i64], strides: &[i64], dtype: DType, device: Device) -> Result<Core> {
        checked_numel(sizes, dtype)?;
        let bytes = extent(sizes, strides)?.saturating_mul(dtype.size());
        let storage = Storage::new(bytes, device)?;
        Ok(Core {
            storage,
            offset: 0,
            sizes: Dims::from_slice(sizes),
            strides: Dims::from_slice(strides),
            dtype,
            own_version: None,
        })
    }

    /// Uninitialised elements of the same sizes as this row-major value, on the host.
    #[inline]
    pub fn beside(&self, dtype: DType) -> Result<Core> {
        let storage = Storage::new(self.numel().saturating_mul(dtype.size()), Device::CPU)?;
        let (sizes, strides) = (Dims::from_slice(&self.sizes), Dims::from_slice(&self.strides));
        Ok(Core { storage, offset: 0, sizes, strides, dtype, own_version: None })
    }

    /// Number of elements.
    #[inline]
    pub fn numel(&self) -> usize {
        self.sizes.iter().product::<i64>() as usize
    }

    /// Number of dimensions.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.sizes.len()
    }

    /// Where it is.
    #[inline]
    pub fn device(&self) -> Device {
        self.storage.device()
    }

    /// The elements as kernels see them.
    pub fn operand(&self) -> Result<Operand<'_>> {
        Operand::new(self.storage.memory()?, self.dtype, self.offset, &self.sizes, &self.strides)
    }

    /// The elements of a contiguous value, in a row.
    #[inline]
    pub fn flat(&self) -> Result<Flat<'_>> {
        Flat::new(self.storage.memory()?, self.dtype, self.offset, self.numel())
    }

    /// The elements as kernels see them, under other sizes and strides.
    pub fn operand_as<'a>(&'a self, sizes: &'a [i64], strides: &'a [i64]) -> Result<Operand<'a>> {
        Operand::new(self.storage.memory()?, self.dtype, self.offset, sizes, strides)
    }

    /// True if row-major without gaps.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&size, &stride) in self.sizes.iter().zip(&self.strides).rev() {
            if size != 1 {
                if stride != expected {
                    return self.sizes.contains(&0);
                }
                expected *= size;
            }
        }
        true
    }

    /// True if the elements lie in the given format without gaps.
    pub fn is_contiguous_in(&self, format: MemoryFormat) -> bool {
        match format {
            MemoryFormat::Contiguous | MemoryFormat::Preserve => self.is_contiguous(),
            MemoryFormat::ChannelsLast | MemoryFormat::ChannelsLast3d => {
                let ndim = if format == MemoryFormat::ChannelsLast { 4 } else { 5 };
                self.ndim() == ndim && {
                    let wanted = channels_last_strides(&self.sizes);
                    self.sizes.iter().zip(self.strides.iter().zip(&wanted)).all(|(&size, (a, b))| size == 1 || a == b)
                }
            }
        }
    }

    /// The strides of a fresh dense tensor that orders its dimensions as this one does, as PyTorch's
    /// `infer_dense_strides` finds them: dimensions that do not move keep their place.
    pub fn dense_strides(&self) -> Dims {
        if self.is_contiguous() {
            return contiguous_strides(&self.sizes);
        }
        // From the innermost dimension outwards.
        let mut order: SmallVec<[usize; 6]> = (0..self.ndim()).rev().collect();
        for next in 1..order.len() {
            let mut at = next;
            for other in (0..next).rev() {
                match self.belongs_inside(order[other], order[at]) {
                    Some(true) => break,
                    Some(false) => {
                        order.swap(other, at);
                        at = other;
                    }
                    None => {}
                }
            }
        }
        let mut strides = self.strides.clone();
        let (mut step, mut dense) = (1, true);
        for &d in &order {
            dense &= self.sizes[d] == 1 || self.strides[d] == step;
            strides[d] = step;
            step *= self.sizes[d].max(1);
        }
        // Strides of dimensions of one element may be anything; those of a dense tensor are kept.
        if dense { self.strides.clone() } else { strides }
    }

    /// Whether dimension `a` belongs inside `b`, where their strides and sizes tell.
    fn belongs_inside(&self, a: usize, b: usize) -> Option<bool> {
        let (x, y) = (self.strides[a], self.strides[b]);
        match x.cmp(&y) {
            _ if x == 0 || y == 0 => None,
            std::cmp::Ordering::Equal => (self.sizes[a] > self.sizes[b]).then_some(false),
            order => Some(order.is_lt()),
        }
    }

    /// The counter of in-place changes.
    #[inline]
    pub fn version(&self) -> u64 {
        self.counter().load(Ordering::Relaxed)
    }

    /// Counts one in-place change.
    #[inline]
    pub fn bump_version(&self) {
        self.counter().fetch_add(1, Ordering::Relaxed);
    }

    /// The counter in force.
    pub fn counter(&self) -> &AtomicU64 {
        match &self.own_version {
            None => self.storage.version(),
            Some(own) => own,
        }
    }

    /// True if both read or write a common storage.
    pub fn shares_storage(&self, other: &Core) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage)
    }

    /// The same storage seen under other sizes, strides and offset.
    pub fn with_geometry(&self, sizes: Dims, strides: Dims, offset: i64) -> Core {
        Core {
            storage: self.storage.clone(),
            offset,
            sizes,
            strides,
            dtype: self.dtype,
            own_version: self.own_version.clone(),
        }
    }
}

/// Elements between the first and the last one of a tensor with these sizes and (non-negative) strides.
pub fn extent(sizes: &[i64], strides: &[i64]) -> Result<usize> {
    let mut last: i64 = 0;
    for (&size, &stride) in sizes.iter().zip(strides) {
        if size == 0 {
            return Ok(0);
        }
        last = match (size - 1).checked_mul(stride).and_then(|reach| last.checked_add(reach)) {
            Some(last) if last < i64::MAX / 16 => last,
            _ => fail!(
                Runtime,
                "Storage size calculation overflowed with sizes={} and strides={}",
                crate::text::sizes(sizes),
                crate::text::sizes(strides)
            ),
        };
    }
    Ok(last as usize + 1)
}
