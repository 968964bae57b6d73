import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { prunableSets } from '../../src/sparsity/tensors.ts'
import { idx, writeMnist } from '../data/idx-files.ts'
import { writeTiny } from '../experiment/tiny.ts'
import { sets } from '../support/engines.ts'
import { compiled, espalier, jsonLines, root } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

/** Standard output of a command that succeeds and says nothing else. */
async function output(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await espalier(args)
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

it('--version and --help', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(await output('--version')).toBe(`${version}\n`)
  const help = await output('--help')
  for (const word of [
    'run',
    'prune',
    'eval',
    'report',
    'inspect',
    'list',
    'ESPALIER_ENGINE',
    'ESPALIER_THREADS',
    'ESPALIER_DATA',
  ])
    expect(help).toContain(word)
})

it.each([
  [
    'run',
    ['--set', '--seed', '--out', '--resume', '--force', '--dry-run', '--checkpoint-seconds', '--quiet', '--json'],
  ],
  [
    'eval',
    ['--model', '--weights', '--dataset', '--data', '--size', '--crop', '--skip-corrupt', '--mean', '--std', '--json'],
  ],
  [
    'prune',
    [
      '--model',
      '--method',
      '--sparsity',
      '--data',
      '--out',
      '--samples',
      '--mini-batch',
      '--block-size',
      '--damp',
      '--stages',
      '--seed',
      '--judge',
      '--faithful',
      '--refresh-bn',
      '--prunable',
      '--include',
      '--exclude',
      '--fisher-cache',
      '--mean',
      '--std',
      '--size',
      '--crop',
      '--skip-corrupt',
      '--json',
      'magnitude',
      'chita',
      'falcon',
      '--flops',
    ],
  ],
  ['inspect', ['--program', '--model', '--batch', '--json']],
  ['list', ['--json', 'models', 'datasets', 'methods', 'recipes']],
  ['compare-masks', ['--prunable', ...prunableSets]],
])('%s --help', async (command, options) => {
  const help = await output(command, '--help')
  for (const option of options) expect(help).toContain(option)
})

it.each([
  ['models', ['lenet-300-100', 'mlpnet']],
  ['datasets', ['mnist', 'synthetic']],
  [
    'methods',
    [
      'magnitude',
      'random',
      'scope global',
      'scope layerwise',
      'scope erk',
      'granularity N:M',
      'rewire dsr',
      'tie',
      'snip',
      'obd',
      'sparsegpt',
      'snows',
    ],
  ],
])('list %s', async (kind, names) => {
  const table = await output('list', kind)
  const entries = JSON.parse(await output('list', kind, '--json'))
  for (const name of names) {
    expect(table).toMatch(new RegExp(`^${name} +\\S`, 'm'))
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(entries.find((entry: { name: string }) => entry.name.endsWith(name))?.summary).not.toBe('')
  }
})

it('list recipes: paper, figures and cost of every recipe and sweep', async () => {
  const text = await output('list', 'recipes')
  const entries: Record<string, string>[] = JSON.parse(await output('list', 'recipes', '--json'))
  const entry = (name: string) => entries.find((one) => one.name.endsWith(`recipes/${name}`))!
  expect(entries.length).toBeGreaterThan(60)
  for (const { name, summary, paper, table, expected, cost } of entries) {
    expect(text).toContain(`${name}\n  ${summary}\n`)
    expect([summary, paper, table ?? expected, cost], name).toEqual([1, 2, 3, 4].map(() => expect.stringMatching(/./)))
  }
  expect(entry('dynamic/mnist-dsr.yaml').expected).toBe('98.14 ± 0.14 % (0.98)')
  expect(entry('dynamic/mnist-dsr.sweep.yaml')).toMatchObject({
    expected: '98.14 ± 0.14 % (0.98), 97.75 ± 0.04 % (0.99)',
    cost: expect.stringMatching(/^6 runs/),
    paper: entry('dynamic/mnist-dsr.yaml').paper,
  })
  expect(entry('dynamic/mnist-set-99.sweep.yaml').expected).toBe('95.8 % (0.99)')
  expect(entry('at-init/resnet18-cifar10.sweep.yaml').expected).toBe('35 published figures from 77.6 to 91.08 %')
  expect(entry('at-init/resnet18-cifar10-others.sweep.yaml').expected).toBe('10 published figures from 71.99 to 91.1 %')
  expect(entry('gsm/lenet-5-125x.yaml').expected).toMatch(/99\.04 % \(gsm-ticket\)/)
})

