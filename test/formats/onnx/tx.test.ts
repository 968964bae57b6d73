import { readdirSync, readFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, it } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { SparseModel } from '../../../src/infer/sparse-model.ts'
import { best } from '../../support/engines.ts'
import { farthest, randomImages } from './images.ts'

it.each(readdirSync('/tmp/tx').filter((f) => f.endsWith('.onnx')))('%s', async (f) => {
  const bytes = readFileSync('/tmp/tx/' + f)
  const w = readOnnx(bytes, f)
  if (w.onnx.network instanceof Error) throw w.onnx.network
  const here = new SparseModel(w, { machine: best })
  const { images } = randomImages(here.model, 3)
  const s = await InferenceSession.create(bytes, { logSeverityLevel: 3 })
  const mine = here.run(images)
  const per = images.length / 3,
    cls = here.model.classes
  for (let i = 0; i < 3; i++) {
    const dims = f.startsWith('mlp') ? [1, per] : [1, ...here.model.image]
    const y = (await s.run({ x: new Tensor('float32', images.slice(i * per, (i + 1) * per), dims) })).y
      .data as Float32Array
    let a = mine.subarray(i * cls, (i + 1) * cls) as Float32Array
    if (f.startsWith('view')) {
      const e = a.map(Math.exp)
      const t = e.reduce((p, q) => p + q, 0)
      a = e.map((v) => v / t)
    }
    if (f.startsWith('mlp')) {
      const t = Math.log(a.reduce((p, q) => p + Math.exp(q), 0))
      a = a.map((v) => v - t)
    }
    expect(farthest(a, y)).toBeLessThan(1e-4)
  }
})
