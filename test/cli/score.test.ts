/** @file Anybody's weights, scored as a row of the ledger is: same data, same preprocessing, exact counts. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { readSafetensors, storeFloats, toFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { standingOf } from '../../src/ledger/standing.ts'
import { findModel } from '../../src/models/index.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { Network } from '../../src/train/network.ts'
import { machine } from '../train/small.ts'
import { espalier, jsonLines } from './cli.ts'
import { temporaryFolder } from './temporary.ts'

const LAYERS = ['fc1.weight', 'fc2.weight', 'fc3.weight']
let folder: string
const at = (name: string) => join(folder, name)
const score = (...args: string[]) => espalier(['verify', ...args])
const NOTHING = ['--method', 'random weights', '--by', 'Ada']

/** A random MLPNet of which `kept` weights are not zero. */
function writeWeights(name: string, kept: number): string {
  const file = weightsOf(new Network({ machine, model: findModel('mlpnet'), data: synthetic(), batch: 100 }))
  let left = kept
  for (const layer of LAYERS) {
    const stored = file.tensors.get(layer)!
    const values = toFloats(stored).map((value) => (value !== 0 && left-- > 0 ? value : 0))
    file.tensors.set(layer, storeFloats(values, stored.shape))
  }
  writeSafetensors(at(name), file)
  return at(name)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  writeWeights('fits.safetensors', 3236)
  writeWeights('more.safetensors', 3237)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('a row names network, data and count', () => {
  expect(standingOf('mlpnet-mnist-98')).toMatchObject({ network: 'mlpnet', sparsity: 0.98, kept: 647 })
  expect(standingOf('mlpnet-mnist-97.5').kept).toBe(809)
  const { layers, data } = standingOf('resnet20-cifar10-80')
  expect(layers.reduce((sum, { size }) => sum + size, 0)).toBe(267_264)
  expect(data).toMatchObject({ name: 'cifar10', mean: [0.5, 0.5, 0.5] })
})

it.each(['mlpnet', 'mlpnet-mnist', 'mlpnet-mnist-', 'mlpnet-mnist-100', 'mlpnet-mnist--1', 'mlpnet-mnist-9e1', 'x-50'])(
  'there is no row %s',
  (row) => {
    expect(() => standingOf(row)).toThrow(
      `--row: expected mlpnet-mnist or resnet20-cifar10 and a sparsity in percent, such as mlpnet-mnist-98, found ${row}`,
    )
  },
)

it('weights are judged as eval judges them, and stand in the ledger apart from what was pruned here', async () => {
  const ledger = join(temporaryFolder(), 'ledger')
  const { code, stdout, stderr } = await score(
    at('fits.safetensors'),
    '--row',
    'mlpnet-mnist-90',
    '--add',
    ledger,
    ...NOTHING,
  )
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/counts: 3,236 of 32,360 weights are left, the row has 3,236\n/)
  const mnist = ['--data', 'mnist', '--mean', '0.1307', '--std', '0.3081', '--json']
  const [evaluated] = jsonLines((await espalier(['eval', at('fits.safetensors'), ...mnist])).stdout)
  const percent = (Number(evaluated.correct) / 100).toFixed(2)
  expect(stdout).toContain(`accuracy: ${percent} % are right on the test set of mnist\n`)
  expect(readdirSync(ledger)).toEqual([expect.stringMatching(/^mlpnet-mnist-90-Ada-[0-9a-f]{8}\.score\.json$/)])
  const page = (await espalier(['ledger', ledger])).stdout
  const [, scored] = page.split('### Scored')
  expect(scored).toMatch(/nobody has done it again\. Of each network\n32,360 weights can be pruned\./)
  expect(/^\| 90 % .*$/m.exec(scored)![0]).toMatch(
    new RegExp(String.raw`^\| 90 % +\| random weights \(Ada\) \| +${percent.replace('.', String.raw`\.`)} \| 3,236 \|`),
  )
})