describe('inspect', () => {
  const write = (values: number[]) => {
    const path = join(temporaryFolder(), 'file.safetensors')
    const tensors = new Map([
      ['w', storeFloats(Float32Array.from(values), [2, 2])],
      ['empty', storeFloats(new Float32Array(0), [0, 3])],
      ['scalar', storeFloats(Float32Array.of(2), [])],
    ])
    writeSafetensors(path, { tensors, metadata: { model: 'none' } })
    return path
  }

  it('a table', async () => {
    const { stdout: text } = await espalier(['inspect', write([0, 1, -3, 0])], { columns: 200 })
    expect(text).toMatch(/^model: none\n\| tensor/)
    expect(text).toMatch(
      /^\| w +\| F32 +\| 2 x 2 +\| +4 \| +1 \| +1 \| +2 \| +50\.00 % \| +-0\.500 \| +1\.50 \| .* 3\.00 \|$/m,
    )
    expect(text).toMatch(/^\| empty +\| F32 +\| 0 x 3 +\| +0 \| +0 \| +0 \| +0 \| +0\.00 % \|/m)
    expect(text).toMatch(/^\| scalar +\| F32 +\| scalar +\| +1 \| +1 \| +0 \| +0 \| +0\.00 % \| +2\.00 \|/m)
    expect(text).toMatch(/^\| kernels and matrices +\| +2 \| +4 \| +2 \| +50\.00 % \|$/m)
    expect(text).toContain('compression ratio 2.00: values by nonzeros')
    expect(text).not.toContain('warning')
  })

  it('JSON', async () => {
    const path = write([0, 1, -3, 0])
    const [{ file, metadata, tensors }] = jsonLines(await output('inspect', path, '--json'))
    expect([file, metadata]).toEqual([path, { model: 'none' }])
    expect(tensors).toMatchObject([
      { name: 'w', dtype: 'F32', shape: [2, 2], size: 4, nonzeros: 2, sparsity: 0.5, mean: -0.5, std: 1.5 },
      { name: 'empty', size: 0, mean: null },
      { name: 'scalar', shape: [], size: 1 },
    ])
  })

  it('warns of values that are not finite', async () => {
    expect(await output('inspect', write([0, Number.NaN, 1, Infinity]))).toContain(
      'warning: w holds 2 values that are NaN or infinite',
    )
  })
})

describe('bench', () => {
  it('says how fast a pruned network infers, and what its zeros gain', async () => {
    const out = join(temporaryFolder(), 'run')
    await output('run', writeTiny(temporaryFolder()), '--quiet', '--out', out)
    const weights = join(out, 'model.safetensors')
    const text = await output('bench', weights, '--batch', '1,8', '--rounds', '1')
    expect(text).toMatch(/^mlpnet, 90\.00 % zeros among prunable weights; engine: /)
    for (const row of [/1 \| auto /, /1 \| dense /, /8 \| sparse /, /Batch 8: /]) expect(text).toMatch(row)
    const [{ results, sparsity }] = jsonLines(await output('bench', weights, '--batch', '3', '--rounds', '1', '--json'))
    expect(sparsity).toBeCloseTo(0.9)
    expect(results).toHaveLength(3)
    const { code, stderr } = await espalier(['bench', weights, '--batch', '0'])
    expect([code, stderr]).toEqual([1, 'espalier: --batch: expected a whole number from 1 to 65,536, found 0\n'])
  })
})

