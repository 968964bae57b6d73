/**
 * @file Functions of one number or two in WGSL. A device's own e^x and logarithm may be off by many units in
 * the last place (WGSL allows 3 + 2 |x| of them), so these are polynomials as of kernels/functions.h. The
 * sign and what is no number are looked at in the bits.
 */
import { BINARY, UNARY } from '../kernels/functions.ts'

const INFINITY = '0x7f800000u'
const NAN = '0x7fc00000u'

export const FUNCTIONS = `
/* Not a constant, so that no compiler refuses or folds it. */
var<private> infinity: u32 = ${INFINITY};
var<private> no_number: u32 = ${NAN};
fn magnitude(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu); }
fn with_sign(x: f32, y: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(x) & 0x7fffffffu) | (bitcast<u32>(y) & 0x80000000u));
}
fn power_of_two(k: i32) -> f32 { return bitcast<f32>(u32(k + 127) << 23u); }
/* e^x: gradually 0 below, infinite above. x = k log 2 + r, and the series of e^r. */
fn exp_any(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  if (x > 89.0) { return bitcast<f32>(infinity); }
  if (x < -104.0) { return 0.0; }
  let k = floor(x * 1.44269504 + 0.5);
  let r = x - k * 0.693359375 + k * 2.12194440e-4;
  var q = 1.0 / 5040.0;
  q = q * r + 1.0 / 720.0;
  q = q * r + 1.0 / 120.0;
  q = q * r + 1.0 / 24.0;
  q = q * r + 1.0 / 6.0;
  q = q * r + 0.5;
  q = q * r + 1.0;
  q = q * r + 1.0;
  /* Two factors, since 2^k alone leaves the range of exponents at the ends. */
  let half = i32(k) / 2;
  return q * power_of_two(half) * power_of_two(i32(k) - half);
}
/* log x = e log 2 + log m with m in [sqrt(1/2), sqrt(2)), log m = 2 atanh((m - 1) / (m + 1)). */
fn log_any(x: f32) -> f32 {
  var bits = bitcast<u32>(x);
  if ((bits & 0x7fffffffu) == 0u) { return bitcast<f32>(infinity | 0x80000000u); }
  if (is_nan(x)) { return x; }
  if (bits >= 0x80000000u) { return bitcast<f32>(no_number); }
  if (bits == infinity) { return x; }
  var e = 0;
  if (bits < 0x00800000u) {
    /* What lies below normal numbers is made one in its bits: as a number it might be flushed. */
    let shift = countLeadingZeros(bits) - 8u;
    bits = ((bits << shift) & 0x007fffffu) | 0x00800000u;
    e = -i32(shift);
  }
  let over = i32(bits - 0x3f3504f3u) >> 23u;
  e += over;
  let m = bitcast<f32>(bits - (u32(over) << 23u));
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  var q = 2.0 / 11.0;
  q = q * z + 2.0 / 9.0;
  q = q * z + 2.0 / 7.0;
  q = q * z + 2.0 / 5.0;
  q = q * z + 2.0 / 3.0;
  q = q * z + 2.0;
  let k = f32(e);
  return k * 0.693359375 + (q * s - k * 2.12194440e-4);
}
fn sigmoid_any(x: f32) -> f32 { return 1.0 / (1.0 + exp_any(-x)); }
fn tanh_any(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let size = magnitude(x);
  let z = x * x;
  var q = -5.7170487e-3;
  q = q * z + 2.06505909e-2;
  q = q * z - 5.37434994e-2;
  q = q * z + 1.33314913e-1;
  q = q * z - 3.33332839e-1;
  if (size < 0.625) { return x + x * z * q; }
  return with_sign(1.0 - 2.0 / (exp_any(size + size) + 1.0), x);
}
fn erf_any(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let t = min(magnitude(x), 4.0);
  let z = x * x;
  if (t < 1.0) {
    var q = 7.88926778e-5;
    q = q * z - 8.02088919e-4;
    q = q * z + 5.18954129e-3;
    q = q * z - 2.68544481e-2;
    q = q * z + 1.12836003e-1;
    q = q * z - 3.76126271e-1;
    q = q * z + 1.28379166e-1;
    return x + x * q;
  }
  var q = -1.8638008431e-4;
  q = q * t + 2.9476667972e-3;
  q = q * t - 2.1838096971e-2;
  q = q * t + 1.0310682138e-1;
  q = q * t + 6.3814475817e-1;
  q = q * t + 1.1270892338;
  q = q * t + 3.4151258969e-4;
  return with_sign(1.0 - exp_any(-q), x);
}
fn atan_any(x: f32) -> f32 {
  if (is_nan(x)) { return x; }
  let size = magnitude(x);
  var start = 0.0;
  var t = size;
  if (size > 2.41421356) { start = 1.57079633; t = -1.0 / size; }
  else if (size > 0.414213562) { start = 0.785398163; t = (size - 1.0) / (size + 1.0); }
  let z = t * t;
  var q = 8.0592967e-2;
  q = q * z - 1.38795596e-1;
  q = q * z + 1.99779015e-1;
  q = q * z - 3.33329547e-1;
  return with_sign(start + (t * z * q + t), x);
}
/* A whole number keeps the sign of what it comes from; from 2^23 on, and of NaN, x is it. */
fn whole(x: f32, y: f32) -> f32 {
  if (!(magnitude(x) < 8388608.0)) { return x; }
  return with_sign(y, x);
}
fn sign_any(x: f32) -> f32 {
  if (is_nan(x) || (bitcast<u32>(x) & 0x7fffffffu) == 0u) { return x; }
  return with_sign(1.0, x);
}
fn is_less(x: f32, y: f32) -> bool { return order(x) < order(y) && !is_nan(x) && !is_nan(y); }
/* NaN where one of them is. Of two zeros the second. */
fn larger(x: f32, y: f32) -> f32 { if (is_nan(x) || is_less(y, x)) { return x; } return y; }
fn smaller(x: f32, y: f32) -> f32 { if (is_nan(x) || is_less(x, y)) { return x; } return y; }
fn truth(is: bool) -> f32 { if (is) { return 1.0; } return 0.0; }
fn are_equal(x: f32, y: f32) -> bool { return order(x) == order(y) && !is_nan(x) && !is_nan(y); }
`

