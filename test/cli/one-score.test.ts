/**
 * @file ONNX models with one score per sample on the command line: figures are those of ONNX Runtime's
 * scores, files keep their sigmoid.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadImageFolder } from '../../src/data/image-folder.ts'
import { random } from '../../src/util/random.ts'
import { writeImage } from '../data/image-files.ts'
import { type Step, written } from '../formats/onnx/build.ts'
import { runModel } from '../support/onnx.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const SIDE = 6
const PIXELS = 3 * SIDE * SIDE
const TRAIN = 24
const TEST = 20

/**
 * Images of two classes, `left` (0) and `right` (1), by which half is brighter; and the cache of what is
 * decoded.
 */
let folder: string
let env: Record<string, string>
const images = () => join(folder, 'images')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  env = { ESPALIER_CACHE: join(folder, 'cache') }
  process.env.ESPALIER_CACHE = env.ESPALIER_CACHE
  const draw = random(1, 'halves')
  for (const side of ['left', 'right'])
    for (const [part, count] of Object.entries({ train: TRAIN, test: TEST }))
      for (let n = 0; n < count; n++) {
        const bright = (x: number) => x < SIDE / 2 === (side === 'left')
        const value = (_c: number, _y: number, x: number) => 100 + (bright(x) ? 40 : 0) + draw.below(100)
        await writeImage(join(images(), part, side, `${n}.png`), { width: SIDE, height: SIDE, value })
      }
}, 120_000)
afterAll(() => {
  delete process.env.ESPALIER_CACHE
  rmSync(folder, { recursive: true, force: true })
})

/** What may come behind the score. */
const ends: Record<string, readonly Step[]> = {
  nothing: [],
  'a sigmoid': [{ op: 'Sigmoid', inputs: ['score'] }],
  'a sigmoid and a squeeze': [
    { op: 'Sigmoid', inputs: ['score'], output: 'probability' },
    { op: 'Squeeze', inputs: ['probability', 'axes'] },
  ],
  'a squeeze and a sigmoid': [
    { op: 'Squeeze', inputs: ['score', 'axes'], output: 'squeezed' },
    { op: 'Sigmoid', inputs: ['squeezed'] },
  ],
}

/**
 * A model of two layers whose score is the brightness of the right half less that of the left, more or less.
 */
function modelFile(end: keyof typeof ends, { seed = 0, noise = 3 } = {}): string {
  const draw = random(seed, 'weights')
  const half = (i: number) => (i % SIDE < SIDE / 2 ? -1 : 1)
  const w1 = Array.from({ length: 4 * PIXELS }, (_, i) => (i < 2 * PIXELS ? 1 : -1) * half(i) + noise * draw.normal())
  const w2 = [1, 1, -1, -1].map((w) => (w + noise * draw.normal()) / 10)
  const stored = {
    w1: { shape: [4, PIXELS], values: w1.map((w) => w / 20) },
    b1: { shape: [4], values: [0.5, 0.1, -0.2, 0.3] },
    w2: { shape: [1, 4], values: w2 },
    axes: { shape: [1], values: [1], whole: true },
  }
  const steps: Step[] = [
    { op: 'Flatten', inputs: ['x'] },
    { op: 'Gemm', inputs: ['v1', 'w1', 'b1'], attributes: { transB: 1 } },
    { op: 'Relu', inputs: ['v2'] },
    { op: 'Gemm', inputs: ['v3', 'w2'], output: 'score', attributes: { transB: 1 } },
    ...ends[end],
  ]
  const path = join(temporaryFolder(), 'model.onnx')
  writeFileSync(path, written({ input: [-1, 3, SIDE, SIDE], stored, steps }))
  return path
}

