import { expect, it } from 'vitest'
import type { LayerMatrix } from '../../../src/methods/layerwise/layer.ts'
import { layerProblems, outputError } from '../../../src/methods/layerwise/problem.ts'
import { UserError } from '../../../src/util/errors.ts'
import { best } from '../../support/engines.ts'

const layer: LayerMatrix = { name: 'fc', shape: [2, 3], rows: 2, columns: 3, groups: 1, transposed: false }
const values = () => Float32Array.of(1, 2, 3, 4, 5, 6)
// Inputs (1, 0, 2) and (1, 0, -1): 2 X X'.
const gram = () => Float64Array.of(4, 0, 2, 0, 0, 0, 2, 0, 10)

it('damping is a share of the mean of the diagonal; a dead input gets 1, and no weights', () => {
  const [{ rows, columns, weights, hessian, damping, dead, unit }] = layerProblems(best, layer, values(), [gram()], 0.3)
  expect([rows, columns]).toEqual([2, 3])
  expect(damping).toBeCloseTo((0.3 * 14) / 3, 14)
  expect([...hessian]).toEqual([4 + damping!, 0, 2, 0, 1, 0, 2, 0, 10 + damping!])
  expect([...weights]).toEqual([1, 0, 3, 4, 0, 6])
  expect(dead).toEqual([1])
  // Outputs (7, 16) and (-2, -2).
  expect(unit).toBeCloseTo(49 + 256 + 4 + 4, 12)
})

it('the error is that of the outputs, without damping', () => {
  const [problem] = layerProblems(best, layer, values(), [gram()], 0.3)
  // W - V is (1, 0, 0) and (0, 0, 6): outputs differ by 1, 1 and 12, -6.
  expect(outputError(best, problem, Float64Array.of(0, 0, 3, 4, 0, 0))).toBeCloseTo(1 + 1 + 144 + 36, 12)
  expect(outputError(best, problem, problem.weights)).toBe(0)
})

it('groups are consecutive rows, each with inputs of its own, and share a unit', () => {
  const grouped: LayerMatrix = { name: 'conv', shape: [4, 1, 1, 2], rows: 4, columns: 2, groups: 2, transposed: false }
  const grams = [Float64Array.of(2, 0, 0, 2), Float64Array.of(0, 0, 0, 8)]
  const [a, b] = layerProblems(best, grouped, Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8), grams, 0)
  expect([[...a.weights], [...b.weights]]).toEqual([
    [1, 2, 3, 4],
    [0, 6, 0, 8],
  ])
  expect([[...a.hessian], [...b.hessian]]).toEqual([
    [2, 0, 0, 2],
    [1, 0, 0, 8],
  ])
  expect([a.dead, b.dead]).toEqual([[], [0]])
  const unit = 1 + 4 + 9 + 16 + 4 * (36 + 64)
  expect([a.unit, b.unit]).toEqual([unit, unit])
})

it('a tensor [inputs, outputs] is transposed', () => {
  const [{ weights }] = layerProblems(best, { ...layer, shape: [3, 2], transposed: true }, values(), [gram()], 0)
  expect([...weights]).toEqual([1, 0, 5, 2, 0, 6])
})

it('inputs that are all zero remove all weights, and errors are then counted as they are', () => {
  const [{ weights, hessian, dead, unit }] = layerProblems(best, layer, values(), [new Float64Array(9)], 0.01)
  expect([...weights, ...hessian]).toEqual([...new Array(6).fill(0), 1, 0, 0, 0, 1, 0, 0, 0, 1])
  expect([dead, unit]).toEqual([[0, 1, 2], 1])
})

it.each([Number.NaN, Infinity, -Infinity])('%d among the weights or the inputs is refused by name', (value) => {
  const weights = values()
  weights[4] = value
  expect(() => layerProblems(best, layer, weights, [gram()], 0)).toThrow(UserError)
  expect(() => layerProblems(best, layer, weights, [gram()], 0)).toThrow('fc has weights that are not finite')
  const inputs = gram()
  inputs[5] = value
  expect(() => layerProblems(best, layer, values(), [inputs], 0)).toThrow(UserError)
  expect(() => layerProblems(best, layer, values(), [inputs], 0)).toThrow('fc has inputs that are not finite')
})

it.each([Number.NaN, -0.1, Infinity])('a damp of %d is refused', (damp) => {
  expect(() => layerProblems(best, layer, values(), [gram()], damp)).toThrow(
    /damp: expected a number of at least 0, found/,
  )
})
