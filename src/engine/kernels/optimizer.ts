/** @file What runs every step over every weight (kernels/optimizer.c). */
import type { Kernel } from '../kernel.ts'

/**
 * d = g + decay w;  v = momentum v + d;  w -= rate (nesterov ? d + momentum v : v); then, if `masked`, w and v are
 * multiplied by the mask. `hyper` [4]: rate, momentum, decay, nesterov (0 or 1).
 */
export const sgd: Kernel<'n' | 'w' | 'g' | 'v' | 'mask' | 'masked' | 'hyper'> = {
  name: 'sgd',
  parameters: ['n', 'w', 'g', 'v', 'mask', 'masked', 'hyper'],
  extents: (p) => [
    { offset: p.w, length: p.n },
    { offset: p.g, length: p.n },
    { offset: p.v, length: p.n },
    ...(p.masked ? [{ offset: p.mask, length: p.n }] : []),
    { offset: p.hyper, length: 4 },
  ],
  reference: (p, { floats }) => {
    const [rate, momentum, decay, nesterov] = floats.subarray(p.hyper, p.hyper + 4)
    for (let i = 0; i < p.n; i++) {
      const keep = p.masked ? floats[p.mask + i] : 1
      const d = floats[p.g + i] + decay * floats[p.w + i]
      const v = momentum * floats[p.v + i] + d
      floats[p.w + i] = (floats[p.w + i] - rate * (nesterov ? d + momentum * v : v)) * keep
      floats[p.v + i] = v * keep
    }
  },
}

/** x[i] *= mask[i]. */
export const applyMask: Kernel<'n' | 'x' | 'mask'> = {
  name: 'apply_mask',
  parameters: ['n', 'x', 'mask'],
  extents: (p) => [
    { offset: p.x, length: p.n },
    { offset: p.mask, length: p.n },
  ],
  reference: (p, { floats }) => {
    for (let i = 0; i < p.n; i++) floats[p.x + i] *= floats[p.mask + i]
  },
}
