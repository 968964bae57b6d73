/**
 * @file The scripts of GSM's code, as docs/methods.md says what they are here: every command of its table,
 * in its order, on a few images and with as few epochs as there are stages; and recipes with the settings
 * of the code.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { recipePath } from '../../src/cli/flags/recipe-file.ts'
import { readRecipe } from '../../src/experiment/recipe/recipe.ts'
import { writeCifar10 } from '../data/cifar-files.ts'
import { idx, writeMnist } from '../data/idx-files.ts'
import { rows } from '../support/breadth.ts'
import { espalier, root } from './cli.ts'

const methods = readFileSync(join(root, 'docs/methods.md'), 'utf8')
const table = methods.slice(methods.indexOf('### The scripts of the code of GSM'), methods.indexOf('## Sign-In'))
const commands = [...table.matchAll(/^\| .* \| `espalier ([^`]+)` \|$/gm)].map(([, command]) => command)

let folder: string
let env: Record<string, string>
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  const data = join(folder, 'data')
  writeCifar10(join(data, 'cifar10'))
  mkdirSync(join(data, 'mnist'))
  const pixels = Array.from({ length: 10 * 784 }, (_, i) => (i * 37) % 256)
  const labels = Array.from({ length: 10 }, (_, i) => i)
  writeMnist(join(data, 'mnist'), {
    'train-images-idx3-ubyte': idx([10, 28, 28], pixels),
    'train-labels-idx1-ubyte': idx([10], labels),
    't10k-images-idx3-ubyte': idx([10, 28, 28], pixels),
    't10k-labels-idx1-ubyte': idx([10], labels),
  })
  env = { ESPALIER_DATA: data, ESPALIER_CACHE: join(folder, 'cache') }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Changes that leave the stages of a recipe and little of their length. */
function shortened(name: string): string[] {
  if (/recipe\.yaml$/.test(name)) return []
  const recipe = readRecipe(recipePath(name, 'recipe'))
  const short = { 'train.epochs': 1, 'train.batch': 5, 'train.warmup': '0it', 'train.drops': '[1it]' }
  const gsm = recipe.ticket && { 'ticket.gsm.epochs': 1, 'ticket.gsm.drops': '[1it]' }
  return Object.entries({ ...short, ...gsm }).flatMap(([key, value]) => ['--set', `${key}=${value}`])
}

it('the table has the scripts', () => {
  expect(commands.length).toBe(17)
})

/** LeNet-5 goes as LeNet-300-100 does, and a base as what its weights come from. */
const daily = rows(commands, (command) => !/lenet-5|from-base/.test(command))

it.each(daily)('espalier %s', { timeout: 60_000 }, async (command) => {
  const words = command.split(' ')
  const length = words[0] === 'run' ? shortened(words[1]) : []
  // As if it had been ended while its last part went on.
  if (words.includes('--resume'))
    for (const part of ['gsm', 'report.md']) rmSync(join(folder, 'runs/rc56', part), { recursive: true })
  const { code, stdout, stderr } = await espalier([...words, ...length], { cwd: folder, env })
  expect([code, stderr.replace(/^((note|warning): |\d+ s left, ).*\n/gm, '')], stdout + stderr).toEqual([0, ''])
  if (words[0] === 'inspect') expect(stdout).toMatch(/851,504 .* 85,150 /)
  if (words[0] === 'eval') expect(stdout).toMatch(/, sparsity 90\.00 % of the 851,504 weights of layers/)
  if (words.includes('runs/lenet300/gsm-ticket')) expect(stdout).toMatch(/gsm-ticket .*\n.* magnitude-ticket/)
})

it.each([
  ['gsm/lenet-300-100-60x', 'lenet-300-100', 60],
  ['gsm/lenet-5-125x', 'lenet-5', 125],
  ['gsm/lenet-5-300x', 'lenet-5', 300],
])('%s has the settings of the code, and no more', (name, model, ratio) => {
  const recipe = readRecipe(recipePath(name, 'recipe'))
  expect(recipe.model).toEqual({ name: model, init: 'xavier-uniform' })
  const base = { batch: 256, epochs: 200, learningRate: 0.03, momentum: 0.9, nesterov: false, weightDecay: 5e-4 }
  const steps = { schedule: 'steps', factor: 0.1, warmup: '5ep', drops: ['40ep', '80ep', '120ep', '160ep'] }
  expect(recipe.train).toMatchObject({ ...base, ...steps, biasDecay: 0 })
  const gsm = { epochs: 280, learningRate: 0.01, momentum: 0.99, nesterov: true, drops: ['160ep', '200ep', '240ep'] }
  expect(recipe.ticket).toMatchObject({ ratio, masks: ['gsm', 'magnitude'], controls: [], rewind: '0it' })
  expect(recipe.ticket!.gsm).toEqual(gsm)
  // The departure has recipes of its own.
  const departure = readRecipe(recipePath(`${name}-freeze`, 'recipe'))
  expect(departure.ticket!.gsm).toMatchObject({ freeze: '120ep' })
  expect(departure.train).toEqual(recipe.train)
})

it('ResNet-56 has the settings of the code, with tickets, without, and from a base', () => {
  const [pruning, tickets, fromBase] = ['pruning', '', 'from-base'].map((end) =>
    readRecipe(recipePath(`gsm/resnet56-10x${end && `-${end}`}`, 'recipe')),
  )
  const base = { batch: 64, epochs: 500, learningRate: 0.1, momentum: 0.9, nesterov: false, weightDecay: 1e-4 }
  const steps = { schedule: 'steps', factor: 0.1, warmup: '5ep', drops: ['100ep', '200ep', '300ep', '400ep'] }
  expect(pruning.train).toMatchObject({ ...base, ...steps, biasDecay: 0 })
  expect(pruning.data).toMatchObject({ name: 'cifar10', normalization: 'half', augment: 'cifar', validation: 0 })
  const gsm = { epochs: 600, learningRate: 0.005, momentum: 0.98, drops: ['400ep', '500ep'] }
  expect(pruning.ticket).toMatchObject({ ratio: 10, masks: ['gsm'], retrain: false, gsm })
  expect(tickets).toMatchObject({ train: pruning.train, data: pruning.data, ticket: { ratio: 10, gsm } })
  expect(fromBase.train).toMatchObject({ ...base, ...gsm, warmup: '5ep', gsm: { ratio: 10 } })
  expect(fromBase.data).toEqual(pruning.data)
})
