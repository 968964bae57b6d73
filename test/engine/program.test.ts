import { describe, expect, it } from 'vitest'
import { call, type Instruction } from '../../src/engine/kernel.ts'
import { loadFloats, loadImages } from '../../src/engine/kernels/data.ts'
import { binary, copy, unary } from '../../src/engine/kernels/elementwise.ts'
import { UNARY } from '../../src/engine/kernels/functions.ts'
import { gemm } from '../../src/engine/kernels/gemm.ts'
import { limits } from '../../src/engine/kernels/limits.ts'
import { countCorrect, crossEntropy, crossEntropyGrad, softmax } from '../../src/engine/kernels/loss.ts'
import { sgd } from '../../src/engine/kernels/optimizer.ts'
import { peak } from '../../src/engine/kernels/peak.ts'
import { reduce } from '../../src/engine/kernels/reduce.ts'
import { selectTopCall } from '../../src/engine/kernels/select.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Program } from '../../src/engine/program.ts'
import { best, wasm } from '../support/engines.ts'

const negate = call(unary, { op: UNARY.Neg, n: 10, x: 0, y: 10 })
const change = ({ kernel, args }: Instruction, i: number, value: number): Instruction => ({
  kernel,
  args: args.with(i, value),
})

const one = { d0: 1, d1: 1, d2: 1, d3: 1 }
const ofX = { x: 0, sx0: 0, sx1: 0, sx2: 0, sx3: 1 }
const ofY = { y: 0, sy0: 0, sy1: 0, sy2: 0, sy3: 1 }
const product = {
  m: 3,
  n: 4,
  k: 5,
  a: 0,
  aOuter: 5,
  aDepth: 1,
  b: 0,
  bOuter: 5,
  bDepth: 1,
  c: 20,
  bias: 0,
  biasKind: 0,
  relu: 0,
}
const sum = {
  kind: 0,
  ...one,
  s0: 0,
  s1: 0,
  s2: 0,
  s3: 1,
  r0: 1,
  r1: 1,
  r2: 1,
  r3: 1,
  t0: 0,
  t1: 0,
  t2: 0,
  t3: 1,
  x: 0,
  y: 0,
}

