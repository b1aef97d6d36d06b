//! Devices, layouts and memory formats: what a tensor says of where and how its data lies.

use crate::storage::Storage;
use corten_base::{Result, fail};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DeviceKind {
    Cpu,
    Cuda,
    Meta,
}

/// A device: its kind, and which one (`-1`: the current one, or no number).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Device {
    pub kind: DeviceKind,
    pub index: i8,
}

impl Device {
    /// The host.
    pub const CPU: Device = Device { kind: DeviceKind::Cpu, index: -1 };
    /// Shapes without data.
    pub const META: Device = Device { kind: DeviceKind::Meta, index: -1 };

    /// Parses `"cpu"`, `"cuda"`, `"cuda:1"`, `"meta"`.
    pub fn parse(text: &str) -> Result<Device> {
        let (name, index) = match text.split_once(':') {
            None => (text, None),
            Some((name, number)) => match number.parse::<i8>() {
                Ok(n) if n >= 0 && n.to_string() == number => (name, Some(n)),
                _ => fail!(Runtime, "Invalid device string: '{text}'"),
            },
        };
        let kind = match name {
            "cpu" => DeviceKind::Cpu,
            "cuda" => DeviceKind::Cuda,
            "meta" => DeviceKind::Meta,
            _ => fail!(Runtime, "Expected one of cpu, cuda, meta device type at start of device string: {name}"),
        };
        Ok(Device { kind, index: index.unwrap_or(-1) })
    }

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self.kind {
            DeviceKind::Cpu => "cpu",
            DeviceKind::Cuda => "cuda",
            DeviceKind::Meta => "meta",
        }
    }

    /// The device that a tensor placed here reports: a CUDA device without a number is the current one, number 0.
    pub fn resolved(self) -> Device {
        match self.kind {
            DeviceKind::Cuda => Device { kind: DeviceKind::Cuda, index: self.index.max(0) },
            kind => Device { kind, index: -1 },
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.index >= 0 { write!(f, "{}:{}", self.name(), self.index) } else { f.write_str(self.name()) }
    }
}

/// How dimensions are ordered in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MemoryFormat {
    Contiguous,
    Preserve,
    ChannelsLast,
    ChannelsLast3d,
}

impl MemoryFormat {
    /// PyTorch's name, as in `torch.channels_last`.
    pub fn name(self) -> &'static str {
        match self {
            MemoryFormat::Contiguous => "contiguous_format",
            MemoryFormat::Preserve => "preserve_format",
            MemoryFormat::ChannelsLast => "channels_last",
            MemoryFormat::ChannelsLast3d => "channels_last_3d",
        }
    }
}

/// Dense is the only layout; the others are named so that asking for them can be refused by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Layout {
    Strided,
    SparseCoo,
    SparseCsr,
}

impl Layout {
    /// PyTorch's name, as in `torch.strided`.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Strided => "strided",
            Layout::SparseCoo => "sparse_coo",
            Layout::SparseCsr => "sparse_csr",
        }
    }
}

/// Allocates on a CUDA device.
pub type Allocator = fn(usize, Device) -> Result<Arc<Storage>>;
static CUDA: OnceLock<Allocator> = OnceLock::new();

/// Installs what allocates on CUDA devices (the array backend).
pub fn set_allocator(allocator: Allocator) {
    let _ = CUDA.set(allocator);
}

/// Allocates on a CUDA device, or says what is missing.
pub fn allocate(bytes: usize, device: Device) -> Result<Arc<Storage>> {
    match CUDA.get() {
        Some(allocator) => allocator(bytes, device),
        None => fail!(Runtime, "device {device} needs the array backend of corten-tensor-core and CuPy"),
    }
}
