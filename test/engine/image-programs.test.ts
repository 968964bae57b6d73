import { describe, expect, it } from 'vitest'
import { call, type Instruction } from '../../src/engine/kernel.ts'
import { conv, convInputGrad, convSampleGrads, convWeightGrad } from '../../src/engine/kernels/conv.ts'
import { gather, SCATTER, scatter } from '../../src/engine/kernels/moving.ts'
import { batchNorm, batchNormGrad, batchNormTrain, runningAverage } from '../../src/engine/kernels/norm.ts'
import { averagePool, averagePoolGrad, maxPool } from '../../src/engine/kernels/pooling.ts'
import { Program } from '../../src/engine/program.ts'

/**
 * A 2 x 2 kernel over images [2 channels][3][4][2 samples]: 48 floats in, 36 out (3 channels), 24 weights.
 */
const square = {
  batch: 2,
  groups: 1,
  in: 2,
  out: 3,
  h: 3,
  w: 4,
  oh: 2,
  ow: 3,
  kh: 2,
  kw: 2,
  sy: 1,
  sx: 1,
  dy: 1,
  dx: 1,
  top: 0,
  left: 0,
}
const window = { channels: 2, batch: 2, h: 3, w: 4, oh: 2, ow: 3, kh: 2, kw: 2, sy: 1, sx: 1, top: 0, left: 0 }
const given = { x: 0, weight: 0, y: 0, bias: 0, hasBias: 0, relu: 0 }

/** The family, with some sizes changed. */
const convolutions = (change: object): [string, Instruction][] => {
  const sizes = { ...square, ...change }
  return [
    ['conv', call(conv, { ...sizes, ...given })],
    ['input gradient', call(convInputGrad, { ...sizes, gradient: 0, weight: 0, dinput: 0 })],
    ['weight gradient', call(convWeightGrad, { ...sizes, x: 0, gradient: 0, dweight: 0 })],
    [
      'gradient by sample',
      call(convSampleGrads, { ...sizes, x: 0, gradient: 0, dweight: 0, squares: 0, sum: 0, hasSum: 0 }),
    ],
  ]
}
const pools = (change: object): [string, Instruction][] => {
  const sizes = { ...window, ...change }
  return [
    ['max', call(maxPool, { ...sizes, x: 0, y: 0, index: 0 })],
    ['average', call(averagePool, { ...sizes, x: 0, y: 0, includePad: 0 })],
    ['average gradient', call(averagePoolGrad, { ...sizes, gradient: 0, dinput: 0, includePad: 0 })],
  ]
}

const assemble = (instruction: Instruction, size = 2 ** 31 - 1) => Program.assemble([instruction], size)