describe('instructions that are refused', () => {
  const malformed: [string, Instruction, RegExp][] = [
    ['an argument is missing', { kernel: negate.kernel, args: [0, 10, 0] }, /expected 4 arguments, found 3/],
    ['an argument too many', { kernel: negate.kernel, args: [0, 10, 0, 10, 0] }, /expected 4 arguments, found 5/],
    ['a negative offset', change(negate, 2, -1), /whole numbers from 0 to 2\^31 - 1, found -1/],
    ['a fraction', change(negate, 1, 2.5), /found 2.5/],
    ['NaN', change(negate, 3, Number.NaN), /found NaN/],
    ['undefined', change(negate, 0, undefined as unknown as number), /found undefined/],
    ['more than 32 bits', change(negate, 3, 2 ** 31), /found 2147483648/],
    ['an unknown operation', change(negate, 0, 99), /unknown operation 99/],
    ['an unknown binary operation', call(binary, { op: 99, ...one, ...ofX, ...ofY, out: 0 }), /unknown operation 99/],
    ['an unknown kind of bias', call(gemm, { ...product, biasKind: 3 }), /unknown kind of bias 3/],
    [
      'a matrix without a dense axis',
      call(gemm, { ...product, aOuter: 5, aDepth: 2 }),
      /one stride of a and b must be 1/,
    ],
    ['an empty matrix', call(gemm, { ...product, k: 0 }), /sizes must be 1 or more/],
    ['no classes', call(softmax, { outer: 1, classes: 0, inner: 4, x: 96, y: 96 }), /at least one class/],
    ['no classes', call(crossEntropy, { classes: 0, n: 4, logits: 96, labels: 0, loss: 4 }), /at least one class/],
    [
      'no classes',
      call(crossEntropyGrad, { classes: 0, n: 4, logits: 96, labels: 0, dloss: 4, dlogits: 8 }),
      /at least one class/,
    ],
    ['no classes', call(countCorrect, { classes: 0, n: 4, logits: 96, labels: 0, y: 4 }), /at least one class/],
    [
      'no images',
      call(loadImages, { batch: 1, count: 0, channels: 1, plane: 1, data: 0, index: 0, scale: 0, shift: 0, y: 0 }),
      /empty data set/,
    ],
    ['no rows', call(loadFloats, { batch: 1, count: 0, features: 2, data: 0, index: 0, y: 0 }), /empty data set/],
  ]
  it.each(malformed)('%s', (_name, instruction, message) => {
    expect(() => Program.assemble([negate, instruction], 96)).toThrow(message)
    expect(() => Program.assemble([negate, instruction], 96)).toThrow(/^malformed program: instruction 1 \(/)
  })
})

describe('memory outside the arena is refused, and the last float of it is not', () => {
  // Each touches exactly 100 floats.
  const touching: [string, Instruction][] = [
    ['unary x', call(unary, { op: 0, n: 10, x: 90, y: 0 })],
    ['unary y', call(unary, { op: 0, n: 10, x: 0, y: 90 })],
    ['binary x', call(binary, { op: 0, ...one, d2: 4, d3: 10, ...ofX, sx2: 30, ...ofY, out: 0 })],
    ['binary y', call(binary, { op: 0, ...one, d3: 10, ...ofX, ...ofY, sy3: 11, out: 0 })],
    ['binary out', call(binary, { op: 0, ...one, d0: 2, d3: 10, ...ofX, ...ofY, out: 80 })],
    ['copy x', call(copy, { ...one, d1: 4, ...ofX, sx1: 33, out: 0 })],
    ['copy out', call(copy, { ...one, d1: 4, ...ofX, out: 96 })],
    ['gemm a', call(gemm, { ...product, a: 85 })],
    ['gemm b', call(gemm, { ...product, b: 80 })],
    ['gemm c', call(gemm, { ...product, c: 88 })],
    ['gemm bias of rows', call(gemm, { ...product, bias: 97, biasKind: 1 })],
    ['gemm bias of columns', call(gemm, { ...product, bias: 96, biasKind: 2 })],
    ['reduce x', call(reduce, { ...sum, d1: 4, s1: 25, r2: 5, t2: 6, x: 0 })],
    ['reduce y', call(reduce, { ...sum, d1: 4, y: 96 })],
    ['sgd mask', call(sgd, { n: 5, w: 0, g: 5, v: 10, mask: 95, masked: 1, hyper: 15 })],
    ['sgd hyper', call(sgd, { n: 5, w: 0, g: 5, v: 10, mask: 0, masked: 0, hyper: 95 })],
    ['select scores', selectTopCall(1, [{ scores: 93, n: 7, mask: 0 }])],
    [
      'select mask',
      selectTopCall(1, [
        { scores: 0, n: 7, mask: 7 },
        { scores: 0, n: 3, mask: 97 },
      ]),
    ],
    [
      'images',
      call(loadImages, { batch: 1, count: 3, channels: 1, plane: 3, data: 97, index: 0, scale: 0, shift: 0, y: 0 }),
    ],
    ['rows', call(loadFloats, { batch: 4, count: 3, features: 2, data: 94, index: 0, y: 0 })],
    ['index', call(loadFloats, { batch: 4, count: 3, features: 2, data: 0, index: 96, y: 0 })],
  ]
  it.each(touching)('%s', (_name, instruction) => {
    expect(() => Program.assemble([instruction], 100)).not.toThrow()
    expect(() => Program.assemble([instruction], 99)).toThrow(/outside an arena of 99 floats/)
  })

  it('peak, which has a float for every possible thread', () => {
    const instruction = call(peak, { rounds: 1, y: 0 })
    expect(() => Program.assemble([instruction], limits.MOST_THREADS + 1)).not.toThrow()
    expect(() => Program.assemble([instruction], limits.MOST_THREADS)).toThrow(/outside an arena/)
  })

  it('sizes whose product is beyond 2^31', () => {
    const huge = call(binary, { op: 0, ...one, d0: 65536, d1: 65536, ...ofX, ...ofY, out: 0 })
    expect(() => Program.assemble([huge], 2 ** 40)).toThrow(/outside an arena/)
  })
})

describe('selections that are refused', () => {
  const { kernel } = selectTopCall(0, [])
  it.each([
    ['fewer segments than said', [0, 2, 0, 5, 10], /expected 2 segments/],
    ['more segments than said', [0, 0, 0, 5, 10], /expected 0 segments/],
    ['a broken segment', [0, 1, 0, 5, 10, 7], /expected 1 segments/],
    ['keeping more than there are', [6, 1, 0, 5, 10], /cannot keep 6 of 5/],
    ['no count', [0], /expected 2 arguments or more, found 1/],
  ])('%s', (_name, args, message) => {
    expect(() => Program.assemble([{ kernel, args }], 100)).toThrow(message)
  })
})

describe('programs that are refused', () => {
  it.each([best, wasm, openReference()])('a larger arena than the one it runs over: $engine', (machine) => {
    const program = Program.assemble([negate], 21)
    expect(() => machine.allocate(20).run(program)).toThrow(/made for a larger arena/)
    expect(() => machine.allocate(21).run(program)).not.toThrow()
  })

  it.each([best, wasm])('a kernel that the build lacks: $engine', (machine) => {
    const unknown = { kernel: { ...negate.kernel, name: 'unknown' }, args: negate.args }
    expect(() => machine.allocate(20).run(Program.assemble([unknown], 20))).toThrow(/lacks the kernel unknown/)
  })
})
