//! The small classes that describe tensors: dtype, device, layout, memory format, Size, Generator.

pub mod device;
pub mod dtype;
pub mod format;
pub mod generator;
pub mod size;
