/**
 * @file ONNX models on the command line: pruned, trained again, converted, inspected, and run by ONNX Runtime
 * with the same accuracy.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { GraphProtoSchema, ModelProtoSchema } from 'onnx-buf'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { writeSafetensors } from '../../src/formats/safetensors.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { train } from '../../src/train/train.ts'
import { writeImageFolder } from '../data/image-files.ts'
import { written } from '../formats/onnx/build.ts'
import { breadth } from '../support/breadth.ts'
import { runModel } from '../support/onnx.ts'
import { machine } from '../train/small.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** A folder with a trained network: mlp.safetensors, mlp.onnx. */
let folder: string
const file = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  const network = new Network({ machine, model: findModel('mnist-mlp-bn'), data: synthetic(), batch: 100 })
  await train(network, { epochs: 2, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
  writeSafetensors(file('mlp.safetensors'), weightsOf(network))
  await json('convert', file('mlp.safetensors'), file('mlp.onnx'))
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the commands say of themselves, as far as it is looked at here. */
interface Said {
  accuracy: number
  sparsity: number
  prunable: { size: number; kept: number }
  dense: { accuracy: number }
  pruned: { accuracy: number }
  final: { accuracy: number }
  finetuned: { accuracy: number }
  results: { method: string; sparsity: number; accuracy: number }[]
  layers: object[]
  tensors: object[]
  problem: string
}

/** The JSON object that a command prints. */
async function json(...args: string[]): Promise<Said> {
  const { code, stdout, stderr } = await espalier([...args, '--json'])
  expect([code, stderr]).toEqual([0, ''])
  return jsonLines(stdout)[0] as unknown as Said
}

async function refused(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await espalier(args)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^espalier: [^\n]+\n$/)
  return stderr
}

/** Share of the test images whose largest score ONNX Runtime finds at their label. */
async function accuracyThere(path: string): Promise<number> {
  const { test, mean, std } = synthetic()
  const images = Float32Array.from(test.images, (pixel) => (pixel / 255 - mean[0]) / std[0])
  const shape = [test.count, 1, 28, 28]
  const [scores] = (await runModel(readFileSync(path), new Map([['images', { shape, values: images }]]))).values()
  const classes = scores.length / test.count
  const correct = Array.from(test.labels).filter((label, i) => {
    const row = scores.subarray(i * classes, (i + 1) * classes)
    return row.every((score) => score <= row[label])
  })
  return correct.length / test.count
}

/** The path of a model that does not run here. */
const attention = () => {
  const path = join(temporaryFolder(), 'sequence.onnx')
  const first = { shape: [], values: [0], whole: true }
  const stored = { first, w: { shape: [4, 6], values: Array.from({ length: 24 }, (_, i) => i - 11.5) } }
  const steps = [
    { op: 'SequenceConstruct', inputs: ['x'] },
    { op: 'SequenceAt', inputs: ['v1', 'first'] },
    { op: 'MatMul', inputs: ['v2', 'w'] },
  ]
  writeFileSync(path, written({ input: [-1, 4], stored, steps }))
  return path
}

describe('a network that leaves as ONNX', () => {
  it.each([
    ['magnitude', 'global', []],
    ['magnitude', 'layerwise', ['--sparse']],
    ['random', 'erk', []],
    ['woodfisher', 'global', ['--samples', '50', '--judge', '100', '--stages', '1', '--polish', breadth('0', '1')]],
    ['magnitude', 'global', ['--fold-bn']],
  ])('%s, %s, %j: ONNX Runtime is as accurate as eval says', async (method, scope, more) => {
    const out = join(temporaryFolder(), 'out.onnx')
    const flags = ['--method', method, '--sparsity', '0.8', '--scope', scope, ...more]
    const pruned = await json('prune', file('mlp.onnx'), ...flags, '--data', 'synthetic', '-o', out)
    expect(pruned.prunable.kept).toBe(pruned.prunable.size - Math.round(0.8 * pruned.prunable.size))
    expect(pruned.final.accuracy).toBeGreaterThan(0.2)
    const evaluated = await json('eval', '--weights', out, '--data', 'synthetic')
    expect(evaluated.accuracy).toBe(pruned.final.accuracy)
    expect(await accuracyThere(out)).toBe(evaluated.accuracy)
  })

  it('takes names, other numbers and metadata along, and states how it was pruned', async () => {
    const out = join(temporaryFolder(), 'out.onnx')
    await json('prune', file('mlp.onnx'), '--method', 'magnitude', '--sparsity', '0.9', '-o', out)
    const [before, after] = [file('mlp.onnx'), out].map((path) => fromBinary(ModelProtoSchema, readFileSync(path)))
    expect(after.graph!.node).toEqual(before.graph!.node)
    expect(after.graph!.initializer.map(({ name, dims }) => [name, dims])).toEqual(
      before.graph!.initializer.map(({ name, dims }) => [name, dims]),
    )
    const metadata = Object.fromEntries(after.metadataProps.map(({ key, value }) => [key, value]))
    expect(metadata).toMatchObject({ mean: expect.any(String), method: 'magnitude', sparsity: '0.9', scope: 'global' })
    expect(after.opsetImport).toEqual(before.opsetImport)
  })

  it('is trained after pruning, and its zeros stay', async () => {
    const out = join(temporaryFolder(), 'out.onnx')
    const recipe = join(temporaryFolder(), 'finetune.yaml')
    writeFileSync(
      recipe,
      'name: finetune\nmodel: { name: mlpnet }\ndata: { name: synthetic }\ntrain: { epochs: 1, batch: 100, learningRate: 0.05, momentum: 0.9 }\n',
    )
    const flags = ['--method', 'magnitude', '--sparsity', '0.97', '--data', 'synthetic', '--finetune', recipe]
    const pruned = await json('prune', file('mlp.onnx'), ...flags, '-o', out)
    expect(pruned.finetuned.accuracy).toBeGreaterThan(pruned.pruned.accuracy)
    const evaluated = await json('eval', '--weights', out, '--data', 'synthetic')
    expect(evaluated.accuracy).toBe(pruned.finetuned.accuracy)
    expect(evaluated.sparsity).toBeCloseTo(0.97, 4)
    expect(await accuracyThere(out)).toBe(evaluated.accuracy)
  })

  it('in halves it is as accurate within a few images', async () => {
    const out = join(temporaryFolder(), 'half.onnx')
    await json('convert', file('mlp.onnx'), out, '--dtype', 'float16')
    const [whole, half] = [await accuracyThere(file('mlp.onnx')), await accuracyThere(out)]
    expect(Math.abs(whole - half)).toBeLessThan(0.01)
    expect((await json('eval', '--weights', out, '--data', 'synthetic')).accuracy).toBe(half)
  })

  it('comes back as safetensors that name the model', async () => {
    const out = join(temporaryFolder(), 'weights.safetensors')
    await json('convert', file('mlp.onnx'), out)
    const { accuracy } = await json('eval', '--weights', out, '--model', file('mlp.onnx'), '--data', 'synthetic')
    expect(accuracy).toBe((await json('eval', '--weights', file('mlp.onnx'), '--data', 'synthetic')).accuracy)
  })
})

describe('several methods', () => {
  it('are compared in one table, and nothing is written', async () => {
    const flags = ['--sparsity', '0.9', '--data', 'synthetic', '--compare']
    const sampled = ['--samples', '100', '--judge', '100', '--polish', '0']
    const { results, dense } = await json('prune', file('mlp.onnx'), ...flags, 'magnitude,random,obd', ...sampled)
    expect(results.map(({ method }) => method)).toEqual(['magnitude', 'random', 'obd'])
    for (const { sparsity, accuracy } of results) {
      expect(sparsity).toBeCloseTo(0.9, 4)
      expect(accuracy).toBeLessThanOrEqual(dense.accuracy + 0.05)
    }
    const { stdout } = await espalier(['prune', file('mlp.onnx'), ...flags, 'magnitude,random'])
    expect(stdout).toMatch(/\| method +\| sparsity \|.*\nsparsity is that of the pruned tensors; /s)
  })
})

describe('a model that does not run here', () => {
  it('is pruned by value all the same, exactly', async () => {
    const out = join(temporaryFolder(), 'out.onnx')
    const { prunable } = await json('prune', attention(), '--method', 'magnitude', '--sparsity', '0.5', '-o', out)
    expect(prunable).toMatchObject({ size: 24, kept: 12 })
    const [x, w] = [[1, 2, 3, 4], Array.from({ length: 24 }, (_, i) => (Math.abs(i - 11.5) > 6 ? i - 11.5 : 0))]
    const expected = Array.from({ length: 6 }, (_, o) => x.reduce((sum, v, i) => sum + v * w[6 * i + o], 0))
    const found = await runModel(readFileSync(out), new Map([['x', { shape: [1, 4], values: x }]]))
    expect(Array.from(found.get('y')!)).toEqual(expected)
  })

  it('is inspected, with the reason', async () => {
    const { tensors, problem } = await json('inspect', attention())
    expect(tensors).toHaveLength(1)
    expect(problem).toContain('(SequenceConstruct): the operator SequenceConstruct does not run here')
  })

  it('is refused by methods that need it to run', async () => {
    const flags = ['--sparsity', '0.5', '-o', join(temporaryFolder(), 'out.onnx')]
    expect(await refused('prune', attention(), '--method', 'cbs', '--data', 'synthetic', ...flags)).toContain(
      'SequenceConstruct',
    )
    expect(await refused('prune', attention(), '--method', 'cbs', ...flags)).toContain('--method cbs needs --data')
    expect(await refused('eval', '--weights', attention(), '--data', 'synthetic')).toContain('SequenceConstruct')
  })
})

describe('what does not fit', () => {
  const out = () => join(temporaryFolder(), 'out.onnx')
  it.each([
    ['neither --method nor --compare', [], 'either --method with one method or --compare'],
    ['an unknown method', ['--method', 'magic'], '--method: there is no magic'],
    [
      'a scope for a method that has its own',
      ['--method', 'cbs', '--scope', 'erk', '--data', 'synthetic'],
      '--scope erk: with cbs the loss decides',
    ],
    ['an unknown type', ['--method', 'magnitude', '--dtype', 'int8'], '--dtype: there is no int8'],
    ['an unknown tensor', ['--method', 'magnitude', '--include', 'nothing'], 'no prunable tensor is named nothing'],
    ['training without data', ['--method', 'magnitude', '--finetune', 'recipe.yaml'], '--finetune needs --data'],
    ['an unknown layout', ['--method', 'magnitude', '--layout', 'chwn'], '--layout: there is no chwn'],
  ])('%s', async (_what, flags, expected) => {
    expect(await refused('prune', file('mlp.onnx'), '--sparsity', '0.5', ...flags, '-o', out())).toContain(expected)
  })

  it('an option of ONNX models for another format', async () => {
    expect(await refused('convert', file('mlp.onnx'), join(temporaryFolder(), 'w.safetensors'), '--sparse')).toContain(
      '.onnx',
    )
  })

  it('compare-masks takes models that run here and others, also stored as nonzeros', { timeout: 180_000 }, async () => {
    const [half, most, other, sparse] = ['half', 'most', 'other', 'sparse'].map((name) => join(folder, `${name}.onnx`))
    const prune = (from: string, sparsity: string, to: string, ...flags: string[]) =>
      json('prune', from, '--method', 'magnitude', '--sparsity', sparsity, '-o', to, '--force', ...flags)
    const nested = (size: number) => ({ all: { size, keptA: size / 2, keptB: size / 4, both: size / 4, jaccard: 0.5 } })
    for (const from of [file('mlp.onnx'), attention()]) {
      const { prunable } = await prune(from, '0.5', half)
      await prune(from, '0.75', most)
      await prune(from, '0.75', sparse, '--sparse')
      for (const b of [most, sparse]) expect(await json('compare-masks', half, b)).toMatchObject(nested(prunable.size))
      expect(await json('compare-masks', sparse, sparse)).toMatchObject({ all: { jaccard: 1 } })
    }
    await prune(file('mlp.onnx'), '0.5', other)
    expect(await refused('compare-masks', half, other)).toMatch(/has no tensor/)
    expect(await refused('compare-masks', half, half, '--include', 'nothing')).toContain(
      '--include: no prunable tensor',
    )
    expect(await refused('compare-masks', half, half, '--prunable', 'published')).toContain('SequenceConstruct')
  })

  it('weights go back onto the model that they came from', async () => {
    const [weights, back] = ['weights.safetensors', 'back.onnx'].map((name) => join(temporaryFolder(), name))
    await json('convert', file('mlp.onnx'), weights)
    await json('convert', weights, back, '--model', file('mlp.onnx'))
    const graph = (path: string) => toBinary(GraphProtoSchema, fromBinary(ModelProtoSchema, readFileSync(path)).graph!)
    expect(Buffer.compare(graph(back), graph(file('mlp.onnx')))).toBe(0)
  })

  it('inspect shows layers, FLOPs and patterns', async () => {
    const { layers } = await json('inspect', file('mlp.onnx'))
    expect(layers[0]).toMatchObject({ name: 'fc1.weight', shape: [300, 784], parameters: 235_200, flops: 470_400 })
  })
})

describe('images that a model leaves open', () => {
  /**
   * Channels of one number each, so that only --layout can say where they are; rows and columns are not said.
   */
  const open = () => {
    const path = join(temporaryFolder(), 'open.onnx')
    const steps = [
      { op: 'Transpose', inputs: ['x'], attributes: { perm: [0, 3, 1, 2] } },
      { op: 'GlobalAveragePool', inputs: ['v1'] },
      { op: 'Flatten', inputs: ['v2'] },
      { op: 'MatMul', inputs: ['v3', 'w'] },
    ]
    const w = { shape: [3, 2], values: [1, 2, 3, 4, 5, 6] }
    writeFileSync(path, written({ input: [-1, -1, -1, 3], stored: { w }, steps }))
    return path
  }

  it('are said by --crop and --layout, and then by the file that was written', async () => {
    const folder = await writeImageFolder(temporaryFolder(), { width: 12, height: 10 })
    const env = { ESPALIER_CACHE: temporaryFolder() }
    const [path, out, labels] = [open(), join(temporaryFolder(), 'out.onnx'), join(temporaryFolder(), 'labels.txt')]
    writeFileSync(labels, 'dog\ncat\n')
    expect(await refused('eval', '--weights', path, '--data', folder)).toContain('say how large images are with --crop')
    const data = [
      '--data',
      folder,
      '--crop',
      '8',
      '--layout',
      'nhwc',
      '--labels',
      labels,
      '--mean',
      '0.5',
      '--std',
      '0.25',
    ]
    const flags = ['--method', 'magnitude', '--sparsity', '0.5', ...data, '-o', out, '--json']
    const pruned = await espalier(['prune', path, ...flags], { env })
    expect([pruned.code, pruned.stderr]).toEqual([0, ''])
    const again = await espalier(['eval', '--weights', out, '--data', folder, '--json'], { env })
    expect([again.code, again.stderr]).toEqual([0, ''])
    const [{ final: expected }, found] = [pruned, again].map(({ stdout }) => jsonLines(stdout)[0])
    expect(found).toMatchObject({ ...(expected as object), mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], crop: 8 })
    const { metadataProps } = fromBinary(ModelProtoSchema, readFileSync(out))
    const metadata = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]))
    expect(metadata).toMatchObject({ layout: 'NHWC', labels: '["dog","cat"]', crop: '8' })
  })

  it('matter to nothing that looks at weights alone', async () => {
    const out = join(temporaryFolder(), 'out.onnx')
    const { prunable } = await json('prune', open(), '--method', 'magnitude', '--sparsity', '0.5', '-o', out)
    expect(prunable).toMatchObject({ size: 6, kept: 3 })
    expect((await json('inspect', open())).problem).toContain('--crop')
  })
})