describe('convolutions that are refused', () => {
  const least = /sizes, strides and dilations must be 1 or more/
  const changes: [string, object, RegExp][] = [
    ['no samples', { batch: 0 }, least],
    ['no groups', { groups: 0 }, least],
    ['stride 0', { sy: 0 }, least],
    ['dilation 0', { dx: 0 }, least],
    ['no columns', { ow: 0 }, least],
    ['too many taps', { h: 100, w: 100, kh: 65, kw: 64 }, /a kernel of 65 x 64 has more than 4096 taps/],
    [
      'rows that are too wide',
      { w: 50_000, ow: 49_999 },
      /needs \d+ rows of \d+ columns, more than the engine's buffer holds/,
    ],
    ['kernels that are too high', { h: 20_000, kh: 4000, kw: 1 }, /more than the engine's buffer holds/],
    ['a very large stride', { sx: 10_000 }, /more than the engine's buffer holds/],
    ['rows beyond 32 bits', { sy: 2 ** 30, oh: 4 }, /a window begins beyond row 1073741824/],
  ]
  for (const [name, change, message] of changes)
    it.each(convolutions(change))(`${name}: %s`, (kernel, instruction) => {
      // The input gradient walks over dx; a stride makes it no wider.
      if (name === 'a very large stride' && kernel === 'input gradient') return
      expect(() => assemble(instruction)).toThrow(message)
    })

  it('only gradients by sample, where a vector holds samples of one column', () => {
    for (const [kernel, instruction] of convolutions({ batch: 1, w: 5000, ow: 5000, left: 1 }))
      if (kernel === 'gradient by sample') expect(() => assemble(instruction)).toThrow(/more than the engine's buffer/)
      else expect(() => assemble(instruction)).not.toThrow()
    const [, , , [, taps]] = convolutions({ h: 100, w: 100, kh: 17, kw: 16 })
    expect(() => assemble(taps)).toThrow(/a kernel of 17 x 16 has more than 256 taps/)
  })
})

describe('pooling that is refused', () => {
  const least = /sizes and strides must be 1 or more/
  const padding = /a window lies wholly in the padding/
  const changes: [string, object, RegExp][] = [
    ['no channels', { channels: 0 }, least],
    ['stride 0', { sx: 0 }, least],
    ['an empty window', { kh: 0 }, least],
    ['padding of the window above', { top: 2 }, padding],
    ['padding of the window to the left', { left: 5 }, padding],
    ['windows below the image', { oh: 4 }, padding],
    ['windows beside the image', { sx: 2, ow: 3 }, padding],
  ]
  for (const [name, change, message] of changes)
    it.each(pools(change))(`${name}: %s`, (_kernel, instruction) => {
      expect(() => assemble(instruction)).toThrow(message)
    })
})

describe('memory outside the arena is refused, and the last float of it is not', () => {
  const layer = { channels: 2, n: 5, epsilon: 0 }
  const norm = { ...layer, x: 0, scale: 0, bias: 0, mean: 0, var: 0, y: 0, relu: 0, residual: 0, hasResidual: 0 }
  const arriving = { dy: 0, summed: 0, more: 99, masked: 0, y: 99, g: 99 }
  const grad = { ...layer, ...arriving, x: 0, scale: 0, mean: 0, var: 0, dx: 0, dscale: 0, dbias: 0 }
  const planes = { outer: 2, inner: 3, k: 4, n: 5, each: 1 }
  const inputGrad = { ...square, gradient: 0, weight: 0, dinput: 0 }
  const weightGrad = { ...square, x: 0, gradient: 0, dweight: 0 }
  // Each touches exactly 100 floats.
  const touching: [string, Instruction][] = [
    ['conv x', call(conv, { ...square, ...given, x: 52 })],
    ['conv weight', call(conv, { ...square, ...given, weight: 76 })],
    ['conv y', call(conv, { ...square, ...given, y: 64 })],
    ['conv bias', call(conv, { ...square, ...given, bias: 97, hasBias: 1 })],
    ['conv gradient', call(convInputGrad, { ...inputGrad, gradient: 64 })],
    ['conv dinput', call(convInputGrad, { ...inputGrad, dinput: 52 })],
    ['conv dweight', call(convWeightGrad, { ...weightGrad, dweight: 76 })],
    ['conv dweight by sample', call(convSampleGrads, { ...weightGrad, dweight: 52, squares: 0, sum: 0, hasSum: 0 })],
    ['conv squares', call(convSampleGrads, { ...weightGrad, dweight: 76, squares: 1, sum: 0, hasSum: 0 })],
    ['conv sum beside squares', call(convSampleGrads, { ...weightGrad, dweight: 0, squares: 1, sum: 76, hasSum: 1 })],
    ['norm x', call(batchNorm, { ...norm, x: 90 })],
    ['norm var', call(batchNorm, { ...norm, var: 98 })],
    ['norm residual', call(batchNorm, { ...norm, residual: 90, hasResidual: 1 })],
    ['norm train residual', call(batchNormTrain, { ...norm, residual: 90, hasResidual: 1 })],
    ['norm train y', call(batchNormTrain, { ...norm, y: 90 })],
    ['norm train mean', call(batchNormTrain, { ...norm, mean: 98 })],
    ['norm gradient dx', call(batchNormGrad, { ...grad, dx: 90 })],
    ['norm gradient mask', call(batchNormGrad, { ...grad, y: 90, g: 0, masked: 1 })],
    ['norm gradient summand', call(batchNormGrad, { ...grad, more: 90, g: 0, summed: 1 })],
    ['norm gradient behind a mask', call(batchNormGrad, { ...grad, y: 0, g: 90, masked: 1 })],
    ['norm gradient behind a sum', call(batchNormGrad, { ...grad, more: 0, g: 90, summed: 1 })],
    ['norm gradient dbias', call(batchNormGrad, { ...grad, dbias: 98 })],
    ['running average', call(runningAverage, { n: 7, x: 0, y: 93, rate: 0, factor: 0 })],
    ['max pool x', call(maxPool, { ...window, x: 52, y: 0, index: 0 })],
    ['max pool index', call(maxPool, { ...window, x: 0, y: 0, index: 76 })],
    ['average pool y', call(averagePool, { ...window, x: 0, y: 76, includePad: 0 })],
    ['average pool dinput', call(averagePoolGrad, { ...window, gradient: 0, dinput: 52, includePad: 0 })],
    ['scatter y', call(scatter, { mode: SCATTER.add, ...planes, updates: 0, index: 0, y: 70 })],
    ['gather index', call(gather, { ...planes, x: 0, index: 76, y: 0 })],
  ]
  it.each(touching)('%s', (_name, instruction) => {
    expect(() => assemble(instruction, 100)).not.toThrow()
    expect(() => assemble(instruction, 99)).toThrow(/outside an arena of 99 floats/)
  })
})
