/** @file Random ONNX models as TensorFlow Lite files: LiteRT computes what ONNX Runtime does. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sizeOf } from '../../../src/graph/tensor.ts'
import { random } from '../../../src/util/random.ts'
import { breadth } from '../../support/breadth.ts'
import { onLiteRt } from '../../support/litert.ts'
import { runModel } from '../../support/onnx.ts'
import { farthest } from '../onnx/images.ts'
import { modelBytes } from '../onnx/models.ts'
import { randomModel } from '../onnx/random-model.ts'
import { channelsLast, written } from './written.ts'

it('blocks of all kinds, weights stored in every way, several outputs', async () => {
  const models = fc.sample(randomModel, { numRuns: breadth(25, 400), seed: 11 })
  const cases = models.map(({ text, sample }) => {
    // Some are written for batches of two.
    const [batch] = text.inputs!.x as readonly (number | string)[]
    const shape = [typeof batch === 'number' ? batch : 1, ...sample]
    const draw = random(1, 'image')
    const values = Float32Array.from({ length: sizeOf(shape) }, () => draw.normal())
    return { bytes: modelBytes(text), shape, values }
  })
  const jobs = cases.map(({ bytes, shape, values }) => {
    const [n, c, h, w] = shape
    return { bytes: written(bytes).bytes, inputs: [{ shape: [n, h, w, c], values: channelsLast(values, shape) }] }
  })
  const results = await onLiteRt(jobs)
  for (const [i, { bytes, shape, values }] of cases.entries()) {
    expect(results[i].error).toBeUndefined()
    const expected = [...(await runModel(bytes, new Map([['x', { shape, values }]]))).values()]
    for (const [k, output] of results[i].outputs.entries()) {
      const [n, h, w, c] = output.shape
      const laid = output.shape.length === 4 ? channelsLast(expected[k], [n, c, h, w]) : expected[k]
      expect(farthest(output.values, laid), JSON.stringify(models[i].text.steps)).toBeLessThan(1e-4)
    }
  }
}, 120_000)
