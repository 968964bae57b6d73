/** @file Batches from a data set in the arena, in WGSL. */
import {
  loadAugmented as augmentedKernel,
  CHANGE,
  loadFloats as floatsKernel,
  loadImages as imagesKernel,
} from '../kernels/data.ts'
import { each } from './shader.ts'

/** Bytes are counted in 32 bits here. */
const MOST_BYTES = 2 ** 32

const SAFE = `
/* An index outside the data set reads sample 0. */
fn safe_index(value: f32, count: u32) -> u32 {
  if (value >= 0.0 && value < f32(count)) { return min(u32(value), count - 1u); }
  return 0u;
}
fn byte_at(data: u32, i: u32) -> f32 { return f32((word(data + i / 4u) >> (8u * (i % 4u))) & 255u); }`

export const loadImages = each({
  kernel: imagesKernel,
  writes: ['y'],
  takes: ({ count, channels, plane }) => count * channels * plane < MOST_BYTES,
  count: ({ batch, channels, plane }) => batch * channels * plane,
  functions: SAFE,
  code: `
    let feature = i / p.batch;
    let channel = feature / p.plane;
    let image = safe_index(at(p.index + i % p.batch), p.count) * p.channels * p.plane;
    put(p.y + i, byte_at(p.data, image + feature) * at(p.scale + channel) + at(p.shift + channel));`,
})

export const loadAugmented = each({
  kernel: augmentedKernel,
  writes: ['y'],
  takes: ({ count, channels, h, w }) => count * channels * h * w < MOST_BYTES,
  count: ({ batch, channels, h, w }) => batch * channels * h * w,
  functions: `${SAFE}
/* Where a row or column of a padded and shifted image is in the image of n: outside -1, or mirrored. */
fn padded_place(i: i32, n: i32, reflect: u32) -> i32 {
  if (i >= 0 && i < n) { return i; }
  if (reflect == 0u) { return -1; }
  var mirrored = -i;
  if (i >= 0) { mirrored = 2 * (n - 1) - i; }
  return clamp(mirrored, 0, n - 1);
}`,
  code: `
    let sample = i % p.batch;
    let column = i32(i / p.batch % p.w);
    let row = i32(i / (p.batch * p.w) % p.h);
    let channel = i / (p.batch * p.w * p.h);
    let top = i32(safe_index(at(p.change + ${CHANGE.top}u * p.batch + sample), 2u * p.pad + 1u)) - i32(p.pad);
    let left = i32(safe_index(at(p.change + ${CHANGE.left}u * p.batch + sample), 2u * p.pad + 1u)) - i32(p.pad);
    var start = column;
    if (at(p.change + ${CHANGE.flip}u * p.batch + sample) != 0.0) { start = i32(p.w) - 1 - column; }
    let y = padded_place(row + top, i32(p.h), p.reflect);
    let x = padded_place(start + left, i32(p.w), p.reflect);
    var value = 0.0;
    if (y >= 0 && x >= 0) {
      let image = safe_index(at(p.index + sample), p.count) * p.channels;
      value = byte_at(p.data, ((image + channel) * p.h + u32(y)) * p.w + u32(x));
    }
    put(p.y + i, value * at(p.scale + channel) + at(p.shift + channel));`,
})

export const loadFloats = each({
  kernel: floatsKernel,
  writes: ['y'],
  count: ({ batch, features }) => batch * features,
  functions: SAFE,
  code: `
    let row = safe_index(at(p.index + i % p.batch), p.count) * p.features;
    set_word(p.y + i, word(p.data + row + i / p.batch));`,
})
