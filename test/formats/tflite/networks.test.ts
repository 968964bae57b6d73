/** @file Built-in networks as TensorFlow Lite files: LiteRT computes what ONNX Runtime does. */
import { expect, it } from 'vitest'
import { onnxBytes } from '../../../src/formats/onnx/export.ts'
import { rows } from '../../support/breadth.ts'
import { onLiteRt } from '../../support/litert.ts'
import { runModel } from '../../support/onnx.ts'
import { randomNetwork } from '../onnx/built-in.ts'
import { farthest, randomImages } from '../onnx/images.ts'
import { channelsLast, written } from './written.ts'

/** With statistics of normalizations that differ from channel to channel; the larger ones at night. */
const names = rows(
  [
    'lenet-300-100',
    'lenet-5',
    'resnet20',
    'mobilenet-v1-cifar',
    'mnist-mlp-bn',
    'vit-tiny',
    'densenet-40',
    'mobilenet-v1',
    'mobilenet-v2',
    'efficientnet-lite0',
    'vgg11',
    'wrn-28',
    'resnet18-imagenet',
  ],
  (_, i) => i < 6,
)

/** Networks with their images, and what they compute. */
async function tried(name: string, sparsity = 0) {
  const { model, proto } = randomNetwork(name, sparsity)
  const { images, shape } = randomImages(model, 1)
  const expected = (await runModel(onnxBytes(proto), new Map([['images', { shape, values: images }]]))).get('logits')!
  const [n, c, h, w] = shape
  return { proto, expected, inputs: [{ shape: [n, h, w, c], values: channelsLast(images, shape) }] }
}

it('images [N, H, W, C] to the same logits, in halves to nearly the same in half the bytes', async () => {
  const cases = await Promise.all(names.map((name) => tried(name)))
  const files = cases.flatMap(({ proto }) => [false, true].map((float16) => written(proto, { float16 })))
  const results = await onLiteRt(files.map(({ bytes }, i) => ({ bytes, inputs: cases[i >> 1].inputs })))
  for (const [i, name] of names.entries()) {
    const [whole, half] = results.slice(2 * i, 2 * i + 2)
    expect([name, whole.error, half.error]).toEqual([name, undefined, undefined])
    expect(farthest(whole.outputs[0].values, cases[i].expected), name).toBeLessThan(1e-4)
    expect(farthest(half.outputs[0].values, cases[i].expected), name).toBeLessThan(1e-2)
    expect(files[2 * i + 1].bytes.length / files[2 * i].bytes.length, name).toBeLessThan(0.55)
    expect(files[2 * i].operators).not.toContain('BATCH_NORMALIZATION')
  }
}, 60_000)

it('activations are part of the layers before them, and padding that is theirs too', async () => {
  const { proto } = randomNetwork('mobilenet-v1-cifar')
  const { operators } = written(proto)
  const counts = new Map<string, number>()
  for (const name of operators) counts.set(name, (counts.get(name) ?? 0) + 1)
  // Two depthwise convolutions of stride 2 on maps of even sizes are padded on all sides, unlike SAME.
  expect(Object.fromEntries(counts)).toEqual({
    CONV_2D: 14,
    DEPTHWISE_CONV_2D: 13,
    PAD: 2,
    MEAN: 1,
    RESHAPE: 1,
    FULLY_CONNECTED: 1,
  })
})
