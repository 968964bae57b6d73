import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { BIAS, gemm } from '../../../src/engine/kernels/gemm.ts'
import { RECTIFY } from '../../../src/engine/kernels/rectify.ts'
import type { Random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, expectAgreement, ROUNDING, size, uniform, values } from '../../support/kernel-case.ts'

/** How a matrix lies: which of its axes is dense, and how many unused floats follow each run of it. */
const layout = fc.record({ depthIsDense: fc.boolean(), padding: fc.constantFrom(0, 0, 1, 5) })
type Layout = typeof layout extends fc.Arbitrary<infer T> ? T : never

/** `outer` x `depth` values with NaN in the padding. */
function matrix(rng: Random, outer: number, depth: number, { depthIsDense, padding }: Layout) {
  const [runs, run] = depthIsDense ? [outer, depth] : [depth, outer]
  const stride = run + padding
  const floats = blank((runs - 1) * stride + run)
  for (let i = 0; i < runs; i++) floats.splice(i * stride, run, ...uniform(rng, run))
  return { floats, outer: depthIsDense ? stride : 1, depth: depthIsDense ? 1 : stride }
}

const shape = (m: fc.Arbitrary<number>, n: fc.Arbitrary<number>, k: fc.Arbitrary<number>) => ({
  m,
  n,
  k,
  a: layout,
  b: layout,
  bias: fc.constantFrom(...(Object.keys(BIAS) as (keyof typeof BIAS)[])),
  relu: fc.constantFrom(...Object.values(RECTIFY)),
  rng: values,
})
const edge = fc.constantFrom(1, 6, 7, 33, 65)
const small = fc.record(shape(size, size, size))
// Beyond one block of the depth (256), and at its edges.
const deep = fc.record(shape(edge, edge, fc.constantFrom(255, 256, 257, 511, 512, 513, 700)))
const tall = fc.record(shape(fc.integer({ min: 121, max: 500 }), edge, fc.constantFrom(1, 9, 300)))
type Product = typeof small extends fc.Arbitrary<infer T> ? T : never

function product({ m, n, k, a, b, bias, relu, rng }: Product) {
  const left = matrix(rng, m, k, a)
  const right = matrix(rng, n, k, b)
  return {
    operands: {
      a: left.floats,
      b: right.floats,
      bias: uniform(rng, bias === 'row' ? m : n),
      c: blank(m * n),
    },
    call: (at: Record<string, number>) =>
      call(gemm, {
        m,
        n,
        k,
        a: at.a,
        aOuter: left.outer,
        aDepth: left.depth,
        b: at.b,
        bOuter: right.outer,
        bDepth: right.depth,
        c: at.c,
        bias: at.bias,
        biasKind: BIAS[bias],
        relu,
      }),
    // Every term may be rounded once as a product and once per sum behind it.
    writes: { c: (_want: number, magnitude: number) => (k + 2) * ROUNDING * magnitude },
  }
}

onAllEngines((machines) => {
  it('multiplies matrices of any size and layout, with any bias and ReLU', () => {
    fc.assert(
      fc.property(small, (shape) => expectAgreement(machines, product(shape))),
      draws(),
    )
  })

  it('multiplies matrices and vectors, as layers of one sample and their gradients are', () => {
    const many = fc.constantFrom(1, 3, 7, 8, 9, 15, 17, 64, 65, 131, 300)
    const one = fc.constant(1)
    const plain = { bias: fc.constant<keyof typeof BIAS>('none'), relu: fc.constant(0) }
    for (const [m, n, k] of [
      [many, one, many],
      [many, many, one],
    ])
      for (const rest of [{}, plain])
        fc.assert(
          fc.property(fc.record({ ...shape(m, n, k), ...rest }), (shape) => expectAgreement(machines, product(shape))),
          draws(25),
        )
  })

  it('multiplies matrices over several blocks of the depth', () => {
    fc.assert(
      fc.property(deep, (shape) => expectAgreement(machines, product(shape))),
      draws(20),
    )
  })

  it('multiplies matrices of more rows than one packed block', () => {
    fc.assert(
      fc.property(tall, (shape) => expectAgreement(machines, product(shape))),
      draws(15),
    )
  })
})
