/** @file --metric: what a measure of one's own is told, what becomes of its numbers, and what is refused. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { random } from '../../src/util/random.ts'
import { floats, writeNpz } from '../data/arrays/array-files.ts'
import { writeImage, writeImageFolder } from '../data/image-files.ts'
import { severalWritten } from '../formats/onnx/several.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const draw = random(5, 'metric')
const normal = (n: number) => Array.from({ length: n }, () => draw.normal())
const stored = (...shape: number[]) => ({ shape, values: normal(shape.reduce((a, b) => a * b)) })

let folder: string
/** A module is loaded once for each name, so that every test has a folder of its own. */
beforeEach(() => {
  folder = temporaryFolder()
})

const written = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** Scores of three classes from 6 numbers, with a softmax at the end. */
const classifier = () =>
  written(
    'classifier.onnx',
    severalWritten(
      { x: [-1, 6] },
      { shares: [-1, 3] },
      {
        stored: { w: stored(6, 3) },
        steps: [
          { op: 'MatMul', inputs: ['x', 'w'], output: 'z' },
          { op: 'Softmax', inputs: ['z'], outputs: ['shares'], attributes: { axis: -1 } },
        ],
      },
    ),
  )

/** Two outputs of 6 numbers, one of them of two axes. */
const regressor = () =>
  written(
    'regressor.onnx',
    severalWritten(
      { x: [-1, 6] },
      { places: [-1, 2, 3], size: [-1, 1] },
      {
        stored: { w: stored(6, 6), v: stored(6, 1), form: { shape: [3], values: [-1, 2, 3], whole: true } },
        steps: [
          { op: 'MatMul', inputs: ['x', 'w'], output: 'flat' },
          { op: 'Reshape', inputs: ['flat', 'form'], outputs: ['places'] },
          { op: 'MatMul', inputs: ['x', 'v'], outputs: ['size'] },
        ],
      },
    ),
  )

const labelled = (count = 250) =>
  writeNpz(join(folder, 'data.npz'), {
    x: floats([count, 6], normal(6 * count)),
    labels: floats(
      [count],
      Array.from({ length: count }, (_, i) => i % 3),
    ),
  })

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await espalier([...args, '--json'], { env: { ESPALIER_CACHE: folder } })
  expect([code, stderr]).toEqual([0, ''])
  return jsonLines(stdout)[0]
}

it('a function is told probabilities and labels, and its numbers are means over samples', async () => {
  const metric = written(
    'nll.mjs',
    `export const better = 'low'
     export default function nll({ outputs: { shares }, labels }) {
       const [samples, classes] = shares.shape
       let [loss, right] = [0, 0]
       for (let n = 0; n < samples; n++) {
         const row = [...shares.values.subarray(n * classes, (n + 1) * classes)]
         loss -= Math.log(row[labels[n]])
         if (row.indexOf(Math.max(...row)) === labels[n]) right++
       }
       return { loss: loss / samples, right: right / samples }
     }`,
  )
  // 50 test samples: batches of 40 and of 10.
  const found = await json('eval', classifier(), '--data', labelled(), '--metric', metric)
  const { metrics, loss, accuracy } = found as Record<string, number> & { metrics: unknown }
  expect(metrics).toEqual({
    better: 'low',
    values: { loss: expect.closeTo(loss, 5), right: expect.closeTo(accuracy, 10) },
  })
  expect(accuracy).toBeGreaterThan(0)
  expect(accuracy).toBeLessThan(1)
})

const LARGEST = `export const better = 'low'
  export default class Largest {
    found = { error: 0, first: Infinity, count: 0 }
    add({ outputs: { places, size }, targets, samples }) {
      if (String(places.shape) !== String([samples.length, 2, 3]) || String(size.shape) !== String([samples.length, 1]))
        throw new Error('shapes ' + places.shape + ' and ' + size.shape)
      for (const [n, sample] of samples.entries()) {
        if (targets.values[7 * n + 6] !== 5 * sample + 4) throw new Error('targets of another sample')
        for (let i = 0; i < 6; i++)
          this.found.error = Math.max(this.found.error, Math.abs(places.values[6 * n + i] - targets.values[7 * n + i]))
        this.found.first = Math.min(this.found.first, targets.values[7 * n + 6])
        this.found.count++
      }
    }
    value() { return this.found }
  }`

