//! Convolutions: sizes, PyTorch's messages, and the calls of the kernels.

use super::checks::cpp_name;
use crate::core::Dims;
use crate::op::Meta;
use crate::pointwise::{common_device, fresh};
use crate::tensor::Tensor;
use crate::text;
use corten_base::{DType, Operand, Result, fail};
use corten_conv as kernels;
use corten_elementwise::{Binary, Src};
use smallvec::{SmallVec, smallvec};

/// The settings of a convolution, one number a spatial dimension.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Settings<'a> {
    pub stride: &'a [i64],
    pub padding: &'a [i64],
    pub dilation: &'a [i64],
    pub transposed: bool,
    pub output_padding: &'a [i64],
    pub groups: i64,
}

fn joined(sizes: &[i64]) -> String {
    let sizes: Vec<String> = sizes.iter().map(i64::to_string).collect();
    sizes.join(" x ")
}

impl Settings<'_> {
    fn check(&self, spatial: usize) -> Result<()> {
        let lists = [self.stride, self.padding, self.dilation];
        if lists.iter().any(|list| list.len() != spatial) || (self.transposed && self.output_padding.len() != spatial) {
            fail!(
                Runtime,
                "convolution: expected {spatial} numbers for each of stride, padding and dilation, got {}, {} and {}",
                text::sizes(self.stride),
                text::sizes(self.padding),
                text::sizes(self.dilation)
            );
        }
        if self.groups <= 0 {
            fail!(Runtime, "non-positive groups is not supported");
        }
        if self.padding.iter().chain(self.output_padding).any(|&n| n < 0) {
            fail!(Runtime, "negative padding is not supported");
        }
        if self.stride.iter().any(|&n| n <= 0) {
            fail!(Runtime, "non-positive stride is not supported");
        }
        if self.dilation.iter().any(|&n| n <= 0) {
            fail!(Runtime, "dilation should be greater than zero");
        }
        Ok(())
    }

    /// Positions of a result along each spatial dimension.
    fn spatial(&self, input: &[i64], kernel: &[i64]) -> Result<Dims> {
        let mut out = Dims::new();
        for d in 0..input.len() {
            let reach = self.dilation[d].saturating_mul(kernel[d] - 1);
            let padded = input[d].saturating_add(self.padding[d].saturating_mul(2));
            out.push(if self.transposed {
                let extra = self.output_padding[d];
                if extra >= self.stride[d] && extra >= self.dilation[d] {
                    fail!(
                        Runtime,
                        "output padding must be smaller than either stride or dilation, but got output_padding: {extra}, stride: {}, dilation: {}",
                        self.stride[d],
                        self.dilation[d]
                    );
                }
                let size = (input[d] - 1).saturating_mul(self.stride[d]).saturating_sub(2 * self.padding[d]);
                let size = size.saturating_add(reach).saturating_add(extra + 1);
                if size < 0 {
                    fail!(Runtime, "convolution: the padding leaves an output of the size {size}");
                }
                size
            } else {
                if padded < reach.saturating_add(1) {
                    let (paddeds, kernels): (Vec<i64>, Vec<i64>) = (0..input.len())
                        .map(|d| (input[d] + 2 * self.padding[d], self.dilation[d] * (kernel[d] - 1) + 1))
                        .unzip();
                    fail!(
                        Runtime,
                        "Calculated padded input size per channel: ({}). Kernel size: ({}). Kernel size can't be greater than actual input size",
                        joined(&paddeds),
                        joined(&kernels)
                    );
                }
                (padded - reach - 1) / self.stride[d] + 1
            });
        }
        Ok(out)
    }
}