/** Loss and accuracy on the test images by ONNX Runtime's outputs, which are scores or their sigmoids. */
async function figuresThere(path: string): Promise<Figures> {
  const { test, mean, std } = await loadImageFolder(images(), 'images')
  const plane = SIDE * SIDE
  const values = Float32Array.from(test.images, (pixel, i) => {
    const c = Math.floor(i / plane) % 3
    return (pixel / 255 - mean[c]) / std[c]
  })
  const bytes = readFileSync(path)
  const feeds = new Map([['x', { shape: [test.count, 3, SIDE, SIDE], values }]])
  const [outputs] = [...(await runModel(bytes, feeds)).values()].map((found) => Array.from(found))
  const closed = nodesOf(path).includes('Sigmoid')
  const losses = outputs.map((y, i) => {
    if (closed) return -Math.log(test.labels[i] === 1 ? y : 1 - y)
    return Math.max(y, 0) + Math.log1p(Math.exp(-Math.abs(y))) - test.labels[i] * y
  })
  const correct = outputs.filter((y, i) => Number(y > (closed ? 0.5 : 0)) === test.labels[i])
  return { loss: losses.reduce((a, b) => a + b, 0) / test.count, accuracy: correct.length / test.count }
}

const nodesOf = (path: string) =>
  fromBinary(ModelProtoSchema, readFileSync(path)).graph!.node.map(({ opType }) => opType)

interface Figures {
  loss: number
  accuracy: number
}

async function json(...args: string[]): Promise<Record<string, unknown> & Figures> {
  const { code, stdout, stderr } = await espalier([...args, '--json'], { env })
  expect([code, stderr]).toEqual([0, ''])
  return jsonLines(stdout).at(-1) as Record<string, unknown> & Figures
}

async function refused(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await espalier(args, { env })
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^espalier: [^\n]+\n$/)
  return stderr
}

function expectSame(found: Figures, expected: Figures): void {
  expect(found.accuracy).toBe(expected.accuracy)
  expect(found.loss).toBeCloseTo(expected.loss, 4)
}

it.each(Object.keys(ends))('eval of a score and %s says what ONNX Runtime finds, whatever the weights', async (end) => {
  const seen: Figures[] = []
  for (const seed of [1, 2]) {
    const path = modelFile(end, { seed })
    const found = await json('eval', '--weights', path, '--data', images())
    expectSame(found, await figuresThere(path))
    expect(found.loss).toBeGreaterThan(0.01)
    seen.push(found)
  }
  expect(Math.abs(seen[0].loss - seen[1].loss)).toBeGreaterThan(0.01)
})

it.each([
  ['nothing', 'obd', ['--samples', '40', '--judge', '8', '--polish', '1']],
  ['a sigmoid', 'obd', ['--samples', '40', '--judge', '8', '--polish', '1']],
  ['a sigmoid and a squeeze', 'woodfisher', ['--samples', '40', '--judge', '8', '--polish', '1']],
  ['a sigmoid', 'obc', ['--polish', '2']],
  ['a sigmoid', 'magnitude', ['--fold-bn']],
  ['a squeeze and a sigmoid', 'magnitude', ['--compact']],
])(
  'a score and %s, prune --method %s %j: the file is as good as is said, and ends as before',
  async (end, method, more) => {
    const [path, out] = [modelFile(end, { seed: 1 }), join(temporaryFolder(), 'out.onnx')]
    const flags = ['--method', method, '--sparsity', '0.6', '--data', images(), ...more, '-o', out]
    const { dense, final } = (await json('prune', path, ...flags)) as unknown as Record<string, Figures>
    expectSame(dense, await figuresThere(path))
    expectSame(final, await figuresThere(out))
    expect(Math.abs(final.loss - dense.loss)).toBeGreaterThan(1e-4)
    expect(nodesOf(out).includes('Sigmoid')).toBe(end !== 'nothing')
    expectSame(await json('eval', '--weights', out, '--data', images()), final)
  },
)

it('weights of such a model become an ONNX model with the sigmoid again', async () => {
  const [path, weights, out] = [
    modelFile('a sigmoid', { seed: 1 }),
    join(temporaryFolder(), 'w.safetensors'),
    join(temporaryFolder(), 'out.onnx'),
  ]
  await json('convert', path, weights)
  await json('convert', weights, out, '--model', path)
  expect(nodesOf(out)).toContain('Sigmoid')
  expectSame(await json('eval', '--weights', out, '--data', images()), await figuresThere(path))
})

it('methods choose by the loss: woodfisher keeps other weights than magnitude', async () => {
  const path = modelFile('a sigmoid', { seed: 1 })
  const flags = ['--sparsity', '0.6', '--samples', '40', '--judge', '8', '--data', images()]
  const { results } = await json('prune', path, '--compare', 'magnitude,woodfisher,cbs', ...flags)
  const losses = (results as Figures[]).map(({ loss }) => loss)
  expect(new Set(losses).size).toBe(3)
})

