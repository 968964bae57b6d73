import { describe, expect, it } from 'vitest'
import { onnxBytes } from '../../../src/formats/onnx/export.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { inHalves, sparsely } from '../../../src/formats/onnx/store.ts'
import { toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { SparseModel } from '../../../src/infer/sparse-model.ts'
import { models } from '../../../src/models/index.ts'
import { rows } from '../../support/breadth.ts'
import { best } from '../../support/engines.ts'
import { runModel } from '../../support/onnx.ts'
import { randomNetwork } from './built-in.ts'
import { farthest, randomImages } from './images.ts'

/** Deeper or larger ones of families whose smallest is tried daily, and one of 60 million weights. */
const others = /^resnet(32|34|50|56|101|110|152|164)|^vgg1[369]|^wrn-(28|40)|-dropout$|^alexnet/
const daily = (name: string) => !others.test(name)

describe('a built-in network as an ONNX model', () => {
  it.each(rows(Object.keys(models), daily))(
    '%s: ONNX Runtime computes what it does here, read back or not, with any batch',
    async (name) => {
      const { model, values, proto } = randomNetwork(name)
      const bytes = onnxBytes(proto)
      const weights = readOnnx(bytes, 'model.onnx')
      const stored = new Map(weights.tensors)
      for (const [tensor, expected] of values) {
        const found = toFloats(stored.get(tensor)!)
        expect(Buffer.compare(Buffer.from(found.buffer), Buffer.from(expected.buffer))).toBe(0)
        stored.delete(tensor)
      }
      // Single numbers, such as the bounds of ReLU6.
      for (const [, number] of stored) expect(number.shape).toEqual([])
      const here = new SparseModel(weights, { machine: best })
      expect(here.model).toMatchObject({ image: model.image, classes: model.classes })
      for (const batch of bytes.length > 2e7 || model.image[1] > 100 ? [2] : [1, 3]) {
        const { images, shape } = randomImages(model, batch)
        const there = (await runModel(bytes, new Map([['images', { shape, values: images }]]))).get('logits')!
        expect(farthest(here.run(images), there)).toBeLessThan(1e-4)
      }
    },
    60_000,
  )

  it.each(['mlpnet', 'resnet20', 'vit-tiny'])(
    '%s: with nonzeros alone it is smaller and computes the same',
    async (name) => {
      const { model, proto } = randomNetwork(name, 0.9)
      const [dense, sparse] = [proto, sparsely(proto).model].map(onnxBytes)
      expect(sparse.length).toBeLessThan(0.5 * dense.length)
      const { images, shape } = randomImages(model, 2)
      const feeds = new Map([['images', { shape, values: images }]])
      const [expected, found] = [
        (await runModel(dense, feeds)).get('logits')!,
        (await runModel(sparse, feeds)).get('logits')!,
      ]
      expect(found).toEqual(expected)
      expect(new SparseModel(readOnnx(sparse, 'sparse.onnx'), { machine: best }).run(images)).toEqual(
        new SparseModel(readOnnx(dense, 'dense.onnx'), { machine: best }).run(images),
      )
    },
  )

  it('in halves it takes half, and computes nearly the same', async () => {
    const { model, proto } = randomNetwork('resnet20')
    const [whole, half] = [proto, inHalves(proto).model].map(onnxBytes)
    expect(half.length).toBeLessThan(0.56 * whole.length)
    const { images, shape } = randomImages(model, 2)
    const there = (await runModel(half, new Map([['images', { shape, values: images }]]))).get('logits')!
    expect(farthest(new SparseModel(readOnnx(half, 'half.onnx'), { machine: best }).run(images), there)).toBeLessThan(
      1e-4,
    )
    const exact = (await runModel(whole, new Map([['images', { shape, values: images }]]))).get('logits')!
    expect(farthest(there, exact)).toBeLessThan(1e-2)
  })
})