/** With the places of samples in the file as the last of their targets. */
const withTargets = (count = 300) =>
  writeNpz(join(folder, 'data.npz'), {
    x: floats([count, 6], normal(6 * count)),
    targets: floats([count, 7], Array.from({ length: count }, (_, n) => [0, 0, 0, 0, 0, 0, n]).flat()),
  })

it('a class sees all batches of a pass, with targets, before and after pruning', async () => {
  const [path, data, metric] = [regressor(), withTargets(), written('largest.mjs', LARGEST)]
  const prune = ['prune', path, '--data', data, '--method', 'obc', '--sparsity', '0.7', '--metric', metric]
  const found = await json(...prune, '-o', join(folder, 'out.onnx'))
  type State = { metrics: { better: string; values: Record<string, number> } }
  const [dense, final] = [found.dense, found.final] as State[]
  expect(dense.metrics).toMatchObject({ better: 'low', values: { first: 4, count: 60 } })
  expect(final.metrics.values).toMatchObject({ first: 4, count: 60 })
  expect(final.metrics.values.error).not.toBeCloseTo(dense.metrics.values.error, 3)
  const evaluated = await json('eval', join(folder, 'out.onnx'), '--dense', path, '--data', data, '--metric', metric)
  expect((evaluated.metrics as State['metrics']).values.error).toBeCloseTo(final.metrics.values.error, 4)
  const { stdout } = await espalier([...prune, '-o', join(folder, 'b.onnx')], { env: { ESPALIER_CACHE: folder } })
  expect(stdout).toMatch(/^\| error \(lower is better\) +\| \d+\.\d+ \| \d+\.\d+ \|/m)
})

it('a table of several methods is sorted by its first number', async () => {
  const [path, data] = [regressor(), withTargets()]
  // Random pruning makes the output smaller than magnitude does: both orders cannot be the same.
  const code = (better: string) =>
    `export const better = '${better}'
     export default ({ outputs: { size } }) => size.values.reduce((sum, x) => sum + x * x, 0) / size.values.length`
  const order = async (better: string) => {
    const compare = ['--compare', 'magnitude,random', '--sparsity', '0.8', '--polish', '0']
    const metric = written(`${better}.mjs`, code(better))
    const { stdout } = await espalier(['prune', path, '--data', data, ...compare, '--metric', metric], {
      env: { ESPALIER_CACHE: folder },
    })
    return {
      head: stdout.match(/^\| method.*$/m)![0],
      names: [...stdout.matchAll(/^\| (dense|magnitude|random) /gm)].map(([, name]) => name),
    }
  }
  const [low, high] = [await order('low'), await order('high')]
  expect(low.head).toContain('| low (lower is better) |')
  expect(high.head).toContain('| high (higher is better) |')
  expect([low.names[0], high.names[0]]).toEqual(['dense', 'dense'])
  expect(low.names.slice(1)).toEqual(high.names.slice(1).reverse())
})

it('image files are called by their names, whether or not they lie in folders of classes', async () => {
  const path = written(
    'pixels.onnx',
    severalWritten(
      { image: [-1, 3, 3, 4] },
      { y: [-1, 2] },
      {
        stored: { w: stored(36, 2) },
        steps: [
          { op: 'Flatten', inputs: ['image'], output: 'f' },
          { op: 'MatMul', inputs: ['f', 'w'], outputs: ['y'] },
        ],
      },
    ),
  )
  const named = (names: string[]) => `export default ({ files }) => {
    if (String(files) !== '${names}') throw new Error('found ' + files)
    return files.length
  }`
  const flat = join(folder, 'flat')
  mkdirSync(flat)
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']) await writeImage(join(flat, `${name}.png`), {})
  const ofFlat = written('flat.mjs', named(['e.png', 'j.png']))
  expect(await json('eval', path, '--dense', path, '--data', flat, '--metric', ofFlat)).toMatchObject({
    metrics: { values: { flat: 2 } },
  })
  const sorted = await writeImageFolder(join(folder, 'sorted'))
  const ofSorted = written('sorted.mjs', named(['test/cat/a.png', 'test/dog/a.png']))
  expect(await json('eval', path, '--data', sorted, '--size', '3x4', '--metric', ofSorted)).toMatchObject({
    metrics: { better: 'high', values: { sorted: 2 } },
  })
})

