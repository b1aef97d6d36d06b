//! One contiguous loop per operator, compute type and instruction set, and the macro that lists operators.

use corten_base::{DType, Element, multiversion};
use std::mem::MaybeUninit;

/// Runs a loop over `n` elements: result address, input addresses. True if an element was refused.
///
/// # Safety
/// The addresses must be aligned and valid for `n` elements of the kernel's types, and the result must not overlap
/// an input.
pub(crate) type Run = unsafe fn(usize, *mut u8, *const *const u8) -> bool;

/// A loop with what it reads and writes.
#[derive(Clone, Copy)]
pub(crate) struct Kernel {
    pub run: Run,
    pub first: DType,
    pub rest: DType,
    pub output: DType,
    pub special: Option<&'static Special>,
    /// Why an element was refused.
    pub message: &'static str,
}

/// The same loop for operands in special places.
pub(crate) struct Special {
    /// The result takes the first input's place, whose address is then not read.
    update: Option<Run>,
    /// Each input after the first is a single element.
    held: Option<Run>,
}

impl Kernel {
    /// The loop where the result takes the first input's place, whose address is then not read.
    pub fn update(&self) -> Option<Run> {
        self.special?.update
    }

    /// The loop where each input after the first is a single element.
    pub fn held(&self) -> Option<Run> {
        self.special?.held
    }
}

/// Elements of a chunk that is looked through for rare arguments.
const CHUNK: usize = 64;

