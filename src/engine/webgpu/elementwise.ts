/** @file Elementwise kernels in WGSL. Values that only move are moved as bits. */
import {
  binary as binaryKernel,
  clip as clipKernel,
  copy as copyKernel,
  dropoutMask as dropoutKernel,
  place as placeKernel,
  unary as unaryKernel,
  where as whereKernel,
  zero as zeroKernel,
} from '../kernels/elementwise.ts'
import { binaryCode, chosenBy, FUNCTIONS, PASSED, unaryCode } from './functions.ts'
import { each, strided } from './shader.ts'

/** Where element i is in an operand with the strides p.{stem}0..3. */
const placeIn = (stem: string) => strided('d', stem)

type Dims = Readonly<Record<'d0' | 'd1' | 'd2' | 'd3', number>>
const elements = (p: Dims) => p.d0 * p.d1 * p.d2 * p.d3

/** The square root as rounded where a device's own is not: NaN below 0, and of an infinite one itself. */
const ROOT = `
fn root(x: f32) -> f32 {
  if (is_nan(x) || (bitcast<u32>(x) & 0x7fffffffu) == 0u || bitcast<u32>(x) == infinity) { return x; }
  if (bitcast<u32>(x) >= 0x80000000u) { return bitcast<f32>(no_number); }
  /* Below normal numbers, x is so many times 2^-149. */
  if (bitcast<u32>(x) < 0x00800000u) { return sqrt(f32(2u * bitcast<u32>(x))) * power_of_two(-75); }
  return sqrt(x);
}`

export const unary = each({
  kernel: unaryKernel,
  writes: ['y'],
  takes: ({ op }) => unaryCode[op] !== undefined,
  count: ({ n }) => n,
  functions: FUNCTIONS + ROOT + chosenBy('function_of', 'x: f32', unaryCode),
  code: 'put(p.y + i, function_of(p.op, at(p.x + i)));',
})

export const binary = each({
  kernel: binaryKernel,
  writes: ['out'],
  takes: ({ op }) => binaryCode[op] !== undefined,
  count: elements,
  functions: FUNCTIONS + PASSED + chosenBy('function_of', 'x: f32, y: f32', binaryCode),
  code: `put(p.out + i, function_of(p.op, at(p.x + ${placeIn('sx')}), at(p.y + ${placeIn('sy')})));`,
})

export const where = each({
  kernel: whereKernel,
  writes: ['out'],
  count: elements,
  code: `
    let is = (word(p.c + ${placeIn('sc')}) & 0x7fffffffu) != 0u;
    if (is) { set_word(p.out + i, word(p.x + ${placeIn('sx')})); }
    else { set_word(p.out + i, word(p.y + ${placeIn('sy')})); }`,
})

export const copy = each({
  kernel: copyKernel,
  writes: ['out'],
  count: elements,
  code: `set_word(p.out + i, word(p.x + ${placeIn('sx')}));`,
})

export const place = each({
  kernel: placeKernel,
  writes: ['out'],
  count: elements,
  code: `set_word(p.out + ${placeIn('so')}, word(p.x + i));`,
})

export const zero = each({
  kernel: zeroKernel,
  writes: ['y'],
  merges: true,
  count: ({ n }) => n,
  code: 'set_word(p.y + i, 0u);',
})

export const clip = each({
  kernel: clipKernel,
  writes: ['y'],
  count: ({ n }) => n,
  functions: FUNCTIONS,
  code: `
    let limited = at(p.limited + i);
    let low = at(p.low);
    let high = at(p.high);
    if (p.gradient == 0u) {
      var y = limited;
      if (is_nan(low) || is_nan(high)) { y = bitcast<f32>(no_number); }
      else if (!is_nan(y)) {
        if (order(y) <= order(low)) { y = low; }
        if (order(y) >= order(high)) { y = high; }
      }
      put(p.y + i, y);
    } else if (is_less(low, limited) && is_less(limited, high)) {
      set_word(p.y + i, word(p.x + i));
    } else { set_word(p.y + i, 0u); }`,
})

export const dropoutMask = each({
  kernel: dropoutKernel,
  writes: ['mask'],
  count: ({ n }) => n,
  functions: `
fn hash_bits(stream: u32, place: u32) -> u32 {
  var x = (place * 0x9e3779b9u) ^ stream;
  x = (x ^ (x >> 16u)) * 0x21f0aaadu;
  x = (x ^ (x >> 15u)) * 0x735a2d97u;
  x = x ^ (x >> 15u);
  x = (x + stream) * 0x85ebca6bu;
  return x ^ (x >> 13u);
}`,
  code: `
    let stream = hash_bits(p.stream, u32(at(p.counter)));
    set_word(p.mask + i, select(p.keep, 0u, (hash_bits(stream, i) >> 1u) < p.threshold));`,
})
