/** @file Softmax, cross-entropy and accuracy in WGSL, a sample at a time. */
import {
  countCorrect as correctKernel,
  crossEntropyGrad as gradKernel,
  crossEntropy as lossKernel,
  softmax as softmaxKernel,
} from '../kernels/loss.ts'
import { FUNCTIONS } from './functions.ts'
import { each, LANES, type Shader, TOTAL, together } from './shader.ts'

/** The largest of some values, and the sum of what e^(x - largest) gives. */
const SOFTMAX = `${FUNCTIONS}
fn largest_of(start: u32, classes: u32, stride: u32) -> f32 {
  var most = at(start);
  for (var c = 1u; c < classes; c += 1u) { most = larger(most, at(start + c * stride)); }
  return most;
}
fn sum_of(start: u32, classes: u32, stride: u32, most: f32) -> f32 {
  var sum = 0.0;
  for (var c = 0u; c < classes; c += 1u) { sum += exp_any(at(start + c * stride) - most); }
  return sum;
}`

export const softmax = each({
  kernel: softmaxKernel,
  writes: ['y'],
  count: ({ outer, inner }) => outer * inner,
  functions: SOFTMAX,
  code: `
    let start = i / p.inner * p.classes * p.inner + i % p.inner;
    let most = largest_of(p.x + start, p.classes, p.inner);
    let sum = sum_of(p.x + start, p.classes, p.inner, most);
    for (var c = 0u; c < p.classes; c += 1u) {
      put(p.y + start + c * p.inner, exp_any(at(p.x + start + c * p.inner) - most) / sum);
    }`,
})

/** Of sample i: its largest logit, the sum over them, and its label. */
const OF_SAMPLE = `
    let most = largest_of(p.logits + i, p.classes, p.n);
    let sum = sum_of(p.logits + i, p.classes, p.n, most);
    let label = at(p.labels + i);`

export const crossEntropy = each({
  kernel: lossKernel,
  writes: ['loss'],
  count: ({ n }) => n,
  functions: SOFTMAX,
  code: `${OF_SAMPLE}
    var own = 0.0;
    if (label >= 0.0 && label < f32(p.classes)) { own = at(p.logits + u32(label) * p.n + i); }
    put(p.loss + i, log_any(sum) + (most - own));`,
})

export const crossEntropyGrad = each({
  kernel: gradKernel,
  writes: ['dlogits'],
  count: ({ n }) => n,
  functions: SOFTMAX,
  code: `${OF_SAMPLE}
    let dloss = at(p.dloss + i);
    for (var c = 0u; c < p.classes; c += 1u) {
      var share = exp_any(at(p.logits + c * p.n + i) - most) / sum;
      if (label == f32(c)) { share -= 1.0; }
      put(p.dlogits + c * p.n + i, share * dloss);
    }`,
})

export const countCorrect: Shader<(typeof correctKernel)['parameters'][number]> = {
  kernel: correctKernel,
  writes: ['y'],
  passes: [
    together({
      items: () => 1,
      functions: FUNCTIONS + TOTAL,
      code: `
  var correct = 0.0;
  for (var i = lane; i < u.n; i += ${LANES}u) {
    var best = 0u;
    var most = at(u.logits + i);
    for (var c = 1u; c < u.classes; c += 1u) {
      let value = at(u.logits + c * u.n + i);
      if (is_less(most, value)) { best = c; most = value; }
    }
    if (f32(best) == at(u.labels + i)) { correct += 1.0; }
  }
  let all = total(lane, correct);
  if (lane == 0u) { put(u.y, all); }`,
    }),
  ],
}