/// `meta` of `convolution`.
pub fn meta(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, settings: Settings) -> Result<Meta> {
    let (x, w) = (input.sizes(), weight.sizes());
    if !(3..=5).contains(&w.len()) || x.len() != w.len() {
        fail!(
            Runtime,
            "Expected {}D input to a convolution with a weight of size {}, but got input of size: {}",
            w.len(),
            text::sizes(w),
            text::sizes(x)
        );
    }
    settings.check(w.len() - 2)?;
    common_device([Some(input), Some(weight), bias].into_iter().flatten())?;
    if let Some(bias) = bias.filter(|bias| bias.dtype() != input.dtype()) {
        fail!(
            Runtime,
            "Input type ({}) and bias type ({}) should be the same",
            cpp_name(input.dtype()),
            cpp_name(bias.dtype())
        );
    }
    if input.dtype() != weight.dtype() {
        fail!(
            Runtime,
            "expected scalar type {} but found {}",
            input.dtype().scalar_name(),
            weight.dtype().scalar_name()
        );
    }
    if input.dtype() == DType::Bool {
        fail!(NotImplemented, "\"convolution\" not implemented for 'Bool'");
    }
    let groups = settings.groups;
    let (inputs, outputs) = if settings.transposed { (w[0], w[1] * groups) } else { (w[1] * groups, w[0]) };
    if w[2..].contains(&0) {
        fail!(Runtime, "convolution: the weight of size {} has an empty kernel", text::sizes(w));
    }
    if x[1] != inputs {
        let kind = if settings.transposed { "transposed=1".into() } else { format!("groups={groups}") };
        fail!(
            Runtime,
            "Given {kind}, weight of size {}, expected input{} to have {inputs} channels, but got {} channels instead",
            text::sizes(w),
            text::sizes(x),
            x[1]
        );
    }
    if w[0] % groups != 0 {
        fail!(
            Runtime,
            "Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size {} instead",
            text::sizes(w)
        );
    }
    if let Some(bias) = bias.filter(|bias| bias.sizes() != [outputs]) {
        fail!(
            Runtime,
            "Given weight of size {}, expected bias to be 1-dimensional with {outputs} elements, but got bias of size {} instead",
            text::sizes(w),
            text::sizes(bias.sizes())
        );
    }
    let mut sizes: Dims = smallvec![x[0], outputs];
    sizes.extend(settings.spatial(&x[2..], &w[2..])?);
    Ok(smallvec![fresh(input, sizes, input.dtype())])
}

/// `kernel` of `convolution`; the transposed one is the gradient of the plain one.
pub fn run(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, s: Settings, out: &Tensor) -> Result<()> {
    let (y, x, w) = (out.core().operand()?, input.core().operand()?, weight.core().operand()?);
    let bias_operand = match bias {
        Some(bias) => Some(bias.core().operand()?),
        None => None,
    };
    if !s.transposed {
        return kernels::conv_forward(y, x, w, bias_operand, s.stride, s.padding, s.dilation, s.groups);
    }
    kernels::conv_backward_input(y, x, w, s.stride, s.padding, s.dilation, s.groups)?;
    match bias {
        Some(bias) => add_channels(y, bias),
        None => Ok(()),
    }
}

/// Adds one number a channel.
fn add_channels(y: Operand, bias: &Tensor) -> Result<()> {
    let mut strides: Dims = SmallVec::from_elem(0, y.ndim());
    strides[1] = bias.strides()[0];
    let bias = bias.core().operand_as(y.sizes(), &strides)?;
    corten_elementwise::binary(Binary::add, y.dtype().compute(), y, Src::Operand(y), Src::Operand(bias))
}

/// `meta` of a gradient of `convolution`, which has the given sizes.
pub fn gradient_meta(g: &Tensor, other: &Tensor, sizes: &[i64], settings: Settings) -> Result<Meta> {
    settings.check(g.ndim().saturating_sub(2))?;
    if g.dtype() != other.dtype() || g.ndim() != other.ndim() || sizes.len() != g.ndim() {
        fail!(
            Runtime,
            "convolution_backward: a gradient of size {} and dtype {} does not fit {} and {}",
            text::sizes(g.sizes()),
            g.dtype(),
            text::sizes(other.sizes()),
            other.dtype()
        );
    }
    Ok(smallvec![fresh(g, sizes, g.dtype())])
}

/// `kernel` of the gradient of `convolution`'s input.
pub fn input_gradient(g: &Tensor, weight: &Tensor, s: Settings, out: &Tensor) -> Result<()> {
    let (gx, g, w) = (out.core().operand()?, g.core().operand()?, weight.core().operand()?);
    match s.transposed {
        false => kernels::conv_backward_input(gx, g, w, s.stride, s.padding, s.dilation, s.groups),
        true => kernels::conv_forward(gx, g, w, None, s.stride, s.padding, s.dilation, s.groups),
    }
}

/// `kernel` of the gradient of `convolution`'s weight.
pub fn weight_gradient(g: &Tensor, input: &Tensor, s: Settings, out: &Tensor) -> Result<()> {
    let (gw, g, x) = (out.core().operand()?, g.core().operand()?, input.core().operand()?);
    let (g, x) = if s.transposed { (x, g) } else { (g, x) };
    kernels::conv_backward_weight(gw, g, x, s.stride, s.padding, s.dilation, s.groups)
}
