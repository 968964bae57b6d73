/** @file A network of texts as an ONNX file takes texts, and is pruned by them as its weights are. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { writeSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'
import { machine } from '../train/small.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

let folder: string
let weights: string
let onnx: string
let texts: string

const WORDS = ['see', 'you', 'tomorrow', 'at', 'lunch', 'win', 'money', 'now', 'free', 'click']

beforeEach(async () => {
  folder = temporaryFolder()
  ;[weights, onnx, texts] = ['w.safetensors', 'texts.onnx', 'mails.csv'].map((name) => join(folder, name))
  const draw = random(2, 'texts')
  const rows = Array.from({ length: 60 }, (_, i) => {
    const words = Array.from({ length: 4 + draw.below(6) }, () => WORDS[draw.below(WORDS.length)])
    return `${words.join(' ')} ${i},${i % 3 === 0 ? 'spam' : 'ham'}`
  })
  writeFileSync(texts, `text,label\n${rows.join('\n')}\n`)
  const model = findModel('bert-mini', { widen: 1 / 8 })
  const part = { count: 1, images: new Uint8Array(2 * 64), labels: new Uint8Array(1) }
  const data = { name: 'none', classes: 2, image: model.image, mean: [0, 0], std: [1 / 255, 1 / 255] }
  writeSafetensors(weights, weightsOf(new Network({ machine, model, data: { ...data, train: part, test: part } })))
  expect((await espalier(['convert', weights, onnx])).code).toBe(0)
})

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await espalier([...args, '--json'])
  // On a busy machine a line may say how long it will still take.
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return jsonLines(stdout).at(-1)!
}

it('eval says the same of the weights, of the file, and of the file in ONNX Runtime', async () => {
  const [own, file, runtime] = [
    await json('eval', weights, '--data', texts),
    await json('eval', onnx, '--data', texts),
    await json('eval', onnx, '--data', texts, '--engine', 'onnxruntime'),
  ]
  expect(own.count).toBe(12)
  for (const other of [file, runtime]) {
    expect(other).toMatchObject({ accuracy: own.accuracy, count: 12 })
    expect(other.loss).toBeCloseTo(own.loss as number, 5)
  }
})

it.each([
  ['sparsegpt', ['--polish', '0']],
  ['woodfisher', ['--samples', '24', '--judge', '8', '--stages', '1', '--polish', '1']],
])('prune --method %s %j does to the file what it does to the weights', async (method, more) => {
  const flags = ['--method', method, '--sparsity', '0.7', '--data', texts, ...more]
  const [own, file] = [
    await json('prune', weights, ...flags, '-o', join(folder, 'own.safetensors')),
    await json('prune', onnx, ...flags, '-o', join(folder, 'pruned.onnx')),
  ]
  expect(file.final).toMatchObject({ accuracy: (own.final as { accuracy: number }).accuracy })
  expect((file.final as { loss: number }).loss).toBeCloseTo((own.final as { loss: number }).loss, 3)
  // What is written still takes texts.
  const again = await json('eval', join(folder, 'pruned.onnx'), '--data', texts)
  expect(again.loss).toBeCloseTo((file.final as { loss: number }).loss, 5)
})
