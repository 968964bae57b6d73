import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { selectTop } from '../../src/select/top.ts'
import { keptCount } from '../../src/sparsity/count.ts'
import { collapsedLayers, countKept, type MaskedLayer, sparsityOf } from '../../src/sparsity/mask.ts'
import { type ScopeName, scopes } from '../../src/sparsity/scope.ts'
import { writeMasks } from '../../src/sparsity/write-masks.ts'
import { UserError } from '../../src/util/errors.ts'
import { random } from '../../src/util/random.ts'

const layer = (name: string, shape: number[], scores: number[]): MaskedLayer => ({
  name,
  shape,
  scores: Float64Array.from(scores),
  mask: new Float64Array(scores.length).fill(1),
})
const select = (layers: readonly MaskedLayer[], keep: number) =>
  selectTop(
    layers.map(({ scores }) => scores),
    keep,
    layers.map(({ mask }) => mask),
  )
const write = (layers: readonly MaskedLayer[], scope: ScopeName, sparsity: number) =>
  writeMasks(layers, { scope: scopes[scope], sparsity, select })
const masks = (layers: readonly MaskedLayer[]) => layers.map(({ mask }) => [...mask])

const small = () => [layer('a', [2, 2], [5, 1, 2, 4]), layer('b', [1, 2], [3, 6])]

it('global: the best of all layers', () => {
  const layers = small()
  write(layers, 'global', 0.5)
  expect(masks(layers)).toEqual([
    [1, 0, 0, 1],
    [0, 1],
  ])
})

it('layerwise: the best of every layer', () => {
  const layers = small()
  write(layers, 'layerwise', 0.5)
  expect(masks(layers)).toEqual([
    [1, 0, 0, 1],
    [0, 1],
  ])
  write(layers, 'layerwise', 0.75)
  expect(masks(layers)).toEqual([
    [1, 0, 0, 0],
    [0, 0],
  ])
})

const size = fc.integer({ min: 1, max: 12 })
const blank = (shapes: number[][]) =>
  shapes.map((shape, i) => layer(`l${i}`, shape, new Array(shape[0] * shape[1]).fill(0)))
const networks = fc.array(fc.tuple(size, size), { minLength: 1, maxLength: 4 })
const sparsities = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 })
const kept = (layers: readonly MaskedLayer[]) => layers.map(({ mask }) => countKept(mask))
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

describe.each<ScopeName>(['global', 'layerwise', 'uniform', 'erk'])('%s', (scope) => {
  /** Prunes to one sparsity after another, with new scores, full of ties, each time. */
  const pruneTo = (
    shapes: number[][],
    wanted: number[],
    seed: number,
    check: (layers: MaskedLayer[], s: number) => void,
  ) => {
    const layers = blank(shapes)
    const draw = random(seed, 'scores')
    for (const sparsity of wanted) {
      for (const { scores } of layers) scores.set(Array.from(scores, () => draw.below(4)))
      write(layers, scope, sparsity)
      check(layers, sparsity)
    }
  }

  it('what is removed stays removed, whatever sparsity follows', () => {
    fc.assert(
      fc.property(networks, sparsities, fc.nat(), (shapes, wanted, seed) => {
        let before = masks(blank(shapes)).flat()
        pruneTo(shapes, wanted, seed, (layers) => {
          const now = masks(layers).flat()
          expect(now.filter((bit, i) => bit > before[i])).toEqual([])
          before = now
        })
      }),
      { numRuns: 200 },
    )
  })

  it('keeps exactly as many as the sparsity says, while it rises', () => {
    fc.assert(
      fc.property(networks, sparsities, fc.nat(), (shapes, wanted, seed) => {
        const sizes = shapes.map(([out, input]) => out * input)
        pruneTo(
          shapes,
          wanted.toSorted((a, b) => a - b),
          seed,
          (layers, s) => {
            if (scope === 'layerwise') expect(kept(layers)).toEqual(sizes.map((n) => keptCount(n, s)))
            else expect(sum(kept(layers))).toBe(keptCount(sum(sizes), s))
          },
        )
      }),
      { numRuns: 200 },
    )
  })
})

it('ERK: where rounding would give a layer a weight back at a higher sparsity, another layer gets it', () => {
  const layers = blank([
    [300, 784],
    [100, 300],
    [10, 100],
  ])
  write(layers, 'erk', 1 - 22 / 266_200)
  expect(kept(layers)).toEqual([15, 6, 1])
  // By largest remainders alone, 21 weights would be 14, 5 and 2.
  write(layers, 'erk', 1 - 21 / 266_200)
  expect(kept(layers)[2]).toBe(1)
  expect(sum(kept(layers))).toBe(21)
})

it.each([Number.NaN, Infinity, -Infinity])('a score of %d is refused by name, and nothing changes', (score) => {
  const layers = [layer('fc1.weight', [1, 2], [1, 2]), layer('fc2.weight', [1, 3], [1, 2, score])]
  expect(() => write(layers, 'global', 0.5)).toThrow(
    new UserError(`the score of fc2.weight[2] is ${score}: nothing was pruned`),
  )
  expect(masks(layers)).toEqual([
    [1, 1],
    [1, 1, 1],
  ])
})

it.each([2, 0.5, -1, Number.NaN])('a mask that holds %d is refused', (value) => {
  expect(() => countKept(Float32Array.of(1, value))).toThrow(`a mask holds ${value}, expected 0 or 1`)
  const layers = small()
  layers[1].mask[0] = value
  expect(() => write(layers, 'global', 0.5)).toThrow('expected 0 or 1')
})

it('counts: sparsity over all layers, layers that collapsed', () => {
  const counts = [
    { name: 'a', size: 30, kept: 5 },
    { name: 'b', size: 10, kept: 0 },
  ]
  expect(sparsityOf(counts)).toBe(0.875)
  expect(collapsedLayers(counts)).toEqual([counts[1]])
  expect(collapsedLayers([counts[1]])).toEqual([])
  expect(sparsityOf([])).toBe(0)
})