it('one weight more is not of the row: exit status 1, and nothing is added', async () => {
  const ledger = join(temporaryFolder(), 'ledger')
  const { code, stdout } = await score(at('more.safetensors'), '--row', 'mlpnet-mnist-90', '--add', ledger, ...NOTHING)
  expect(stdout).toMatch(/counts: WRONG: 3,237 of 32,360 weights are left, the row has 3,236/)
  expect(code).toBe(1)
  expect(existsSync(ledger)).toBe(false)
  const [told] = jsonLines((await score(at('more.safetensors'), '--row', 'mlpnet-mnist-90', '--json')).stdout)
  expect(told).toMatchObject({ kept: 3237, allowed: 3236, fits: false, size: 32_360 })
})

it('weights that are not finite are not scored, and no score is written over', async () => {
  const file = readSafetensors(at('fits.safetensors'))
  const values = toFloats(file.tensors.get('fc2.weight')!)
  values[3] = Number.NaN
  file.tensors.set('fc2.weight', storeFloats(values, [20, 40]))
  writeSafetensors(at('nan.safetensors'), file)
  const { code, stderr } = await score(at('nan.safetensors'), '--row', 'mlpnet-mnist-0')
  expect([code, stderr]).toEqual([
    1,
    `espalier: ${at('nan.safetensors')}: tensor fc2.weight holds NaN at index 3, expected finite values\n`,
  ])
  const ledger = join(temporaryFolder(), 'ledger')
  const flags = ['--row', 'mlpnet-mnist-90', '--add', ledger, '--by', 'Ada', '--method']
  await score(at('fits.safetensors'), ...flags, 'one story')
  const again = await score(at('fits.safetensors'), ...flags, 'another story')
  expect(again.stderr).toMatch(/exists already, a score of these weights by Ada/)
  expect(readFileSync(join(ledger, readdirSync(ledger)[0]), 'utf8')).toContain('one story')
})

it('a score that was changed afterwards is refused', async () => {
  const ledger = join(temporaryFolder(), 'ledger')
  await score(at('fits.safetensors'), '--row', 'mlpnet-mnist-90', '--add', ledger, ...NOTHING)
  const path = join(ledger, readdirSync(ledger)[0])
  const changed = JSON.parse(readFileSync(path, 'utf8')) as { final: { correct: number } }
  changed.final.correct += 1000
  writeFileSync(path, JSON.stringify(changed))
  expect((await espalier(['ledger', ledger])).stderr).toMatch(/was changed after it was written/)
})

it.each<[string, string[], RegExp]>([
  ['other data', ['--row', 'mlpnet-mnist-90', '--data', 'synthetic'], /synthetic holds other images or labels/],
  ['another network', ['--row', 'resnet20-cifar10-90'], /fits\.safetensors/],
  ['no row', ['--method', 'x'], /^espalier: --method goes with --row/],
  ['a checkpoint', ['--row', 'mlpnet-mnist-90', '--checkpoint', 'x'], /--checkpoint is for records/],
  [
    'a tolerance',
    ['--row', 'mlpnet-mnist-90', '--tolerance', '1'],
    /--tolerance is for records and runs: --row compares/,
  ],
  ['no author', ['--row', 'mlpnet-mnist-90', '--add', 'x', '--method', 'y'], /--add and --by go together/],
  ['no method', ['--row', 'mlpnet-mnist-90', '--add', 'x', '--by', 'y'], /--add with --row needs --method/],
  ['a method of nothing', ['--row', 'mlpnet-mnist-90', '--method', 'y'], /--method goes with --add/],
  ['a table in the method', ['--row', 'mlpnet-mnist-90', '--method', 'a | b'], /--method: expected at most 80 letters/],
])('%s is one sentence', async (_, flags, message) => {
  const { code, stderr } = await score(at('fits.safetensors'), ...flags)
  expect(stderr).toMatch(message)
  expect(stderr.trim().split('\n')).toHaveLength(1)
  expect(code).toBe(1)
})