macro_rules! arity {
    (
        $map:ident, $loop:ident, $update_loop:ident, $held_loop:ident, $run:ident, $update:ident, $held:ident,
        $kernel:ident;
        $first:ident $($rest:ident $index:literal)*
    ) => {
        /// An operator: a function of elements.
        pub(crate) trait $map<T: Element>: 'static {
            type First: Element;
            type Out: Element;
            const MESSAGE: &'static str = "";
            const HAS_RARE: bool = false;
            /// True of an operator that often updates its first argument, and refuses none.
            const UPDATES: bool = false;
            /// True of an operator that often takes numbers after its first argument, and refuses none.
            const HOLDS: bool = false;
            fn call($first: Self::First $(, $rest: T)*) -> Self::Out;
            /// True for arguments that the operator is not defined on: the whole call fails.
            #[inline(always)]
            fn refuses(_: Self::First $(, _: replace!($rest T))*) -> bool {
                false
            }
            /// True for arguments that `call` gets wrong for the sake of speed; `exact` takes those.
            #[inline(always)]
            fn rare(_: Self::First $(, _: replace!($rest T))*) -> bool {
                false
            }
            #[inline(always)]
            fn exact($first: Self::First $(, $rest: T)*) -> Self::Out {
                Self::call($first $(, $rest)*)
            }
        }

        multiversion! {
            fn $loop<T: Element, O: $map<T>>(
                out: &mut [MaybeUninit<O::Out>],
                $first: &[O::First]
                $(, $rest: &[T])*
            ) -> bool {
                let n = out.len();
                let $first = &$first[..n];
                $(let $rest = &$rest[..n];)*
                let mut refused = false;
                if !O::HAS_RARE {
                    for i in 0..n {
                        refused |= O::refuses($first[i] $(, $rest[i])*);
                        out[i].write(O::call($first[i] $(, $rest[i])*));
                    }
                    return refused;
                }
                let mut start = 0;
                while start < n {
                    let end = n.min(start + CHUNK);
                    let out = &mut out[start..end];
                    let $first = &$first[start..end];
                    $(let $rest = &$rest[start..end];)*
                    let mut rare = false;
                    for i in 0..out.len() {
                        refused |= O::refuses($first[i] $(, $rest[i])*);
                        rare |= O::rare($first[i] $(, $rest[i])*);
                        out[i].write(O::call($first[i] $(, $rest[i])*));
                    }
                    if rare {
                        for i in 0..out.len() {
                            if O::rare($first[i] $(, $rest[i])*) {
                                out[i].write(O::exact($first[i] $(, $rest[i])*));
                            }
                        }
                    }
                    start = end;
                }
                refused
            }
        }

        multiversion! {
            fn $update_loop<T: Element, O: $map<T>>(out: &mut [O::Out] $(, $rest: &[T])*) {
                $(let $rest = &$rest[..out.len()];)*
                for i in 0..out.len() {
                    // SAFETY: the types have one dtype, and so are one type.
                    let $first = unsafe { (&raw const out[i]).cast::<O::First>().read() };
                    out[i] = O::call($first $(, $rest[i])*);
                }
            }
        }

        multiversion! {
            fn $held_loop<T: Element, O: $map<T>>(
                out: &mut [MaybeUninit<O::Out>],
                $first: &[O::First]
                $(, $rest: T)*
            ) {
                for (out, &$first) in out.iter_mut().zip($first) {
                    out.write(O::call($first $(, $rest)*));
                }
            }
        }

        unsafe fn $held<T: Element, O: $map<T>>(n: usize, out: *mut u8, inputs: *const *const u8) -> bool {
            // SAFETY: the caller's promise (see `Run`), for one element of all inputs but the first.
            let (out, $first $(, $rest)*) = unsafe {(
                std::slice::from_raw_parts_mut(out.cast::<MaybeUninit<O::Out>>(), n),
                std::slice::from_raw_parts((*inputs).cast::<O::First>(), n)
                $(, (*inputs.add($index)).cast::<T>().read())*
            )};
            $held_loop::<T, O>(out, $first $(, $rest)*);
            false
        }

        #[allow(unused_variables, reason = "a function of one argument has no others")]
        unsafe fn $update<T: Element, O: $map<T>>(n: usize, out: *mut u8, inputs: *const *const u8) -> bool {
            // SAFETY: the caller's promise (see `Run`); the result holds the first input.
            let (out, $($rest,)*) = unsafe {(
                std::slice::from_raw_parts_mut(out.cast::<O::Out>(), n),
                $(std::slice::from_raw_parts((*inputs.add($index)).cast::<T>(), n),)*
            )};
            $update_loop::<T, O>(out $(, $rest)*);
            false
        }

        unsafe fn $run<T: Element, O: $map<T>>(n: usize, out: *mut u8, inputs: *const *const u8) -> bool {
            // SAFETY: the caller's promise (see `Run`); uninitialised results are written only.
            let (out, $first $(, $rest)*) = unsafe {(
                std::slice::from_raw_parts_mut(out.cast::<MaybeUninit<O::Out>>(), n),
                std::slice::from_raw_parts((*inputs).cast::<O::First>(), n)
                $(, std::slice::from_raw_parts((*inputs.add($index)).cast::<T>(), n))*
            )};
            $loop::<T, O>(out, $first $(, $rest)*)
        }

        pub(crate) const fn $kernel<T: Element, O: $map<T>>() -> Option<Kernel> {
            Some(Kernel {
                run: $run::<T, O>,
                first: <O::First as Element>::DTYPE,
                rest: T::DTYPE,
                output: <O::Out as Element>::DTYPE,
                special: if (O::UPDATES || O::HOLDS) && matches!(T::DTYPE, DType::F32 | DType::F64) {
                    Some(const {
                        assert!(!O::UPDATES || <O::First as Element>::DTYPE as u8 == <O::Out as Element>::DTYPE as u8);
                        &Special {
                            update: if O::UPDATES { Some($update::<T, O>) } else { None },
                            held: if O::HOLDS { Some($held::<T, O>) } else { None },
                        }
                    })
                } else {
                    None
                },
                message: O::MESSAGE,
            })
        }
    };
}

macro_rules! replace {
    ($x:ident $t:ty) => {
        $t
    };
}

