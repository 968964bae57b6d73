import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { storedWeights } from '../../../src/formats/onnx/weights.ts'
import { SparseModel } from '../../../src/infer/sparse-model.ts'
import { prunableTensors } from '../../../src/sparsity/tensors.ts'
import { UserError } from '../../../src/util/errors.ts'
import { best } from '../../support/engines.ts'
import { runModel } from '../../support/onnx.ts'
import { hasPython, PYTHON } from '../../support/python.ts'
import { farthest, randomImages } from './images.ts'

const hasTorch = hasPython('torch')

/** Softmax, and its logarithm, of every row. */
function softmax(rows: Float32Array, classes: number, log: boolean): Float32Array {
  const result = new Float32Array(rows.length)
  for (let from = 0; from < rows.length; from += classes) {
    const row = rows.subarray(from, from + classes)
    const sum = row.reduce((total, x) => total + Math.exp(x), 0)
    result.set(
      row.map((x) => (log ? x - Math.log(sum) : Math.exp(x) / sum)),
      from,
    )
  }
  return result
}

describe.skipIf(!hasTorch)('models that torch.onnx wrote (skipped where Debian python3-torch is absent)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-torch-'))
  beforeAll(() => {
    execFileSync(PYTHON, [fileURLToPath(new URL('pytorch_models.py', import.meta.url)), folder], { stdio: 'ignore' })
  }, 120_000)
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(['residual', 'view', 'mobile', 'shuffle', 'perceptron', 'attention'])(
    '%s: computes what ONNX Runtime does, for batches of other sizes too',
    async (name) => {
      const files = readdirSync(folder).filter((file) => file.startsWith(name))
      expect(files.length).toBe(name === 'attention' ? 4 : 12)
      for (const file of files) {
        const bytes = readFileSync(join(folder, file))
        const here = new SparseModel(readOnnx(bytes, file), { machine: best })
        const { classes } = here.model
        const { images, shape } = randomImages(here.model, 3)
        const [per, sample] = [images.length / 3, name === 'perceptron' ? [64] : shape.slice(1)]
        const logits = here.run(images)
        const found = ['view', 'perceptron'].includes(name) ? softmax(logits, classes, name === 'perceptron') : logits
        for (let i = 0; i < 3; i++) {
          const values = images.subarray(i * per, (i + 1) * per)
          const expected = (await runModel(bytes, new Map([['x', { shape: [1, ...sample], values }]]))).get('y')!
          expect(farthest(found.subarray(i * classes, (i + 1) * classes), expected), file).toBeLessThan(1e-4)
        }
      }
    },
  )

  it('attention: its layers are pruned like those of other networks', () => {
    const file = 'attention-14-any-folded.onnx'
    const { onnx, tensors } = readOnnx(readFileSync(join(folder, file)), file)
    const weights = storedWeights(onnx.file).weights.map(({ key }) => key)
    // Patches, query-key-value, output projection, two linear layers, classifier.
    expect(weights).toHaveLength(6)
    for (const name of weights) expect(tensors.has(name)).toBe(true)
    if (onnx.network instanceof UserError) throw onnx.network
    expect(
      prunableTensors(onnx.network.model)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(weights.sort())
  })
})
