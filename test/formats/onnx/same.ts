/** @file Models run here and by ONNX Runtime. */
import { expect } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { SparseModel } from '../../../src/infer/sparse-model.ts'
import { random } from '../../../src/util/random.ts'
import { best } from '../../support/engines.ts'
import { runModel } from '../../support/onnx.ts'
import { type Written, written } from './build.ts'
import { farthest } from './images.ts'

/** Normally distributed numbers, the same for the same seed. */
export function normal(shape: readonly number[], seed: string): number[] {
  const draw = random(5, seed)
  return Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draw.normal())
}

/**
 * Runs a model here and in ONNX Runtime, on two samples; the output is flattened, as scores are. Where the
 * file was written for a number of samples, ONNX Runtime takes as many at a time, and Espalier twice as many
 * at once.
 */
export async function expectSame(model: Written, layout?: 'NHWC'): Promise<void> {
  const bytes = written(model)
  const here = new SparseModel(readOnnx(bytes, 'model.onnx', { layout }), { machine: best })
  const [fixed, ...sample] = model.input
  const [batch, at] = fixed > 0 ? [2 * fixed, fixed] : [2, 2]
  const images = Float32Array.from(normal([batch, ...sample], 'x'))
  const perSample = images.length / batch
  const expected: number[] = []
  for (let n = 0; n < batch; n += at) {
    const values = images.subarray(n * perSample, (n + at) * perSample)
    expected.push(...(await runModel(bytes, new Map([['x', { shape: [at, ...sample], values }]]))).get('y')!)
  }
  const turned = sample.length === 3 && (layout === 'NHWC' || here.model.image[2] !== sample[2])
  expect(farthest(here.run(turned ? channelsFirst(images, sample) : images), expected)).toBeLessThan(1e-4)
}

/** [N, H, W, C] as [N, C, H, W]. */
function channelsFirst(images: Float32Array, [rows, columns, channels]: readonly number[]): Float32Array {
  const place = (n: number, c: number, r: number, k: number) => ((n * rows + r) * columns + k) * channels + c
  return Float32Array.from({ length: images.length }, (_, i) => {
    const [k, r] = [i % columns, Math.floor(i / columns) % rows]
    const [c, n] = [Math.floor(i / (columns * rows)) % channels, Math.floor(i / (columns * rows * channels))]
    return images[place(n, c, r, k)]
  })
}