arity! { Map1, loop1, update_loop1, held_loop1, run1, update1, held1, kernel1; x }
arity! { Map2, loop2, update_loop2, held_loop2, run2, update2, held2, kernel2; x y 1 }
arity! { Map3, loop3, update_loop3, held_loop3, run3, update3, held3, kernel3; x y 1 z 2 }
arity! { Map4, loop4, update_loop4, held_loop4, run4, update4, held4, kernel4; x y 1 z 2 v 3 }

/// Where a compute type stands in a row of kernels; `None` for types that are only stored.
pub(crate) const fn column(compute: DType) -> Option<usize> {
    Some(match compute {
        DType::Bool => 0,
        DType::I32 => 1,
        DType::I64 => 2,
        DType::U64 => 3,
        DType::F32 => 4,
        DType::F64 => 5,
        DType::C64 => 6,
        DType::C128 => 7,
        _ => return None,
    })
}

/// One operator's kernels, by [`column`].
pub(crate) type Row = [Option<Kernel>; 8];

/// The kernels of an operator for a group of types.
macro_rules! row {
    (all $k:ident $o:ty) => {
        [
            $k::<b8, $o>(),
            $k::<i32, $o>(),
            $k::<i64, $o>(),
            $k::<u64, $o>(),
            $k::<f32, $o>(),
            $k::<f64, $o>(),
            $k::<c64, $o>(),
            $k::<c128, $o>(),
        ]
    };
    (num $k:ident $o:ty) => {
        [
            None,
            $k::<i32, $o>(),
            $k::<i64, $o>(),
            $k::<u64, $o>(),
            $k::<f32, $o>(),
            $k::<f64, $o>(),
            $k::<c64, $o>(),
            $k::<c128, $o>(),
        ]
    };
    (ordered $k:ident $o:ty) => {
        [
            $k::<b8, $o>(),
            $k::<i32, $o>(),
            $k::<i64, $o>(),
            $k::<u64, $o>(),
            $k::<f32, $o>(),
            $k::<f64, $o>(),
            None,
            None,
        ]
    };
    (real $k:ident $o:ty) => {
        [None, $k::<i32, $o>(), $k::<i64, $o>(), $k::<u64, $o>(), $k::<f32, $o>(), $k::<f64, $o>(), None, None]
    };
    (logic $k:ident $o:ty) => {
        [$k::<b8, $o>(), $k::<i32, $o>(), $k::<i64, $o>(), $k::<u64, $o>(), None, None, None, None]
    };
    (int $k:ident $o:ty) => {
        [None, $k::<i32, $o>(), $k::<i64, $o>(), $k::<u64, $o>(), None, None, None, None]
    };
    (float $k:ident $o:ty) => {
        [None, None, None, None, $k::<f32, $o>(), $k::<f64, $o>(), None, None]
    };
    (field $k:ident $o:ty) => {
        [None, None, None, None, $k::<f32, $o>(), $k::<f64, $o>(), $k::<c64, $o>(), $k::<c128, $o>()]
    };
}

/// What a group's elements can do.
macro_rules! group_trait {
    (all $($use:tt)*) => { group_trait!(@ Num $($use)*); };
    (num $($use:tt)*) => { group_trait!(@ Num $($use)*); };
    (ordered $($use:tt)*) => { group_trait!(@ Real $($use)*); };
    (real $($use:tt)*) => { group_trait!(@ Real $($use)*); };
    (logic $($use:tt)*) => { group_trait!(@ Bits $($use)*); };
    (int $($use:tt)*) => { group_trait!(@ Bits $($use)*); };
    (float $($use:tt)*) => { group_trait!(@ Float $($use)*); };
    (field $($use:tt)*) => { group_trait!(@ Field $($use)*); };
    (@ $trait:ident impl $map:ident for $op:ident { $($item:tt)* }) => {
        impl<T: $trait> $map<T> for $op { $($item)* }
    };
}

