//! Storage: bytes on a device, shared by every tensor that views them, with the count of in-place changes.

use crate::device::{Device, DeviceKind};
use corten_base::alloc::Block;
use corten_base::{Memory, Result, error};
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What keeps the bytes alive.
enum Owner {
    /// Our own allocation.
    Block(Block),
    /// Someone else's memory (a NumPy array, a DLPack capsule, a mapped file, a device allocation).
    Foreign { ptr: *mut u8, bytes: usize, _keep: Box<dyn Any + Send + Sync> },
    /// No memory: the meta device knows only the size.
    Nothing { bytes: usize },
}

/// Bytes on a device. Never resized: a tensor that must grow gets another storage.
pub struct Storage {
    owner: Owner,
    device: Device,
    version: AtomicU64,
    saved: AtomicBool,
    last_change: Mutex<Option<Arc<str>>>,
}

// SAFETY: the pointer in `Foreign` belongs to `_keep`, which is Send and Sync; the bytes are plain data.
unsafe impl Send for Storage {}
// SAFETY: as above.
unsafe impl Sync for Storage {}

impl Storage {
    /// Uninitialised bytes on `device`.
    pub fn new(bytes: usize, device: Device) -> Result<Arc<Storage>> {
        let owner = match device.kind {
            DeviceKind::Cpu => Owner::Block(Block::new(bytes)?),
            DeviceKind::Meta => Owner::Nothing { bytes },
            DeviceKind::Cuda => return crate::device::allocate(bytes, device),
        };
        Ok(Storage::made(owner, device))
    }

    /// Memory that belongs to `keep`.
    ///
    /// # Safety
    /// `ptr` must stay valid for reads and writes of `bytes` bytes while `keep` lives.
    pub unsafe fn foreign(
        ptr: *mut u8,
        bytes: usize,
        keep: Box<dyn Any + Send + Sync>,
        device: Device,
    ) -> Arc<Storage> {
        Storage::made(Owner::Foreign { ptr, bytes, _keep: keep }, device)
    }

    fn made(owner: Owner, device: Device) -> Arc<Storage> {
        let (version, saved) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Storage { owner, device, version, saved, last_change: Mutex::new(None) })
    }

    /// Notes that a node saved a tensor of this storage: from now on in-place changes are worth remembering.
    pub fn mark_saved(&self) {
        self.saved.store(true, Ordering::Relaxed);
    }

    /// True if a node saved a tensor of this storage.
    pub fn is_saved(&self) -> bool {
        self.saved.load(Ordering::Relaxed)
    }

    /// Remembers what changed it last: the operator and the line of the program.
    pub fn note_change(&self, change: Arc<str>) {
        if let Ok(mut note) = self.last_change.lock() {
            *note = Some(change);
        }
    }

    /// What changed it last, if it was saved before that.
    pub fn last_change(&self) -> Option<Arc<str>> {
        self.last_change.lock().ok().and_then(|note| note.clone())
    }

    /// Where the bytes are.
    pub fn device(&self) -> Device {
        self.device
    }

    /// How many bytes.
    pub fn bytes(&self) -> usize {
        match &self.owner {
            Owner::Block(block) => block.bytes(),
            Owner::Foreign { bytes, .. } | Owner::Nothing { bytes } => *bytes,
        }
    }

    /// Address of the first byte; null on the meta device.
    pub fn ptr(&self) -> *mut u8 {
        match &self.owner {
            Owner::Block(block) => block.ptr(),
            Owner::Foreign { ptr, .. } => *ptr,
            Owner::Nothing { .. } => std::ptr::null_mut(),
        }
    }

    /// The bytes as kernels see them; an error where the host cannot reach them.
    pub fn memory(&self) -> Result<Memory<'_>> {
        match &self.owner {
            Owner::Nothing { .. } => Err(error!(NotImplemented, "a tensor on the meta device has no data")),
            _ if self.device.kind == DeviceKind::Cuda => {
                Err(error!(Runtime, "the host cannot read a tensor on {}: copy it with .cpu() first", self.device))
            }
            // SAFETY: the owner keeps the bytes for the lifetime of this borrow, and no Rust reference to them exists.
            _ => Ok(unsafe { Memory::from_raw(self.ptr(), self.bytes()) }),
        }
    }

    /// The counter of in-place changes.
    pub fn version(&self) -> &AtomicU64 {
        &self.version
    }

    /// Starts the count again from `value` (storages made for a caller that restores one).
    pub fn set_version(&self, value: u64) {
        self.version.store(value, Ordering::Relaxed);
    }
}