/** By code; those that are missing need more than single precision. */
export const unaryCode: Partial<Record<number, string>> = {
  [UNARY.Neg]: 'bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u)',
  [UNARY.Relu]: 'relu(x)',
  [UNARY.Sqrt]: 'root(x)',
  [UNARY.Reciprocal]: '1.0 / x',
  [UNARY.Sigmoid]: 'sigmoid_any(x)',
  [UNARY.Abs]: 'magnitude(x)',
  [UNARY.Exp]: 'exp_any(x)',
  [UNARY.Log]: 'log_any(x)',
  [UNARY.Tanh]: 'tanh_any(x)',
  [UNARY.Erf]: 'erf_any(x)',
  [UNARY.Floor]: 'whole(x, floor(x))',
  [UNARY.Ceil]: 'whole(x, ceil(x))',
  [UNARY.Round]: 'whole(x, round(x))',
  [UNARY.Trunc]: 'whole(x, trunc(x))',
  [UNARY.Sign]: 'sign_any(x)',
  [UNARY.Atan]: 'atan_any(x)',
}

export const binaryCode: Partial<Record<number, string>> = {
  [BINARY.Add]: 'x + y',
  [BINARY.Sub]: 'x - y',
  [BINARY.Mul]: 'x * y',
  // x is the gradient, y the ReLU's output.
  [BINARY.ReluGrad]: 'passed(x, y)',
  [BINARY.AddRelu]: 'relu(x + y)',
  [BINARY.Div]: 'x / y',
  [BINARY.Max]: 'larger(x, y)',
  [BINARY.Min]: 'smaller(x, y)',
  [BINARY.Less]: 'truth(is_less(x, y))',
  [BINARY.LessOrEqual]: 'truth(is_less(x, y) || are_equal(x, y))',
  [BINARY.Equal]: 'truth(are_equal(x, y))',
}

/** `name(op, ...)` by code. */
export const chosenBy = (name: string, parameters: string, codes: Partial<Record<number, string>>): string => `
fn ${name}(op: u32, ${parameters}) -> f32 {
  switch (op) {
    ${Object.entries(codes)
      .map(([op, code]) => `case ${op}u: { return ${code}; }`)
      .join('\n    ')}
    default: { return 0.0; }
  }
}`

/** The gradient through a ReLU whose output is y: 0 where that is 0. */
export const PASSED = `
fn passed(x: f32, y: f32) -> f32 { if (!is_nan(y) && order(y) <= 0) { return 0.0; } return x; }`
