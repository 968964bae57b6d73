/** @file What runs every step over every weight (kernels/optimizer.c). */
import type { Kernel } from '../kernel.ts'

/**
 * d = g + decay w;  v = momentum v + d;  w -= rate (nesterov ? d + momentum v : v); if `masked`, d also has l1 sign(w), and then w and v become
 * +0 where the mask is 0. `hyper` [5]: rate, momentum, decay, nesterov (0 or 1), l1.
 */
export const sgd: Kernel<'n' | 'w' | 'g' | 'v' | 'mask' | 'masked' | 'hyper'> = {
  name: 'sgd',
  parameters: ['n', 'w', 'g', 'v', 'mask', 'masked', 'hyper'],
  extents: (p) => [
    { offset: p.w, length: p.n },
    { offset: p.g, length: p.n },
    { offset: p.v, length: p.n },
    ...(p.masked ? [{ offset: p.mask, length: p.n }] : []),
    { offset: p.hyper, length: 5 },
  ],
  reference: (p, { floats }) => {
    const [rate, momentum, decay, nesterov, l1] = floats.subarray(p.hyper, p.hyper + 5)
    for (let i = 0; i < p.n; i++) {
      const keep = !p.masked || floats[p.mask + i] !== 0
      const lasso = p.masked ? l1 * Math.sign(floats[p.w + i]) : 0
      const d = floats[p.g + i] + decay * floats[p.w + i] + lasso
      const v = momentum * floats[p.v + i] + d
      floats[p.w + i] = keep ? floats[p.w + i] - rate * (nesterov ? d + momentum * v : v) : 0
      floats[p.v + i] = keep ? v : 0
    }
  },
}

/** x[i] = +0 where mask[i] is 0. */
export const applyMask: Kernel<'n' | 'x' | 'mask'> = {
  name: 'apply_mask',
  parameters: ['n', 'x', 'mask'],
  extents: (p) => [
    { offset: p.x, length: p.n },
    { offset: p.mask, length: p.n },
  ],
  reference: (p, { floats }) => {
    for (let i = 0; i < p.n; i++) if (floats[p.mask + i] === 0) floats[p.x + i] = 0
  },
}
