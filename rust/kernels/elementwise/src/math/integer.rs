//! Arithmetic of integers, which wraps, and of bool.

use super::traits::{Bits, Num, Real};
use corten_base::element::b8;

macro_rules! integers {
    ($($t:ty, $unsigned:ty, |$x:ident| abs $abs:expr, sgn $sgn:expr;)*) => { $(
        impl Num for $t {
            type Real = $t;
            const ONE: Self = 1;
            #[inline(always)]
            fn add(self, y: Self) -> Self { self.wrapping_add(y) }
            #[inline(always)]
            fn sub(self, y: Self) -> Self { self.wrapping_sub(y) }
            #[inline(always)]
            fn mul(self, y: Self) -> Self { self.wrapping_mul(y) }
            #[inline(always)]
            fn neg(self) -> Self { self.wrapping_neg() }
            #[inline(always)]
            fn abs(self) -> Self { let $x = self; $abs }
            #[inline(always)]
            fn sgn(self) -> Self { let $x = self; $sgn }
            /// By squaring; a negative exponent gives what the exact power truncates to (0, or ±1 of ±1).
            #[inline(always)]
            fn pow(self, y: Self) -> Self {
                if y.signbit() {
                    return match self {
                        1 => 1,
                        x if x.wrapping_add(1) == 0 => if y & 1 == 0 { 1 } else { x },
                        _ => 0,
                    };
                }
                let (mut base, mut left, mut power) = (self, y, 1 as $t);
                while left != 0 {
                    if left & 1 != 0 {
                        power = power.wrapping_mul(base);
                    }
                    left >>= 1;
                    base = base.wrapping_mul(base);
                }
                power
            }
            #[inline(always)]
            fn is_nan(self) -> bool { false }
            #[inline(always)]
            fn is_inf(self) -> bool { false }
            #[inline(always)]
            fn truth(self) -> bool { self != 0 }
        }

        impl Real for $t {
            #[inline(always)]
            #[allow(unused_comparisons, reason = "one source for signed and unsigned")]
            fn signbit(self) -> bool { self < 0 }
            #[inline(always)]
            fn div_floor(self, y: Self) -> Self {
                let quotient = self.div_trunc(y);
                let inexact = quotient.wrapping_mul(y) != self;
                quotient.wrapping_sub((inexact && self.signbit() != y.signbit()) as $t)
            }
            #[inline(always)]
            fn div_trunc(self, y: Self) -> Self { if y == 0 { 0 } else { self.wrapping_div(y) } }
            #[inline(always)]
            fn remainder(self, y: Self) -> Self {
                let rest = self.fmod(y);
                if rest != 0 && rest.signbit() != y.signbit() { rest.wrapping_add(y) } else { rest }
            }
            #[inline(always)]
            fn fmod(self, y: Self) -> Self { if y == 0 { 0 } else { self.wrapping_rem(y) } }
            #[inline(always)]
            fn is_bad_divisor(self) -> bool { self == 0 }
            #[inline(always)]
            fn floor(self) -> Self { self }
            #[inline(always)]
            fn ceil(self) -> Self { self }
            #[inline(always)]
            fn trunc(self) -> Self { self }
            #[inline(always)]
            fn round(self) -> Self { self }
        }

        impl Bits for $t {
            #[inline(always)]
            fn and(self, y: Self) -> Self { self & y }
            #[inline(always)]
            fn or(self, y: Self) -> Self { self | y }
            #[inline(always)]
            fn xor(self, y: Self) -> Self { self ^ y }
            #[inline(always)]
            fn not(self) -> Self { !self }
            /// Zero where the distance is negative or not less than the width.
            #[inline(always)]
            fn shl(self, y: Self) -> Self {
                if y as $unsigned >= <$t>::BITS as $unsigned { 0 } else { self.wrapping_shl(y as u32) }
            }
            /// The sign alone where the distance is negative or not less than the width.
            #[inline(always)]
            fn shr(self, y: Self) -> Self {
                if y as $unsigned >= <$t>::BITS as $unsigned {
                    if self.signbit() { !0 } else { 0 }
                } else {
                    self.wrapping_shr(y as u32)
                }
            }
            #[inline(always)]
            fn gcd(self, y: Self) -> Self {
                let (mut x, mut y) = (Num::abs(self), Num::abs(y));
                while x != 0 {
                    (x, y) = (y.wrapping_rem(x), x);
                }
                y
            }
            #[inline(always)]
            fn lcm(self, y: Self) -> Self {
                let gcd = self.gcd(y);
                if gcd == 0 { 0 } else { Num::abs(self.wrapping_div(gcd).wrapping_mul(y)) }
            }
        }
    )* };
}

integers! {
    u8, u8, |x| abs x, sgn (x != 0) as u8;
    i8, u8, |x| abs x.wrapping_abs(), sgn x.signum();
    i16, u16, |x| abs x.wrapping_abs(), sgn x.signum();
    i32, u32, |x| abs x.wrapping_abs(), sgn x.signum();
    i64, u64, |x| abs x.wrapping_abs(), sgn x.signum();
    u64, u64, |x| abs x, sgn (x != 0) as u64;
}

macro_rules! logic {
    ($(fn $name:ident($x:ident $(, $y:ident)?) $body:expr;)*) => { $(
        #[inline(always)]
        fn $name(self $(, $y: Self)?) -> Self {
            let $x = self.0 != 0;
            $(let $y = $y.0 != 0;)?
            b8($body as u8)
        }
    )* };
}

impl Num for b8 {
    type Real = b8;
    const ONE: Self = b8(1);
    logic! {
        fn add(x, y) x | y;
        fn sub(x, y) x ^ y;
        fn mul(x, y) x & y;
        fn neg(x) x;
        fn abs(x) x;
        fn sgn(x) x;
        fn pow(x, y) x | !y;
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        false
    }
    #[inline(always)]
    fn is_inf(self) -> bool {
        false
    }
    #[inline(always)]
    fn truth(self) -> bool {
        self.0 != 0
    }
}

impl Real for b8 {
    logic! {
        fn div_floor(x, y) x & y;
        fn div_trunc(x, y) x & y;
        fn remainder(x, y) x & !y;
        fn fmod(x, y) x & !y;
        fn floor(x) x;
        fn ceil(x) x;
        fn trunc(x) x;
        fn round(x) x;
    }
    #[inline(always)]
    fn signbit(self) -> bool {
        false
    }
    #[inline(always)]
    fn is_bad_divisor(self) -> bool {
        self.0 == 0
    }
}

impl Bits for b8 {
    logic! {
        fn and(x, y) x & y;
        fn or(x, y) x | y;
        fn xor(x, y) x ^ y;
        fn not(x) !x;
        fn shl(x, y) x & !y;
        fn shr(x, y) x & !y;
        fn gcd(x, y) x | y;
        fn lcm(x, y) x & y;
    }
}
