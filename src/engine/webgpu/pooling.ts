/** @file Pooling in WGSL, one output (or, of the gradient, one input) at a time. */
import { averagePoolGrad as gradKernel, maxPool as maxKernel, averagePool as meanKernel } from '../kernels/pooling.ts'
import { each } from './shader.ts'

type Sizes = Readonly<Record<'channels' | 'oh' | 'ow' | 'h' | 'w' | 'batch', number>>
const outputs = (p: Sizes) => p.channels * p.oh * p.ow * p.batch

/** The window of output i: its rows from y0 to before y1, its columns from x0 to before x1. */
const WINDOW = `
    let sample = i % p.batch;
    let column = i32(i / p.batch % p.ow) * i32(p.sx) - i32(p.left);
    let row = i32(i / (p.batch * p.ow) % p.oh) * i32(p.sy) - i32(p.top);
    let channel = i / (p.batch * p.ow * p.oh);
    let y0 = u32(max(row, 0));
    let y1 = u32(min(row + i32(p.kh), i32(p.h)));
    let x0 = u32(max(column, 0));
    let x1 = u32(min(column + i32(p.kw), i32(p.w)));
    let plane = channel * p.h * p.w * p.batch + sample;`

export const maxPool = each({
  kernel: maxKernel,
  writes: ['y', 'index'],
  count: outputs,
  code: `${WINDOW}
    var best = y0 * p.w + x0;
    var most = at(p.x + plane + best * p.batch);
    for (var y = y0; y < y1; y += 1u) {
      for (var x = x0; x < x1; x += 1u) {
        let place = y * p.w + x;
        let value = at(p.x + plane + place * p.batch);
        if (is_nan(value) || (!is_nan(most) && order(value) > order(most))) { best = place; most = value; }
      }
    }
    set_word(p.y + i, word(p.x + plane + best * p.batch));
    put(p.index + i, f32(best));`,
})

export const averagePool = each({
  kernel: meanKernel,
  writes: ['y'],
  count: outputs,
  code: `${WINDOW}
    var sum = 0.0;
    for (var y = y0; y < y1; y += 1u) {
      for (var x = x0; x < x1; x += 1u) { sum += at(p.x + plane + (y * p.w + x) * p.batch); }
    }
    var count = (y1 - y0) * (x1 - x0);
    if (p.includePad != 0u) { count = p.kh * p.kw; }
    put(p.y + i, sum / f32(count));`,
})

export const averagePoolGrad = each({
  kernel: gradKernel,
  writes: ['dinput'],
  count: (p) => p.channels * p.h * p.w * p.batch,
  functions: `
/* How many of the places from \`start\` on that a window has lie inside, of n. */
fn inside(start: i32, taps: u32, n: u32) -> u32 {
  return u32(min(start + i32(taps), i32(n)) - max(start, 0));
}
/* The first window that reaches a place: windows begin \`stride\` apart. */
fn first_window(place: u32, pad: u32, taps: u32, stride: u32) -> u32 {
  let to = i32(place + pad) - i32(taps) + 1;
  if (to <= 0) { return 0u; }
  return (u32(to) + stride - 1u) / stride;
}`,
  code: `
    let sample = i % p.batch;
    let x = i / p.batch % p.w;
    let y = i / (p.batch * p.w) % p.h;
    let channel = i / (p.batch * p.w * p.h);
    let r1 = min((y + p.top) / p.sy + 1u, p.oh);
    let c1 = min((x + p.left) / p.sx + 1u, p.ow);
    var sum = 0.0;
    for (var r = first_window(y, p.top, p.kh, p.sy); r < r1; r += 1u) {
      for (var c = first_window(x, p.left, p.kw, p.sx); c < c1; c += 1u) {
        var count = p.kh * p.kw;
        if (p.includePad == 0u) {
          count = inside(i32(r * p.sy) - i32(p.top), p.kh, p.h) * inside(i32(c * p.sx) - i32(p.left), p.kw, p.w);
        }
        sum += at(p.gradient + ((channel * p.oh + r) * p.ow + c) * p.batch + sample) / f32(count);
      }
    }
    put(p.dinput + i, sum);`,
})