/// The type of a result: as the inputs, or what stands after `->`.
macro_rules! result {
    () => {
        T
    };
    (bool) => {
        b8
    };
    (real) => {
        T::Real
    };
    (complex) => {
        T::Complex
    };
}

/// The type of the first input: as the others, or what stands after `of`.
macro_rules! first {
    () => {
        T
    };
    (bool) => {
        b8
    };
}

/// The constant behind what an operator is said to do often.
macro_rules! habit {
    (updates) => {
        const UPDATES: bool = true;
    };
    (holds) => {
        const HOLDS: bool = true;
    };
}

/// A list of operators. `name: group |x, y| expression;` with, in this order and where needed, `of bool` (the first
/// input is one), `-> bool`, `-> real` or `-> complex` (the result), `, updates` and `, holds` (see those constants)
/// before the arguments, `refuse |x, y| test => "message"` and `rare |x, y| test => exact expression` after the
/// expression.
macro_rules! operators {
    (
        $(#[$enum_meta:meta])* $enum:ident($map:ident, $kernel:ident);
        $($(#[$meta:meta])* $name:ident: $group:ident $(of $first:ident)? $(-> $out:ident)? $(, $habit:ident)*
            |$x:ident $(, $y:ident)*| $body:expr
            $(, refuse |$($r:pat_param),+| $refuse:expr => $message:literal)?
            $(, rare |$($a:ident),+| $rare:expr => $exact:expr)? ;)*
    ) => {
        $(#[$enum_meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(non_camel_case_types, missing_docs)]
        #[repr(u8)]
        pub enum $enum { $($(#[$meta])* $name,)* }

        #[allow(non_camel_case_types)]
        mod op {
            use super::*;
            $(
                pub(crate) struct $name;
                group_trait! { $group impl $map for $name {
                    type First = first!($($first)?);
                    type Out = result!($($out)?);
                    $(habit! { $habit })*
                    #[inline(always)]
                    fn call($x: Self::First $(, $y: T)*) -> Self::Out { $body }
                    $(
                        const MESSAGE: &'static str = $message;
                        #[inline(always)]
                        fn refuses($($r: T),+) -> bool { $refuse }
                    )?
                    $(
                        const HAS_RARE: bool = true;
                        #[allow(unused_variables, reason = "some of the arguments may decide")]
                        #[inline(always)]
                        fn rare($($a: T),+) -> bool { $rare }
                        #[inline(always)]
                        fn exact($($a: T),+) -> Self::Out { $exact }
                    )?
                } }
            )*
        }

        static TABLE: &[Row] = &[$(row!($group $kernel op::$name)),*];

        impl $enum {
            /// Every operator of the list.
            pub const ALL: &[$enum] = &[$($enum::$name),*];

            /// Its name, as in PyTorch where PyTorch has it.
            pub const fn name(self) -> &'static str {
                const NAMES: &[&str] = &[$(stringify!($name)),*];
                NAMES[self as usize]
            }

            /// True if it can be computed in the given type.
            pub const fn supports(self, compute: DType) -> bool {
                self.result(compute).is_some()
            }

            /// The dtype of what it computes from inputs of the given compute type; `None` where it cannot.
            pub const fn result(self, compute: DType) -> Option<DType> {
                match self.kernel(compute) {
                    Some(kernel) => Some(kernel.output),
                    None => None,
                }
            }

            const fn kernel(self, compute: DType) -> Option<&'static Kernel> {
                match column(compute) {
                    Some(column) => TABLE[self as usize][column].as_ref(),
                    None => None,
                }
            }

            #[inline]
            fn find(self, compute: DType) -> Result<&'static Kernel> {
                match self.kernel(compute) {
                    Some(kernel) => Ok(kernel),
                    None => fail!(Runtime, "{} is not implemented for {compute}", self.name()),
                }
            }
        }
    };
}

pub(crate) use {first, group_trait, habit, operators, result, row};
