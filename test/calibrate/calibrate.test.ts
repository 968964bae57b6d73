import { describe, expect, it } from 'vitest'
import { calibrate } from '../../src/calibrate/calibrate.ts'
import { calibrationLayers, type LayerShape, layerText, multiplyAddsOf } from '../../src/calibrate/layers.ts'
import { measureLayer } from '../../src/calibrate/measure.ts'
import { kindOf, layerKinds, passes, sparseGain } from '../../src/engine/cost.ts'
import { best, wasm } from '../support/engines.ts'

/** One small layer of each kind. */
const small: readonly LayerShape[] = [
  { in: 16, out: 16, size: 8, kernel: 3, stride: 1 },
  { in: 6, out: 16, size: 9, kernel: 5, stride: 1 },
  { in: 16, out: 32, size: 9, kernel: 3, stride: 2 },
  { in: 32, out: 48, size: 7, kernel: 1, stride: 1 },
  { in: 300, out: 100, size: 1, kernel: 1, stride: 1 },
]

describe('a layer', () => {
  const shape: LayerShape = { in: 64, out: 64, size: 15, kernel: 3, stride: 2 }

  it.each([...passes])('is measured on dense and on sparse kernels: %s', (pass) => {
    const densities = [0.5, 0.01]
    const { cost, dense, sparse } = measureLayer(best, shape, { pass, batch: 16, densities, milliseconds: 10 })
    expect(cost).toMatchObject({ batch: 16, in: 64, out: 64, h: 15, oh: 8, kh: 3, sx: 2, left: 1 })
    expect(sparse.map(({ density }) => density)).toEqual(densities)
    // A fiftieth of the multiply-adds take less than half of the time, whatever the machine.
    expect(sparse[1].nanoseconds).toBeLessThan(sparse[0].nanoseconds / 2)
    // No machine does more than a hundred multiply-adds of a thread in a nanosecond.
    expect(dense).toBeGreaterThan((16 * multiplyAddsOf(shape)) / 100)
  })

  it('takes longer in a training step than forward alone', () => {
    const of = (pass: 'forward' | 'step') =>
      measureLayer(wasm, shape, { pass, batch: 8, densities: [0.2], milliseconds: 10 })
    const [forward, step] = [of('forward'), of('step')]
    expect(step.dense).toBeGreaterThan(1.5 * forward.dense)
    expect(step.sparse[0].nanoseconds).toBeGreaterThan(1.5 * forward.sparse[0].nanoseconds)
  })
})

it('calibration makes a table of every kind, by which many zeros gain more than few', () => {
  const told: number[] = []
  const table = calibrate(best, {
    name: 'small',
    milliseconds: 2,
    layers: small,
    onLayer: (done, all) => told.push(done / all),
  })
  // A sample, a vector's worth, and as many as take long enough.
  expect(told).toHaveLength(2 * 3 * small.length)
  expect(told.at(-1)).toBe(1)
  expect(table).toMatchObject({ name: 'small', instructionSet: best.instructionSet, threads: 1 })
  for (const pass of passes)
    for (const shape of small) {
      const { cost } = measureLayer(best, shape, { pass, batch: 16, densities: [0.5], milliseconds: 1 })
      expect(sparseGain(cost, 0.01, pass, table), layerText(shape)).toBeGreaterThan(sparseGain(cost, 0.9, pass, table))
    }
})

it.each([4, 8, 16])('the layers that are measured are of every kind, with %i lanes', (lanes) => {
  const kinds = calibrationLayers.flatMap(({ in: channels, out, size, kernel, stride }) =>
    [1, 16].map((batch) => {
      const outputs = Math.ceil(size / stride)
      const map = { h: size, w: size, oh: outputs, ow: outputs, kh: kernel, kw: kernel }
      return kindOf({ batch, in: channels, out, sy: stride, sx: stride, dy: 1, dx: 1, ...map }, lanes)
    }),
  )
  for (const kind of layerKinds) expect(kinds.filter((one) => one === kind).length, kind).toBeGreaterThan(3)
})
