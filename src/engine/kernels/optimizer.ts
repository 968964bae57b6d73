/** @file What runs every step over every weight (kernels/optimizer.c). */
import { bitsToFloat } from '../bits.ts'
import type { Kernel } from '../kernel.ts'
import type { Floats } from '../machine.ts'

/** What lies where in `hyper`; nesterov is 0 or 1. */
export const HYPER = { rate: 0, momentum: 1, decay: 2, nesterov: 3, l1: 4 } as const
const HYPERS = Object.keys(HYPER).length

/**
 * d = g + decay w; v = momentum v + d; w -= rate (nesterov ? d + momentum v : v); if `masked`, d also has l1
 * sign(w), and then w and v become +0 where the mask is 0. `hyper`: see {@link HYPER}.
 */
export const sgd: Kernel<'n' | 'w' | 'g' | 'v' | 'mask' | 'masked' | 'hyper'> = {
  name: 'sgd',
  parameters: ['n', 'w', 'g', 'v', 'mask', 'masked', 'hyper'],
  extents: (p) => [
    { offset: p.w, length: p.n },
    { offset: p.g, length: p.n },
    { offset: p.v, length: p.n },
    ...(p.masked ? [{ offset: p.mask, length: p.n }] : []),
    { offset: p.hyper, length: HYPERS },
  ],
  reference: (p, { floats }) => {
    const [rate, momentum, decay, nesterov, l1] = Object.values(HYPER).map((at) => floats[p.hyper + at])
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

/**
 * The factors of w = m u take a step each as {@link sgd} does, with the gradients g u and g m, where
 * l1 sign(w) is added to g, and the momenta mv and uv; then w = m u. All five become +0 where the mask is 0.
 */
export const factoredSgd: Kernel<'n' | 'w' | 'g' | 'm' | 'mv' | 'u' | 'uv' | 'mask' | 'hyper'> = {
  name: 'factored_sgd',
  parameters: ['n', 'w', 'g', 'm', 'mv', 'u', 'uv', 'mask', 'hyper'],
  extents: (p) => [
    ...[p.w, p.g, p.m, p.mv, p.u, p.uv, p.mask].map((offset) => ({ offset, length: p.n })),
    { offset: p.hyper, length: HYPERS },
  ],
  reference: (p, { floats }) => {
    const [rate, momentum, decay, nesterov, l1] = Object.values(HYPER).map((at) => floats[p.hyper + at])
    for (let i = 0; i < p.n; i++) {
      const keep = floats[p.mask + i] !== 0
      const g = floats[p.g + i] + l1 * Math.sign(floats[p.w + i])
      const [m, u] = [floats[p.m + i], floats[p.u + i]]
      for (const [factor, other, at, velocity] of [
        [m, u, p.m, p.mv],
        [u, m, p.u, p.uv],
      ]) {
        const d = g * other + decay * factor
        const v = momentum * floats[velocity + i] + d
        floats[at + i] = keep ? factor - rate * (nesterov ? d + momentum * v : v) : 0
        floats[velocity + i] = keep ? v : 0
      }
      floats[p.w + i] = floats[p.m + i] * floats[p.u + i]
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

/**
 * The gradient of tied weights: y is, at every copy of a bank entry, the sum of g over all its copies, or
 * their mean. A tensor is `units` runs of `block` weights; the copies of entry b of `entries` are the runs
 * order[b], order[b + entries], ... `order` is a permutation of 0 .. units - 1, 32-bit integers: what lies
 * outside is left out. y may be g.
 */
export const tieGradient: Kernel<'units' | 'entries' | 'block' | 'g' | 'order' | 'y' | 'mean'> = {
  name: 'tie_gradient',
  parameters: ['units', 'entries', 'block', 'g', 'order', 'y', 'mean'],
  extents: (p) => {
    if (p.block < 1 || p.entries < 1 || p.entries > p.units)
      throw new Error(`expected runs of 1 weight or more and 1 to ${p.units} entries, found ${p.block}, ${p.entries}`)
    return [
      { offset: p.g, length: p.units * p.block },
      { offset: p.order, length: p.units },
      { offset: p.y, length: p.units * p.block },
    ]
  },
  reference: (p, { floats, bytes }) => {
    const order = new Int32Array(bytes.buffer, bytes.byteOffset).subarray(p.order, p.order + p.units)
    for (let b = 0; b < p.entries; b++) {
      const copies = order.filter((unit, i) => i % p.entries === b && unit >= 0 && unit < p.units)
      for (let k = 0; k < p.block; k++) {
        const sum = copies.reduce((all, unit) => all + floats[p.g + unit * p.block + k], 0)
        for (const unit of copies) floats[p.y + unit * p.block + k] = p.mean ? sum / copies.length : sum
      }
    }
  },
}

/**
 * y = g + lambda w / sqrt(sum w^2 + 1e-12), the sum over the run of `block` weights that w is in; `lambda` is
 * the bits of a float, y may be g.
 */
export const groupLasso: Kernel<'groups' | 'block' | 'g' | 'w' | 'y' | 'lambda'> = {
  name: 'group_lasso',
  parameters: ['groups', 'block', 'g', 'w', 'y', 'lambda'],
  extents: (p) => [p.g, p.w, p.y].map((offset) => ({ offset, length: p.groups * p.block })),
  reference: (p, { floats }) => {
    for (let group = 0; group < p.groups; group++)
      addGroupLasso(
        floats,
        Array.from({ length: p.block }, (_, k) => group * p.block + k),
        p,
      )
  },
}

/**
 * The same for a weight that is held sparse (src/engine/pattern.ts): a group is the nonzeros of one output
 * and one input channel, whose kernel has `kernel` weights. Beyond the nonzeros y = g; a nonzero that lies
 * outside is left out.
 */
export const sparseGroupLasso: Kernel<
  'out' | 'kernel' | 'capacity' | 'g' | 'w' | 'starts' | 'places' | 'y' | 'lambda'
> = {
  name: 'sparse_group_lasso',
  parameters: ['out', 'kernel', 'capacity', 'g', 'w', 'starts', 'places', 'y', 'lambda'],
  extents: (p) => {
    if (p.kernel < 1) throw new Error(`expected kernels of 1 weight or more, found ${p.kernel}`)
    const lists = [p.g, p.w, p.places, p.y].map((offset) => ({ offset, length: p.capacity }))
    return [...lists, { offset: p.starts, length: p.out + 1 }]
  },
  reference: (p, { floats, bytes }) => {
    const ints = new Int32Array(bytes.buffer, bytes.byteOffset)
    const start = (o: number) => Math.max(ints[p.starts + o], 0)
    for (let o = 0; o < p.out; o++) {
      const groups = new Map<number, number[]>()
      for (let e = start(o); e < Math.min(start(o + 1), p.capacity); e++) {
        const channel = Math.floor(ints[p.places + e] / p.kernel)
        groups.set(channel, [...(groups.get(channel) ?? []), e])
      }
      for (const group of groups.values()) addGroupLasso(floats, group, p)
    }
    for (let e = start(p.out); e < p.capacity; e++) floats[p.y + e] = floats[p.g + e]
  },
}

function addGroupLasso(floats: Floats, group: readonly number[], p: Record<'g' | 'w' | 'y' | 'lambda', number>): void {
  const squares = group.reduce((sum, i) => sum + floats[p.w + i] ** 2, 0)
  const factor = bitsToFloat(p.lambda) / Math.sqrt(squares + 1e-12)
  for (const i of group) floats[p.y + i] = floats[p.g + i] + factor * floats[p.w + i]
}
