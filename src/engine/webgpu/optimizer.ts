/** @file What runs every step over every weight, in WGSL. Calls for different tensors are one dispatch. */
import {
  factoredSgd as factoredKernel,
  groupLasso as groupKernel,
  HYPER,
  applyMask as maskKernel,
  sgd as sgdKernel,
  sparseGroupLasso as sparseGroupKernel,
  tieGradient as tieKernel,
} from '../kernels/optimizer.ts'
import { ROW } from './pattern.ts'
import { each } from './shader.ts'

const READ_HYPER = Object.entries(HYPER)
  .map(([name, place]) => `let ${name} = at(p.hyper + ${place}u);`)
  .join('\n    ')

const SIGN = `
fn sign_of(x: f32) -> f32 { if (x > 0.0) { return 1.0; } if (x < 0.0) { return -1.0; } return x; }
fn is_kept(mask: u32) -> bool { return (word(mask) & 0x7fffffffu) != 0u; }`

export const sgd = each({
  kernel: sgdKernel,
  writes: ['w', 'v'],
  merges: true,
  count: ({ n }) => n,
  functions: SIGN,
  code: `
    ${READ_HYPER}
    let w = at(p.w + i);
    var d = at(p.g + i) + decay * w;
    if (p.masked != 0u) { d += l1 * sign_of(w); }
    let v = momentum * at(p.v + i) + d;
    if (p.masked != 0u && !is_kept(p.mask + i)) {
      set_word(p.w + i, 0u);
      set_word(p.v + i, 0u);
    } else {
      if (nesterov != 0.0) { d += momentum * v; } else { d = v; }
      put(p.w + i, w - rate * d);
      put(p.v + i, v);
    }`,
})

export const factoredSgd = each({
  kernel: factoredKernel,
  writes: ['w', 'm', 'mv', 'u', 'uv'],
  merges: true,
  count: ({ n }) => n,
  functions: SIGN,
  code: `
    ${READ_HYPER}
    if (is_kept(p.mask + i)) {
      let g = at(p.g + i) + l1 * sign_of(at(p.w + i));
      let m = at(p.m + i);
      let u = at(p.u + i);
      var dm = g * u + decay * m;
      var du = g * m + decay * u;
      let mv = momentum * at(p.mv + i) + dm;
      let uv = momentum * at(p.uv + i) + du;
      if (nesterov != 0.0) { dm += momentum * mv; du += momentum * uv; } else { dm = mv; du = uv; }
      let after = m - rate * dm;
      let other = u - rate * du;
      put(p.m + i, after);
      put(p.u + i, other);
      put(p.mv + i, mv);
      put(p.uv + i, uv);
      put(p.w + i, after * other);
    } else {
      set_word(p.m + i, 0u);
      set_word(p.u + i, 0u);
      set_word(p.mv + i, 0u);
      set_word(p.uv + i, 0u);
      set_word(p.w + i, 0u);
    }`,
})

export const applyMask = each({
  kernel: maskKernel,
  writes: ['x'],
  merges: true,
  count: ({ n }) => n,
  functions: SIGN,
  code: 'if (!is_kept(p.mask + i)) { set_word(p.x + i, 0u); }',
})

export const tieGradient = each({
  kernel: tieKernel,
  writes: ['y'],
  count: ({ entries, block }) => entries * block,
  code: `
    let entry = i / p.block;
    let k = i % p.block;
    var sum = 0.0;
    var copies = 0u;
    for (var c = entry; c < p.units; c += p.entries) {
      let unit = word(p.order + c);
      if (unit < p.units) { sum += at(p.g + unit * p.block + k); copies += 1u; }
    }
    if (p.mean != 0u) { sum = sum / f32(copies); }
    for (var c = entry; c < p.units; c += p.entries) {
      let unit = word(p.order + c);
      if (unit < p.units) { put(p.y + unit * p.block + k, sum); }
    }`,
})

export const groupLasso = each({
  kernel: groupKernel,
  writes: ['y'],
  count: ({ groups }) => groups,
  code: `
    var squares = 0.0;
    for (var k = i * p.block; k < (i + 1u) * p.block; k += 1u) { squares += at(p.w + k) * at(p.w + k); }
    let factor = float(p.lambda) / sqrt(squares + 1e-12);
    for (var k = i * p.block; k < (i + 1u) * p.block; k += 1u) {
      put(p.y + k, at(p.g + k) + factor * at(p.w + k));
    }`,
})

export const sparseGroupLasso = each({
  kernel: sparseGroupKernel,
  writes: ['y'],
  count: ({ capacity }) => capacity,
  functions: ROW,
  code: `
    let row = row_of(i);
    if (row >= p.out) { set_word(p.y + i, word(p.g + i)); }
    else {
      let channel = word(p.places + i) / p.kernel;
      var squares = 0.0;
      for (var e = start_of(row); e < start_of(row + 1u); e += 1u) {
        if (word(p.places + e) / p.kernel == channel) { squares += at(p.w + e) * at(p.w + e); }
      }
      put(p.y + i, at(p.g + i) + float(p.lambda) / sqrt(squares + 1e-12) * at(p.w + i));
    }`,
})
