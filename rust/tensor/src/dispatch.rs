//! Dispatch: from a row and arguments to results, through the layers that the arguments' keys and the mode ask for.
//!
//! `(keys & mode) == 0` is the only test on the fast path. Above the host's kernels lie, from the top: Python subclasses,
//! autocast, autograd, and the device's backend.

use crate::autocast;
use crate::core::Core;
use crate::device::DeviceKind;
use crate::mode;
use crate::op::{Body, Fast, Meta, Op, OutSpec, Run, Views};
use crate::tensor::{Tensor, key};
use crate::value::{Arg, Args, Number, Value};
use corten_base::{DType, Result, error, fail};
use smallvec::SmallVec;
use std::sync::OnceLock;

/// Where the results go.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// New tensors.
    Fresh,
    /// The first argument.
    InPlace,
    /// The tensors of `out=`.
    Out(&'a [Tensor]),
}

/// A layer: takes the call instead of the kernels.
pub type Layer = fn(&'static Op, &[Value], Target) -> Result<Value>;

/// Runs an operator in Python: composites (`Body::Python`) and the array backend (with results to fill).
pub type Host = fn(&'static Op, &[Value], Option<&[Tensor]>) -> Result<Value>;

/// What the layers above this crate install.
pub struct Hooks {
    /// Calls `__torch_function__`.
    pub subclass: OnceLock<Layer>,
    /// Records.
    pub grad: OnceLock<Layer>,
    /// Runs Python bodies and array functions.
    pub host: OnceLock<Host>,
    /// Gives the interpreter's lock up around long work.
    pub detach: OnceLock<fn(&mut dyn FnMut())>,
    /// The line of the program that is running, for messages.
    pub line: OnceLock<fn() -> String>,
    /// The lines of the program that led here, for anomaly mode.
    pub trace: OnceLock<fn() -> String>,
    /// Shows a warning.
    pub warn: OnceLock<fn(&str)>,
}

/// The installed layers.
pub static HOOKS: Hooks = Hooks {
    subclass: OnceLock::new(),
    grad: OnceLock::new(),
    host: OnceLock::new(),
    detach: OnceLock::new(),
    line: OnceLock::new(),
    trace: OnceLock::new(),
    warn: OnceLock::new(),
};

/// Elements above which a kernel runs without the interpreter's lock (some 20 µs of elementwise work).
const DETACH_ABOVE: usize = 1 << 15;

/// Calls an operator.
#[inline]
pub fn call(op: &'static Op, args: &[Value]) -> Result<Value> {
    call_into(op, args, Target::Fresh)
}

/// Calls an operator with a place for its results.
#[inline]
pub fn call_into(op: &'static Op, args: &[Value], target: Target) -> Result<Value> {
    let mut keys = args.iter().fold(0, |keys, arg| keys | arg.keys());
    if let Target::Out(outs) = target {
        keys = outs.iter().fold(keys, |keys, t| keys | t.keys());
    }
    let slow = keys & mode::get();
    if slow == 0 { run(op, args, target) } else { call_slow(op, args, target, slow) }
}

#[cold]
#[inline(never)]
fn call_slow(op: &'static Op, args: &[Value], target: Target, slow: u32) -> Result<Value> {
    if slow & key::SUBCLASS != 0
        && let Some(layer) = HOOKS.subclass.get()
    {
        return layer(op, args, target);
    }
    if slow & key::ANY != 0
        && let (Target::Fresh, false) = (target, op.mutates())
        && let Some(args) = autocast::cast(op, args)?
    {
        let _below = mode::without(key::ANY);
        return call_into(op, &args, target);
    }
    if slow & (key::AUTOGRAD | key::VIEW) != 0
        && let Some(layer) = HOOKS.grad.get()
    {
        return layer(op, args, target);
    }
    run(op, args, target)
}

/// Calls what lies below the autograd layer.
pub fn run(op: &'static Op, args: &[Value], target: Target) -> Result<Value> {
    match &op.body {
        Body::Kernel { meta, run, fast, elementwise, updates } => {
            let kernel = Kernel { op, meta: *meta, run: *run, elementwise: *elementwise, updates: *updates };
            match target {
                _ if op.mutates() => kernel.in_place(args),
                Target::Fresh => kernel.fresh(args, *fast),
                Target::InPlace => kernel.in_place(args),
                Target::Out(outs) => kernel.out(args, outs),
            }
        }
        Body::View(geometry) => {
            let Some(Value::Tensor(input)) = args.first() else {
                fail!(Type, "{}() expects a tensor first", op.name);
            };
            let views = match geometry(args)? {
                Views::One(core) => Value::Tensor(view_of(input, core, 0)),
                Views::Many(cores) => {
                    Value::Tensors(cores.into_iter().map(|core| view_of(input, core, key::MULTI_VIEW)).collect())
                }
            };
            match target {
                Target::Fresh => Ok(views),
                Target::InPlace => {
                    let view = views.into_tensor()?;
                    input.set_core(view.core().clone());
                    input.core().bump_version();
                    Ok(Value::Tensor(input.clone()))
                }
                Target::Out(outs) => into_outs(op, views, outs),
            }
        }
        Body::Dynamic(_) if args.iter().any(on_cuda) => place(op, host(op, args, None)?, args, target),
        Body::Composite(body) | Body::Dynamic(body) => match (target, factory_dtype(op, args)) {
            // A factory makes what `out=` holds, unless it is told another dtype.
            (Target::Out([out]), Some(dtype)) => {
                let mut args: Args = args.into();
                args[dtype] = Value::DType(out.dtype());
                place(op, body(&args)?, &args, target)
            }
            _ => place(op, body(args)?, args, target),
        },
        Body::Python(_) => place(op, host(op, args, None)?, args, target),
    }
}

/// The position of a factory's `dtype` where it is not given.
fn factory_dtype(op: &Op, args: &[Value]) -> Option<usize> {
    let position = op.params.iter().position(|param| param.name == "dtype")?;
    let factory = op.params.iter().any(|param| param.name == "layout");
    (factory && matches!(args.get(position), Some(Value::None))).then_some(position)
}

fn view_of(input: &Tensor, core: Core, keys: u32) -> Tensor {
    let view = Tensor::new(core);
    view.set_base(Some(input));
    let untracked = if mode::grad_enabled() { 0 } else { key::UNTRACKED_VIEW };
    view.add_keys(keys | untracked | (input.keys() & (key::UNTRACKED_VIEW | key::INFERENCE)));
    // Without a history it is a leaf, but what it shows requires grad all the same.
    if untracked != 0 && input.requires_grad() && view.dtype().is_differentiable() {
        view.set_leaf_requires_grad(true);
    }
    view
}

/// Puts the finished results of a composite where the caller wants them.
fn place(op: &'static Op, result: Value, args: &[Value], target: Target) -> Result<Value> {
    match target {
        Target::Fresh => Ok(result),
        Target::InPlace => match (args.first(), result) {
            (Some(Value::Tensor(input)), Value::Tensor(result)) => {
                if input.is(&result) {
                    return Ok(Value::Tensor(result));
                }
                check_cast(result.dtype(), input.dtype())?;
                if input.sizes() != result.sizes() {
                    fail!(
                        Runtime,
                        "output with shape {} doesn't match the broadcast shape {}",
                        crate::text::sizes(input.sizes()),
                        crate::text::sizes(result.sizes())
                    );
                }
                crate::ops::cast::copy_(input, &result).tensor().map(Value::Tensor)
            }
            _ => fail!(Type, "{}_() needs a tensor first", op.name),
        },
        Target::Out(outs) => into_outs(op, result, outs),
    }
}

/// Copies results into the tensors of `out=`.
fn into_outs(op: &'static Op, result: Value, outs: &[Tensor]) -> Result<Value> {
    let results = result.into_tensors()?;
    if results.len() != outs.len() {
        fail!(Type, "{}(): out= takes {} tensors, got {}", op.name, results.len(), outs.len());
    }
    for (out, result) in outs.iter().zip(&results) {
        check_out(op, out, result.dtype(), result.device().kind)?;
        resize_output(out, result.sizes())?;
        write(result, out)?;
    }
    Ok(give(outs))
}

/// Copies `source` into `out` (same sizes) and counts the change.
pub fn write(source: &Tensor, out: &Tensor) -> Result<()> {
    let _below = mode::no_grad();
    crate::ops::cast::copy_(out, source).get().map(|_| ())
}

fn give(outs: &[Tensor]) -> Value {
    match outs {
        [one] => Value::Tensor(one.clone()),
        many => Value::Tensors(many.to_vec()),
    }
}

struct Kernel {
    op: &'static Op,
    meta: fn(&[Value]) -> Result<Meta>,
    run: Option<Run>,
    elementwise: bool,
    updates: bool,
}

impl Kernel {
    fn fresh(&self, args: &[Value], fast: Option<Fast>) -> Result<Value> {
        if let Some(fast) = fast
            && let Some(result) = short_cut(fast, args)
        {
            return result.map(Value::Tensor);
        }
        let specs = (self.meta)(args)?;
        let outs = allocate(&specs)?;
        self.execute(args, &outs)?;
        Ok(match self.op.returns.len() {
            1 => Value::Tensor(outs.into_iter().next().ok_or_else(|| error!(Runtime, "no result"))?),
            _ => Value::Tensors(outs.into_vec()),
        })
    }

    fn in_place(&self, args: &[Value]) -> Result<Value> {
        let Some(Value::Tensor(input)) = args.first() else {
            fail!(Type, "{}_() needs a tensor first", self.op.name);
        };
        // What would choose a wider dtype computes in the tensor's own.
        let mut own: Args;
        let args = match self.op.params.iter().position(|param| param.name == "dtype") {
            Some(dtype) if matches!(args[dtype], Value::None) => {
                own = args.into();
                own[dtype] = Value::DType(input.dtype());
                &own[..]
            }
            Some(dtype) if !matches!(args[dtype], Value::DType(dtype) if dtype == input.dtype()) => fail!(
                Runtime,
                "Bad in-place call: input tensor dtype {} and output tensor dtype of {}_() should match",
                input.dtype().scalar_name(),
                self.op.name
            ),
            _ => args,
        };
        let specs = (self.meta)(args)?;
        let spec = &specs[0];
        check_cast(spec.dtype, input.dtype())?;
        if input.sizes() != &spec.sizes[..] {
            fail!(
                Runtime,
                "output with shape {} doesn't match the broadcast shape {}",
                crate::text::sizes(input.sizes()),
                crate::text::sizes(&spec.sizes)
            );
        }
        check_writable(input)?;
        self.fill(args, std::slice::from_ref(input), &specs)?;
        changed(self.op, input);
        Ok(Value::Tensor(input.clone()))
    }

    fn out(&self, args: &[Value], outs: &[Tensor]) -> Result<Value> {
        let specs = (self.meta)(args)?;
        if outs.len() != specs.len() {
            fail!(Type, "{}(): out= takes {} tensors, got {}", self.op.name, specs.len(), outs.len());
        }
        for (out, spec) in outs.iter().zip(&specs) {
            check_out(self.op, out, spec.dtype, spec.device.kind)?;
            resize_output(out, &spec.sizes)?;
            check_writable(out)?;
        }
        self.fill(args, outs, &specs)?;
        outs.iter().for_each(|out| changed(self.op, out));
        Ok(give(outs))
    }

    /// Computes into tensors that exist: directly where the kernel may, else by way of fresh ones.
    fn fill(&self, args: &[Value], outs: &[Tensor], specs: &Meta) -> Result<()> {
        let direct = if self.elementwise {
            for arg in args.iter().filter_map(Value::tensor) {
                refuse_partial_overlap(arg, &outs[0])?;
            }
            // Narrow integers wrap and halves round before they become another dtype.
            let dtype = specs[0].dtype;
            outs[0].dtype() == dtype || dtype.compute() == dtype
        } else {
            outs.iter().zip(specs).all(|(out, spec)| out.dtype() == spec.dtype)
                && (self.op.mutates() || !self.conflicts(args, outs))
        };
        if direct {
            return self.execute(args, outs);
        }
        let fresh = allocate(specs)?;
        self.execute(args, &fresh)?;
        outs.iter().zip(&fresh).try_for_each(|(out, value)| crate::body::copy_values(out, value))
    }

    /// True if the kernel would read what it has already written.
    fn conflicts(&self, args: &[Value], outs: &[Tensor]) -> bool {
        let itself = self.updates && matches!((args, outs), ([Value::Tensor(input), ..], [out]) if input.is(out));
        args[itself as usize..].iter().any(|arg| shares_any(arg, outs))
    }

    fn execute(&self, args: &[Value], outs: &[Tensor]) -> Result<()> {
        match outs.first().map_or(DeviceKind::Cpu, |t| t.device().kind) {
            DeviceKind::Meta => return Ok(()),
            DeviceKind::Cuda => return on_array(self.op, args, outs),
            DeviceKind::Cpu => {}
        }
        let work = outs.iter().map(Tensor::numel).max().unwrap_or(0).max(largest(args));
        if work == 0 {
            // Nothing to read or to write, however large the other dimensions are.
            return Ok(());
        }
        let Some(run) = self.run else { return on_array(self.op, args, outs) };
        // What a kernel calls is part of its own derivative.
        let _below = mode::no_grad();
        match HOOKS.detach.get() {
            Some(detach) if work > DETACH_ABOVE && !mode::detached() => {
                // What runs without the lock must be reachable from nowhere else.
                let own_args: SmallVec<[Value; 4]> = args.iter().map(own).collect();
                let own_outs: SmallVec<[Tensor; 1]> = outs.iter().map(Tensor::detached).collect();
                let mut result = Ok(());
                detach(&mut || {
                    let _detached = mode::detach();
                    result = run(&own_args, &own_outs);
                });
                result
            }
            _ => run(args, outs),
        }
    }
}

/// Lets the array backend compute into `outs`.
pub fn on_array(op: &'static Op, args: &[Value], outs: &[Tensor]) -> Result<()> {
    host(op, args, Some(outs)).map(|_| ())
}

fn host(op: &'static Op, args: &[Value], outs: Option<&[Tensor]>) -> Result<Value> {
    let host = HOOKS.host.get().ok_or_else(|| error!(Import, "{}() needs corten-tensor-core", op.name))?;
    host(op, args, outs)
}

fn on_cuda(arg: &Value) -> bool {
    arg.tensor().is_some_and(|t| t.device().kind == DeviceKind::Cuda)
}

/// The result of a plain call that has a short cut and fits it.
#[inline]
pub fn quick(op: &'static Op, args: &[Value], target: Target) -> Option<Result<Tensor>> {
    match (&op.body, target) {
        (Body::Kernel { fast: Some(fast), .. }, Target::Fresh) if !op.mutates() => short_cut(*fast, args),
        _ => None,
    }
}

/// The short cut of a call, if its operands fit one and what follows them is the default (`alpha` of one).
#[inline]
fn short_cut(fast: Fast, args: &[Value]) -> Option<Result<Tensor>> {
    match args {
        [Value::Tensor(x)] => fast(x, None),
        [Value::Tensor(x), y] => fast(x, Number::from_value(y)),
        [Value::Tensor(x), y, alpha] if crate::pointwise::is_one(alpha) => fast(x, Number::from_value(y)),
        _ => None,
    }
}

/// Counts an in-place change, and remembers who made it where a backward pass may ask.
fn changed(op: &Op, tensor: &Tensor) {
    let core = tensor.core();
    core.bump_version();
    if core.storage.is_saved() {
        let place = HOOKS.line.get().map(|line| line()).unwrap_or_default();
        let suffix = if op.mutates() { "" } else { "_" };
        core.storage.note_change(format!("{}{suffix}(){place}", op.name).into());
    }
}

fn own(value: &Value) -> Value {
    use crate::value::IndexItem;
    match value {
        Value::Tensor(t) => Value::Tensor(t.detached()),
        Value::Tensors(list) => Value::Tensors(list.iter().map(Tensor::detached).collect()),
        Value::OptionalTensors(list) => {
            Value::OptionalTensors(list.iter().map(|t| t.as_ref().map(Tensor::detached)).collect())
        }
        Value::Key(items) => Value::Key(
            items
                .iter()
                .map(|item| match item {
                    IndexItem::Tensor(t) => IndexItem::Tensor(t.detached()),
                    other => other.clone(),
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

fn largest(args: &[Value]) -> usize {
    args.iter()
        .map(|arg| match arg {
            Value::Tensor(t) => t.numel(),
            Value::Tensors(list) => list.iter().map(Tensor::numel).max().unwrap_or(0),
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}

fn shares_any(arg: &Value, outs: &[Tensor]) -> bool {
    let shares = |t: &Tensor| outs.iter().any(|out| t.core().shares_storage(out.core()));
    match arg {
        Value::Tensor(t) => shares(t),
        Value::Tensors(list) => list.iter().any(shares),
        Value::OptionalTensors(list) => list.iter().flatten().any(shares),
        Value::Key(_) => true,
        _ => false,
    }
}

/// New tensors as specified.
pub fn allocate(specs: &[OutSpec]) -> Result<SmallVec<[Tensor; 1]>> {
    specs
        .iter()
        .map(|spec| {
            let core = match &spec.strides {
                Some(strides) => Core::empty_strided(&spec.sizes, strides, spec.dtype, spec.device)?,
                None => Core::empty(&spec.sizes, spec.dtype, spec.device)?,
            };
            Ok(Tensor::new(core))
        })
        .collect()
}

/// The rule for results written into an existing dtype: never down a category.
pub fn check_cast(from: DType, to: DType) -> Result<()> {
    if from.category() > to.category() {
        fail!(
            Runtime,
            "result type {} can't be cast to the desired output type {}",
            from.scalar_name(),
            to.scalar_name()
        );
    }
    Ok(())
}

fn check_out(op: &Op, out: &Tensor, dtype: DType, device: DeviceKind) -> Result<()> {
    if out.device().kind != device {
        fail!(
            Runtime,
            "Expected out tensor to be on the device of the result of {}(), but got {} instead",
            op.name,
            out.device()
        );
    }
    if mode::grad_enabled() && out.requires_grad() {
        fail!(
            Runtime,
            "{}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.",
            op.name
        );
    }
    if dtype.category() > out.dtype().category() && (op.name == "cat" || op.name.ends_with("stack")) {
        fail!(Type, "torch.cat(): input types can't be cast to the desired output type {}", out.dtype().scalar_name());
    }
    check_cast(dtype, out.dtype())
}

/// Gives `out` the sizes of a result; it keeps its dtype, and its memory where that suffices.
pub fn resize_output(out: &Tensor, sizes: &[i64]) -> Result<()> {
    if out.sizes() == sizes {
        return Ok(());
    }
    resize(out, sizes)
}

/// Row-major with the given sizes, in the same storage where that is large enough, else in one that begins as it.
pub fn resize(out: &Tensor, sizes: &[i64]) -> Result<()> {
    let core = out.core();
    let numel = crate::core::checked_numel(sizes, core.dtype)?;
    let needed = (core.offset as usize + numel) * core.dtype.size();
    let strides = crate::core::contiguous_strides(sizes);
    let new = if needed <= core.storage.bytes() {
        core.with_geometry(sizes.into(), strides, core.offset)
    } else {
        let row =
            |core: &Core, size: usize| Tensor::new(core.with_geometry([size as i64][..].into(), [1][..].into(), 0));
        let grown = Core::empty(&[(needed / core.dtype.size()) as i64], core.dtype, core.device())?;
        grown.storage.set_version(core.version());
        let kept = core.storage.bytes() / core.dtype.size();
        crate::body::copy_values(&row(&grown, kept), &row(core, kept))?;
        grown.with_geometry(sizes.into(), strides, core.offset)
    };
    out.set_core(new);
    Ok(())
}

/// Refuses to write where one memory location stands for several elements.
pub fn check_writable(out: &Tensor) -> Result<()> {
    let core = out.core();
    let repeats = core.sizes.iter().zip(&core.strides).any(|(&size, &stride)| size > 1 && stride == 0);
    if repeats && core.numel() > 0 {
        fail!(
            Runtime,
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation."
        );
    }
    if out.keys() & key::INFERENCE != 0 && mode::get() & mode::flag::INFERENCE == 0 {
        fail!(
            Runtime,
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before doing inplace update."
        );
    }
    Ok(())
}

/// Refuses an input that overlaps the output other than exactly.
fn refuse_partial_overlap(input: &Tensor, out: &Tensor) -> Result<()> {
    let (a, b) = (input.core(), out.core());
    if !a.shares_storage(b) || (a.offset == b.offset && a.strides == b.strides && a.sizes == b.sizes) {
        return Ok(());
    }
    let range = |core: &Core| {
        let (mut low, mut high) = (core.offset, core.offset + 1);
        for (&size, &stride) in core.sizes.iter().zip(&core.strides) {
            let reach = (size - 1).max(0) * stride;
            if reach < 0 { low += reach } else { high += reach }
        }
        let bytes = core.dtype.size() as i64;
        (low * bytes, high * bytes)
    };
    let ((a_low, a_high), (b_low, b_high)) = (range(a), range(b));
    if a.numel() == 0 || b.numel() == 0 || a_high <= b_low || b_high <= a_low {
        return Ok(());
    }
    fail!(
        Runtime,
        "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the tensor before performing the operation."
    )
}