describe('eval', () => {
  it('a model that was run: its network and preprocessing come from the file', async () => {
    const out = join(temporaryFolder(), 'run')
    await output('run', writeTiny(temporaryFolder()), '--quiet', '--out', out)
    const weights = join(out, 'model.safetensors')
    const final = jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8')).at(-1)?.final
    for (const option of ['--dataset', '--data']) {
      const [result] = jsonLines(await output('eval', '--weights', weights, option, 'synthetic', '--json'))
      // The run evaluated on sparse kernels, which add up in another order.
      const { loss, ...rest } = final as { loss: number }
      expect(result).toMatchObject({ ...rest, loss: expect.closeTo(loss, 5) })
      expect(result).toMatchObject({ model: 'mlpnet', dataset: 'synthetic', sparsity: 0.9, mean: [0.5], std: [0.25] })
    }
    const text = await output('eval', '--weights', weights, '--dataset', 'synthetic')
    expect(text).toMatch(/mean 0\.5 and std 0\.25 \(of the weights file\)/)
    expect(text).toMatch(
      /accuracy [\d.]+ % \(\d+ of 500\), loss [\d.]+, sparsity 90\.00 % of the 32,360 weights of layers\ntop-5 [\d.]+ %, precision [\d.]+ %, recall [\d.]+ %, F1 [\d.]+ % \(means over classes\)\n$/,
    )
  })

  it('the folder of a run is its model, for every command that takes one', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder()
    const out = join(folder, 'run')
    await output('run', writeTiny(folder), '--quiet', '--out', out)
    const model = join(out, 'model.safetensors')
    /** All that a command prints, but for times. */
    const facts = async (args: string[]) =>
      JSON.parse(JSON.stringify(jsonLines(await output(...args, '--json'))), (key, value) =>
        ['milliseconds', 'onnxruntime', 'figureNotes'].includes(key) ? undefined : value,
      )
    const same = async (args: (path: string) => string[]) =>
      expect(await facts(args(out))).toEqual(await facts(args(model)))
    await same((path) => ['eval', path, '--dataset', 'synthetic'])
    await same((path) => ['eval', '--weights', path, '--data', 'synthetic'])
    await same((path) => ['inspect', path])
    await same((path) => ['compare-masks', path, path])
    const pruned = join(folder, 'pruned.safetensors')
    await same((path) => ['prune', path, '--method', 'magnitude', '--sparsity', '0.95', '-o', pruned, '--force'])
    const [bench] = jsonLines(await output('bench', out, '--batch', '1', '--rounds', '1', '--json'))
    expect(bench).toMatchObject({ model: 'mlpnet', sparsity: expect.closeTo(0.9, 3) })
    const again = join(folder, 'again')
    const more = ['--set', `model.weights=${out}`, '--set', `model.masks=${out}`, '--set', 'train.epochs=3']
    await output('run', writeTiny(folder), ...more, '--quiet', '--out', again)

    const refused = async (...args: string[]) => (await espalier(args)).stderr
    rmSync(model)
    expect(await refused('inspect', out)).toBe(
      `espalier: ${out} holds a run that has no model.safetensors yet: go on with espalier run ${join(out, 'recipe.yaml')} --resume --out ${out}\n`,
    )
    expect(await refused('bench', folder)).toMatch(/^espalier: .* holds several runs: .* such as .*again\n$/)
    expect(await refused('eval', temporaryFolder(), '--data', 'synthetic')).toMatch(
      /^espalier: .* is a folder without model\.safetensors: expected a file of weights or the folder of a run\n$/,
    )
  })

  it('takes its file and its data set once', async () => {
    const refused = async (...args: string[]) => (await espalier(['eval', ...args])).stderr
    expect(await refused('--data', 'mnist')).toBe(
      'espalier: eval needs a file of weights: expected the argument or --weights, found neither\n',
    )
    expect(await refused('a', '--weights', 'a', '--data', 'mnist')).toMatch(
      /^espalier: eval takes a file .*, found both\n$/,
    )
    expect(await refused('a')).toMatch(/^espalier: eval needs a data set or a folder: expected --dataset or --data, /)
    expect(await refused('a', '--data', 'a', '--dataset', 'a')).toMatch(
      /^espalier: eval takes a data set .*, found both\n$/,
    )
    const weights = join(temporaryFolder(), 'w.safetensors')
    writeSafetensors(weights, { tensors: new Map(), metadata: { model: 'mlpnet' } })
    expect(await refused(weights, '--data', 'synthetic', '--layout', 'nchw')).toBe(
      `espalier: --layout is for ONNX models, which ${weights} is not\n`,
    )
  })

  it('a file without preprocessing uses that of the data set, here a folder', async () => {
    const folder = temporaryFolder()
    const pixels = new Array(2 * 784).fill(0)
    writeMnist(folder, {
      'train-images-idx3-ubyte': idx([2, 28, 28], pixels),
      'train-labels-idx1-ubyte': idx([2], [0, 1]),
      't10k-images-idx3-ubyte': idx([2, 28, 28], pixels),
      't10k-labels-idx1-ubyte': idx([2], [0, 7]),
    })
    const weights = join(folder, 'w.safetensors')
    const zeros = (shape: number[]) => storeFloats(new Float32Array(shape[0] * shape[1]), shape)
    const shapes = { 'fc1.weight': [40, 784], 'fc2.weight': [20, 40], 'fc3.weight': [10, 20] }
    const tensors = new Map(Object.entries(shapes).map(([name, shape]) => [name, zeros(shape)]))
    writeSafetensors(weights, { tensors, metadata: {} })
    const text = await output('eval', '--model', 'mlpnet', '--weights', weights, '--dataset', folder)
    expect(text).toMatch(
      /mean 0\.1307 and std 0\.3081 \(guessed: the constants mnist, since a folder does not say its own; /,
    )
    // All logits are 0: class 0 wins, the loss is log 10; two classes count, of which one is right.
    expect(text).toMatch(
      /accuracy 50\.00 % \(1 of 2\), loss 2\.3026, sparsity 100\.00 % of the 32,360 weights of layers\ntop-5 50\.00 %, precision 25\.00 %, recall 50\.00 %, F1 33\.33 % \(means over classes\)\nwarning: mean and std of the inputs are guessed/,
    )
  })
})

it('the output can be cut short by another program', async () => {
  await compiled()
  const folder = temporaryFolder()
  const tensors = new Map(Array.from({ length: 5000 }, (_, i) => [`t${i}`, storeFloats(new Float32Array(4), [4])]))
  writeSafetensors(join(folder, 'many.safetensors'), { tensors, metadata: {} })
  const script = 'set -o pipefail; "$0" lib/cli.js inspect "$1" 2>"$2" | head -n 1'
  const stderr = join(folder, 'stderr')
  writeFileSync(stderr, '')
  const args = ['-c', script, process.execPath, join(folder, 'many.safetensors'), stderr]
  expect(execFileSync('bash', args, { cwd: root, encoding: 'utf8' })).toMatch(/^\| tensor .*\n$/)
  expect(readFileSync(stderr, 'utf8')).toBe('')
}, 120_000)

it.skipIf(sets.length === 0)('native: what is built already is named', async () => {
  const { code, stdout } = await espalier(['native'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^the native engine is built: native \w+, \d+ threads?$/m)
})