describe('refused by one sentence', () => {
  const refusal = async (...args: string[]) => {
    const { code, stderr, stdout } = await espalier(args)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr.trimEnd()).not.toContain('\n')
    return stderr.trimEnd()
  }

  it.each<[string, RegExp]>([
    ['export const x = 1', /m\.mjs has no default export: expected a function of a batch, or a class with /],
    ['export default 3', /m\.mjs: its default export is 3, expected a function of a batch, or /],
    ['export default class { add() {} }', /default export is a class with add alone, expected .* add and value$/],
    ['export default () => 1\nexport const better = "up"', /m\.mjs: better is "up", expected 'high' or 'low'$/],
    ['export default () => {', /m\.mjs does not load: \w*Error: /],
    ['export default () => NaN', /m\.mjs: its metric gives NaN for m, expected a finite number$/],
    ['export default function f1() { return {} }', /m\.mjs: its metric gives no number, expected one or more$/],
    ['export default () => ({ a: 1, b: [2] })', /m\.mjs: its metric gives a list for b, expected a finite number$/],
    ['export default () => {}', /m\.mjs: its metric gives nothing for m, expected a finite number$/],
    ['export default async () => 1', /its metric gives a promise, expected numbers at once: no async function$/],
    ['export default ({ boxes }) => boxes.length', /its metric threw on test samples 0 to 39: TypeError: Cannot read/],
    ['export default class { add() {} value() { return 0 / 0 } }', /its metric gives NaN for m, expected a /],
    [
      'export default ({ samples }) => ({ [samples[0]]: 1 })',
      /m\.mjs: its metric gives 40 of test samples 40 to 49, expected 0 as before$/,
    ],
  ])('%s', async (code, sentence) => {
    const metric = written('m.mjs', code)
    expect(await refusal('eval', classifier(), '--data', labelled(), '--metric', metric, '--json')).toMatch(sentence)
  })

  it('a file that is not there, a measure without data, and a record', async () => {
    const missing = join(folder, 'none.mjs')
    expect(await refusal('eval', classifier(), '--data', labelled(), '--metric', missing)).toBe(
      `espalier: cannot read ${missing}: there is no such file or folder`,
    )
    const prune = ['prune', classifier(), '--sparsity', '0.5', '-o', join(folder, 'o.onnx'), '--metric', missing]
    expect(await refusal(...prune, '--method', 'magnitude')).toBe(
      'espalier: --metric needs --data with a data set or a folder',
    )
    expect(
      await refusal(...prune, '--method', 'obc', '--data', labelled(), '--record', join(folder, 'a.record.json')),
    ).toBe('espalier: --record does not go with --metric, since a record names no files')
  })

  it('targets that do not fit their samples, and labels that are no classes', async () => {
    const data = (arrays: Record<string, Uint8Array>) =>
      writeNpz(join(folder, 'd.npz'), { x: floats([10, 6], normal(60)), ...arrays })
    const evaluate = ['eval', classifier(), '--dense', join(folder, 'classifier.onnx'), '--data']
    expect(await refusal(...evaluate, data({ targets: floats([9, 2], normal(18)) }))).toMatch(
      /d\.npz has 9 targets, expected one for each of 10 samples$/,
    )
    expect(await refusal(...evaluate, data({ labels: floats([10], normal(10)) }))).toMatch(
      /labels has the label -?\d\.\d+, expected whole numbers from 0 on: numbers that are no classes are called targets$/,
    )
  })
})
