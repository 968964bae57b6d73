/** @file What the weights of a network come to, beside counts of one's own and files that are written. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { storedSize, weightFigures } from '../../src/figures/figures.ts'
import { brotliBytes } from '../../src/formats/brotli.ts'
import { storeFloats, type TensorFile, writeSafetensors } from '../../src/formats/safetensors.ts'
import { writeWeights } from '../../src/formats/weights-file.ts'
import { sizeOf } from '../../src/graph/tensor.ts'
import { findModel } from '../../src/models/index.ts'
import { graphOf } from '../../src/models/model.ts'
import { temporaryFolder } from '../cli/temporary.ts'

const model = findModel('lenet-5')

/** LeNet-5 with all but every third weight zero. */
const file: TensorFile = {
  metadata: { model: 'lenet-5' },
  tensors: new Map(
    graphOf(model)
      .stored()
      .map(({ name, shape }) => {
        const values = Float32Array.from({ length: sizeOf(shape) }, (_, i) => (i % 3 === 0 ? Math.sin(i + 1) : 0))
        return [name, storeFloats(values, shape)]
      }),
  ),
}

it('counts what is not zero, and a multiply-add for every place that a weight is used at', () => {
  const { layers, weights, nonzeros, multiplyAdds } = weightFigures(model, file)
  const thirds = [500, 25_000, 400_000, 5000].map((size) => Math.ceil(size / 3))
  expect(layers.map(({ name, kept }) => [name, kept])).toEqual(
    ['conv1', 'conv2', 'fc1', 'fc2'].map((name, i) => [`${name}.weight`, thirds[i]]),
  )
  expect([weights, nonzeros]).toEqual([430_500, thirds.reduce((a, b) => a + b)])
  expect(multiplyAdds).toEqual({
    dense: 500 * 24 ** 2 + 25_000 * 8 ** 2 + 405_000,
    kept: thirds[0] * 24 ** 2 + thirds[1] * 8 ** 2 + thirds[2] + thirds[3],
  })
  expect(weightFigures(model, file, ['fc2.weight'])).toMatchObject({ weights: 5000, nonzeros: thirds[3] })
})

it('sizes are those of the files that are written', async () => {
  const folder = temporaryFolder()
  const [dense, sparse] = ['dense', 'sparse'].map((name) => join(folder, `${name}.safetensors`))
  writeSafetensors(dense, file)
  await writeWeights(sparse, file)
  const bytes = readFileSync(sparse)
  expect(storedSize(file, 'dense')).toBe(readFileSync(dense).length)
  expect(storedSize(file, 'sparse')).toBe(bytes.length)
  expect(storedSize(file, 'brotli')).toBe(brotliBytes(bytes))
  expect(storedSize(file, 'brotli')).toBeLessThan(bytes.length)
})