it('without data, by value alone', async () => {
  const [path, out] = [modelFile('a sigmoid'), join(temporaryFolder(), 'out.onnx')]
  const { prunable } = await json('prune', path, '--method', 'magnitude', '--sparsity', '0.5', '-o', out)
  expect(prunable).toMatchObject({ size: 4 * PIXELS + 4, kept: 2 * PIXELS + 2 })
})

it('is trained after pruning, and by a recipe from the beginning', async () => {
  const path = modelFile('a sigmoid', { seed: 3, noise: 5 })
  const work = temporaryFolder()
  const [out, recipe, run] = ['out.onnx', 'recipe.yaml', 'run'].map((name) => join(work, name))
  writeFileSync(
    recipe,
    `name: score
model: { name: ${path}, init: uniform }
data: { name: ${images()} }
train: { epochs: 20, batch: 8, learningRate: 0.05, momentum: 0.9 }
prune: { method: magnitude, sparsity: 0.5, start: 10ep }
`,
  )
  const before = await json('eval', '--weights', path, '--data', images())
  expect(before.accuracy).toBeLessThan(0.8)
  const flags = ['--method', 'magnitude', '--sparsity', '0.5', '--data', images(), '--finetune', recipe, '-o', out]
  const { finetuned } = (await json('prune', path, ...flags)) as unknown as Record<string, Figures>
  expect(finetuned.accuracy).toBeGreaterThan(0.85)
  expectSame(await figuresThere(out), finetuned)

  const { result } = (await json('run', recipe, '--out', run)) as unknown as { result: { final: Figures } }
  const { final } = result
  expect(final.accuracy).toBeGreaterThan(0.9)
  const weights = join(run, 'model.safetensors')
  expectSame(await json('eval', '--weights', weights, '--model', path, '--data', images()), final)
  const table = await espalier(['report', run], { env })
  expect(table.code).toBe(0)
  expect(table.stdout).toContain((100 * final.accuracy).toFixed(2))
})

it('bench, inspect and inspect --program take it', async () => {
  const path = modelFile('a sigmoid and a squeeze')
  expect((await json('bench', path, '--batch', '1', '--rounds', '1')).results).toHaveLength(3)
  expect((await json('inspect', path)).layers).toMatchObject([{ shape: [4, PIXELS] }, { shape: [1, 4] }])
  expect(await json('inspect', path, '--program', '--batch', '4')).toMatchObject({ addressable: true })
})

it('classes the other way round are told, and --labels turns them', async () => {
  const path = modelFile('nothing', { noise: 0.1 })
  const right = await json('eval', '--weights', path, '--data', images())
  expect(right.accuracy).toBeGreaterThan(0.8)
  expect(right.warning).toBeUndefined()
  const said = await espalier(['eval', '--weights', path, '--data', images()], { env })
  expect(said.stdout).toContain('labels: a score above zero is right, else left\n')
  const labels = join(temporaryFolder(), 'labels.txt')
  writeFileSync(labels, 'right\nleft\n')
  const turned = await json('eval', '--weights', path, '--data', images(), '--labels', labels)
  expect(turned.accuracy).toBeCloseTo(1 - right.accuracy, 10)
  expect(turned.warning).toMatch(/far below chance \(1 of 2 classes\): .* the other way round, see --labels/)
})

it('data of three classes are refused', async () => {
  const three = temporaryFolder()
  for (const name of ['a', 'b', 'c'])
    for (const part of ['train', 'test'])
      await writeImage(join(three, part, name, '0.png'), { width: SIDE, height: SIDE })
  const path = modelFile('a sigmoid')
  const message = `${path} tells two classes apart by one score, ${three} has 3`
  expect(await refused('eval', '--weights', path, '--data', three)).toContain(message)
  const out = join(temporaryFolder(), 'out.onnx')
  const flags = ['--sparsity', '0.5', '--data', three, '-o', out]
  expect(await refused('prune', path, '--method', 'obd', ...flags)).toContain(message)
})
