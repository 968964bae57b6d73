/** @file Sums, means, products and the largest or least values over some axes (kernels/reduce.c). */
import { type Kernel, stridedExtent } from '../kernel.ts'
import { larger, smaller } from './functions.ts'

/** What a reduction gives, in the order of the enum in C. */
export const REDUCE = { Sum: 0, Mean: 1, Max: 2, Min: 3, Prod: 4 } as const

type Four<Stem extends string> = `${Stem}${0 | 1 | 2 | 3}`

/** Where each kind begins, and how it takes another value in. */
const kinds: readonly { from: number; take: (sum: number, x: number) => number }[] = [
  { from: 0, take: (sum, x) => sum + x },
  { from: 0, take: (sum, x) => sum + x },
  { from: -Infinity, take: larger },
  { from: Infinity, take: smaller },
  { from: 1, take: (product, x) => product * x },
]

/**
 * y = x reduced (`kind`: a value of REDUCE) over the dimensions r0..r3 (strides t0..t3), for each place of
 * the dimensions d0..d3 (strides s0..s3); y is contiguous.
 */
export const reduce: Kernel<'kind' | Four<'d'> | Four<'s'> | Four<'r'> | Four<'t'> | 'x' | 'y'> = {
  name: 'reduce',
  parameters: [
    'kind',
    ...(['d0', 'd1', 'd2', 'd3', 's0', 's1', 's2', 's3', 'r0', 'r1', 'r2', 'r3', 't0', 't1', 't2', 't3'] as const),
    'x',
    'y',
  ],
  extents: (p) => {
    if (!kinds[p.kind]) throw new Error(`unknown reduction ${p.kind}`)
    return [
      stridedExtent(
        p.x,
        [p.d0, p.d1, p.d2, p.d3, p.r0, p.r1, p.r2, p.r3],
        [p.s0, p.s1, p.s2, p.s3, p.t0, p.t1, p.t2, p.t3],
      ),
      { offset: p.y, length: p.d0 * p.d1 * p.d2 * p.d3 },
    ]
  },
  reference: (p, { floats }) => {
    const { from: first, take } = kinds[p.kind]
    const count = p.r0 * p.r1 * p.r2 * p.r3
    let y = p.y
    for (let i = 0; i < p.d0; i++)
      for (let j = 0; j < p.d1; j++)
        for (let k = 0; k < p.d2; k++)
          for (let l = 0; l < p.d3; l++) {
            const from = p.x + i * p.s0 + j * p.s1 + k * p.s2 + l * p.s3
            let sum = first
            for (let a = 0; a < p.r0; a++)
              for (let b = 0; b < p.r1; b++)
                for (let c = 0; c < p.r2; c++)
                  for (let d = 0; d < p.r3; d++)
                    sum = take(sum, floats[from + a * p.t0 + b * p.t1 + c * p.t2 + d * p.t3])
            floats[y++] = p.kind === REDUCE.Mean ? sum / count : sum
          }
  },
}
