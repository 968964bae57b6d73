/**
 * @file Values moved along one axis: by a sparse matrix (kernels/resample.c), to and from places that are
 * computed (kernels/gather.c), and the largest ones to the front (kernels/top_k.c). A tensor is
 * [outer][places][inner] in memory.
 */
import { bitsToFloat } from '../bits.ts'
import type { Extent, Kernel, ReferenceMemory } from '../kernel.ts'
import { limits } from './limits.ts'

const at = (offset: number, ...sizes: number[]): Extent => ({ offset, length: sizes.reduce((a, b) => a * b, 1) })

function checkSizes(...sizes: number[]): void {
  if (sizes.some((n) => n < 1)) throw new Error('sizes must be 1 or more')
}

/**
 * y [outer][m][inner] = T x [outer][n][inner] for a sparse m x n matrix T. The list is its table: where each
 * row begins (m + 1 numbers), then the places of its `count` nonzeros, then their weights as bits of floats.
 */
export const resample: Kernel<'outer' | 'n' | 'm' | 'inner' | 'count' | 'x' | 'y'> = {
  name: 'resample',
  parameters: ['outer', 'n', 'm', 'inner', 'count', 'x', 'y'],
  list: true,
  bits: true,
  extents: (p, list) => {
    const table = list.slice(resample.parameters.length)
    checkSizes(p.outer, p.n, p.m, p.inner)
    if (table.length !== p.m + 1 + 2 * p.count) throw new Error(`the table has ${table.length} numbers`)
    for (let j = 0; j < p.m; j++)
      if (table[j] > table[j + 1]) throw new Error(`row ${j} of the table ends before it begins`)
    if (table[0] !== 0 || table[p.m] !== p.count) throw new Error('the rows of the table are not all of it')
    for (let t = p.m + 1; t < p.m + 1 + p.count; t++)
      if (!(table[t] >= 0 && table[t] < p.n)) throw new Error(`the table has the place ${table[t]} of ${p.n}`)
    return [at(p.x, p.outer, p.n, p.inner), at(p.y, p.outer, p.m, p.inner)]
  },
  reference: (p, { floats }, list) => {
    const table = list.slice(resample.parameters.length)
    const [places, weights] = [p.m + 1, p.m + 1 + p.count]
    for (let o = 0; o < p.outer; o++)
      for (let j = 0; j < p.m; j++)
        for (let i = 0; i < p.inner; i++) {
          let sum = 0
          for (let t = table[j]; t < table[j + 1]; t++)
            sum += bitsToFloat(table[weights + t]) * floats[p.x + (o * p.n + table[places + t]) * p.inner + i]
          floats[p.y + (o * p.m + j) * p.inner + i] = sum
        }
  },
}

type Moved = 'outer' | 'n' | 'k' | 'inner' | 'each' | 'index'

/**
 * Visits the elements (o, j, i) of [outer][k][inner] whose index names a place: their number, and that of the
 * element of [outer][n][inner]. An index counts from the end where it is negative.
 */
function forEachPlace(
  p: Readonly<Record<Moved, number>>,
  floats: ReferenceMemory['floats'],
  visit: (moved: number, place: number) => void,
): void {
  for (let o = 0; o < p.outer; o++)
    for (let j = 0; j < p.k; j++)
      for (let i = 0; i < p.inner; i++) {
        const moved = (o * p.k + j) * p.inner + i
        const index = floats[p.index + (p.each ? moved : j)]
        const place = index < 0 ? index + p.n : index
        if (place >= 0 && place < p.n) visit(moved, (o * p.n + Math.trunc(place)) * p.inner + i)
      }
}

const indexExtent = (p: Readonly<Record<Moved, number>>) =>
  p.each ? at(p.index, p.outer, p.k, p.inner) : at(p.index, p.k)

/**
 * y [outer][k][inner] = x [outer][n][inner] at the places that index names: [k], or with `each` 1
 * [outer][k][inner]. Where it names none: 0.
 */
export const gather: Kernel<Moved | 'x' | 'y'> = {
  name: 'gather',
  parameters: ['outer', 'n', 'k', 'inner', 'each', 'x', 'index', 'y'],
  extents: (p) => {
    checkSizes(p.outer, p.n, p.k, p.inner)
    return [at(p.x, p.outer, p.n, p.inner), indexExtent(p), at(p.y, p.outer, p.k, p.inner)]
  },
  reference: (p, { floats }) => {
    floats.fill(0, p.y, p.y + p.outer * p.k * p.inner)
    forEachPlace(p, floats, (moved, place) => {
      floats[p.y + moved] = floats[p.x + place]
    })
  },
}

/** What a scatter does with a value that is there. */
export const SCATTER = { set: 0, add: 1, mul: 2, max: 3, min: 4 } as const

const reductions = [
  (_old: number, value: number) => value,
  (old: number, value: number) => old + value,
  (old: number, value: number) => old * value,
  (old: number, value: number) => (value > old ? value : old),
  (old: number, value: number) => (value < old ? value : old),
]

/**
 * y [outer][n][inner] takes in updates [outer][k][inner], one after the other, at the places that index
 * names, as of {@link gather}.
 */
export const scatter: Kernel<'mode' | Moved | 'updates' | 'y'> = {
  name: 'scatter',
  parameters: ['mode', 'outer', 'n', 'k', 'inner', 'each', 'updates', 'index', 'y'],
  extents: (p) => {
    if (!reductions[p.mode]) throw new Error(`unknown reduction ${p.mode}`)
    checkSizes(p.outer, p.n, p.k, p.inner)
    return [at(p.updates, p.outer, p.k, p.inner), indexExtent(p), at(p.y, p.outer, p.n, p.inner)]
  },
  reference: (p, { floats }) =>
    forEachPlace(p, floats, (moved, place) => {
      floats[p.y + place] = reductions[p.mode](floats[p.y + place], floats[p.updates + moved])
    }),
}

/**
 * The k largest (or smallest) values of x [outer][n][inner] along the places, in order, of equals the one at
 * the lower place first, and NaN before all: y and index, their places, [outer][k][inner].
 */
export const topK: Kernel<'outer' | 'n' | 'k' | 'inner' | 'largest' | 'x' | 'y' | 'index'> = {
  name: 'top_k',
  parameters: ['outer', 'n', 'k', 'inner', 'largest', 'x', 'y', 'index'],
  room: ({ k }) => {
    if (k > limits.MOST_TOP) throw new Error(`${k} values are more than the ${limits.MOST_TOP} that are put in order`)
  },
  extents: (p) => {
    checkSizes(p.outer, p.n, p.k, p.inner)
    if (p.k > p.n) throw new Error(`there are no ${p.k} largest of ${p.n} values`)
    return [at(p.x, p.outer, p.n, p.inner), at(p.y, p.outer, p.k, p.inner), at(p.index, p.outer, p.k, p.inner)]
  },
  reference: (p, { floats }) => {
    for (let o = 0; o < p.outer; o++)
      for (let i = 0; i < p.inner; i++) {
        const value = (place: number) => floats[p.x + (o * p.n + place) * p.inner + i]
        const key = (place: number) => {
          const x = value(place)
          return Number.isNaN(x) ? Infinity : p.largest ? x : -x
        }
        const before = (a: number, b: number) => Number(key(b) > key(a)) - Number(key(b) < key(a)) || a - b
        const order = Array.from({ length: p.n }, (_, place) => place).sort(before)
        for (let j = 0; j < p.k; j++) {
          const to = (o * p.k + j) * p.inner + i
          floats[p.y + to] = value(order[j])
          floats[p.index + to] = order[j]
        }
      }
  },
}
