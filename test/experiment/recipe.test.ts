import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readRecipe, recipeToYaml } from '../../src/experiment/recipe/recipe.ts'
import { readSweep } from '../../src/sweep/sweep-file.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { tiny, tinyRecipe, writeTiny } from './tiny.ts'

const readTiny = (...changes: string[]) => readRecipe(writeTiny(temporaryFolder()), changes)
const readText = (text: string | Uint8Array) => {
  const path = join(temporaryFolder(), 'r.yaml')
  writeFileSync(path, text)
  return readRecipe(path)
}

it('fills in every default', () => {
  const minimal = {
    name: 'x',
    model: { name: 'mlpnet' },
    data: { name: 'mnist' },
    train: { epochs: 1, learningRate: 0.1 },
  }
  expect(readText(JSON.stringify(minimal))).toEqual({
    name: 'x',
    summary: '',
    seed: 0,
    model: { name: 'mlpnet' },
    data: { name: 'mnist', augment: 'none', validation: 0, stratify: false },
    train: {
      epochs: 1,
      batch: 128,
      learningRate: 0.1,
      momentum: 0,
      nesterov: false,
      weightDecay: 0,
      l1: 0,
      schedule: 'constant',
      warmup: '0it',
      drops: [],
      factor: 0.1,
      kernels: 'auto',
    },
  })
})

it('what is pruned together, and where', () => {
  const { prune } = readTiny(
    'prune.granularity=2:4',
    'prune.floor=1%',
    'prune.prunable=reference',
    'prune.exclude=[fc3*]',
  )
  expect(prune).toMatchObject({ granularity: '2:4', floor: '1%', prunable: 'reference', exclude: ['fc3*'] })
  expect(tinyRecipe().prune).toMatchObject({ granularity: 'weight', onCollapse: 'warn' })
})

it('what is written as YAML is read as the same recipe', () => {
  const recipe = tinyRecipe()
  expect(readText(recipeToYaml(recipe))).toEqual(recipe)
  expect(parse(recipeToYaml(recipe)).prune).toMatchObject(tiny.prune)
})

it.each(
  readdirSync(new URL('../../recipes', import.meta.url), { recursive: true, encoding: 'utf8' }).filter((f) =>
    f.endsWith('.yaml'),
  ),
)('recipes/%s is valid', (file) => {
  const path = fileURLToPath(new URL(`../../recipes/${file}`, import.meta.url))
  const { summary } = file.endsWith('.sweep.yaml') ? readSweep(path) : readRecipe(path)
  expect(summary).toBeTruthy()
  for (const budget of Object.keys(parse(readFileSync(path, 'utf8')).budgets ?? {}))
    expect(readRecipe(path, [`budget=${budget}`])).not.toEqual(readRecipe(path))
})

it.each([
  ['jobs: [python main.py]', 'a list of command lines, which espalier sweep runs'],
  ['lr_schedule: [{ 0: 1 }]', 'a schedule file, which the --schedule-file of a command line names'],
])('%s is no recipe, and is said to be what it is', (text, what) => {
  const path = join(temporaryFolder(), 'list.yaml')
  writeFileSync(path, text)
  expect(() => readRecipe(path)).toThrow(UserError)
  expect(() => readRecipe(path)).toThrow(`${path}: expected a recipe, found ${what}`)
})

describe('--set', () => {
  it('changes, adds and removes values, in order', () => {
    const steps = (...changes: string[]) => readTiny('train.schedule=steps', ...changes)
    const recipe = steps('train.epochs=7', 'train.epochs=8', 'train.drops=[1ep, 20it]', 'seed=3', 'summary=a=b')
    expect(recipe.train).toMatchObject({ epochs: 8, drops: ['1ep', '20it'], learningRate: 0.05 })
    expect([recipe.seed, recipe.summary]).toEqual([3, 'a=b'])
    expect(steps('train.drops=[1ep]', 'train.drops.0=2ep').train.drops).toEqual(['2ep'])
  })

  it.each<[string, RegExp]>([
    ['data.mean=0.5', /data\.mean: expected a list of numbers, one per channel, or data, found 0\.5$/],
    ['data.std=[a, 1]', /data\.std: expected a list of numbers, one per channel, or data, found \["a", 1\]$/],
    ['data.std=[]', /data\.std: expected a list of numbers, one per channel, or data, found \[\]$/],
    [
      'data={name: mnist, mean: data, std: data, normalization: half}',
      /data\.normalization: expected none beside data\.mean and data\.std, which replace it$/,
    ],
    ['nonsense', /^--set: expected key\.path=value, found nonsense$/],
    ['=3', /^--set: expected key\.path=value, found =3$/],
    ['', /^--set: expected key\.path=value, found nothing$/],
    ['name.x=1', /^--set name.x=1: name.x leads into a value that has no keys$/],
    ['train.epochs=[1', /^--set train.epochs=\[1: not a YAML value: Flow sequence .* at line 1, column 3$/],
    ['train.epochs=*a', /^--set train.epochs=\*a: not a YAML value: Unresolved alias/],
    ['__proto__.x=1', /unknown key __proto__ \(known: name, /],
    ['train.__proto__.x=1', /unknown key train\.__proto__ \(known: epochs, /],
    ['constructor.prototype.x=1', /unknown key constructor \(known: name, /],
    ['..=1', /unknown key {2}\(known: name, /],
  ])('%s', (change, message) => {
    expect(() => readTiny(change)).toThrow(UserError)
    expect(() => readTiny(change)).toThrow(message)
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })
})

it.each<[string, string]>([
  ['train.epocs=1', 'unknown key train.epocs (did you mean epochs?)'],
  ['train={"epoch":3,"learningRate":1}', 'unknown key train.epoch (did you mean epochs?)'],
  ['train={"epoch":3,"learningRat":1}', 'unknown key train.epoch (did you mean epochs?)'],
  ['train={"colour":3,"learningRate":1}', 'train.epochs: expected a value of type number, found nothing'],
  ['trian={}', 'unknown key trian (did you mean train?)'],
  ['prune.sparsty=0.5', 'unknown key prune.sparsty (did you mean sparsity?)'],
  ['model.nme=x', 'unknown key model.nme (did you mean name?)'],
  ['name=Tiny/..', 'name: expected lower-case letters, digits, dots and dashes, found "Tiny/.."'],
  ['name=..', 'name: expected lower-case letters, digits, dots and dashes, found ".."'],
  ['seed=-1', 'seed: expected at least 0, found -1'],
  ['seed=1.5', 'seed: expected a whole number, found 1.5'],
  ['seed=x', 'seed: expected a value of type number, found "x"'],
  ['model.name=mlpnett', 'model.name: found mlpnett (did you mean mlpnet?)'],
  ['model.name=3', 'model.name: expected a value of type string, found 3'],
  [
    'model.init=zeros',
    'model.init: found zeros (known: uniform, xavier-uniform, xavier-normal, he-normal, he-normal-out)',
  ],
  ['model=mlpnet', 'model: expected a value of type object, found "mlpnet"'],
  ['train=[1]', 'train: expected a value of type object, found a list'],
  ['data.validation=-5', 'data.validation: expected at least 0, found -5'],
  ['data.stratify=5', 'data.stratify: expected a value of type boolean, found 5'],
  ['data={name: synthetic, stratify: true}', 'data.stratify: needs a data.validation above 0, found 0'],
  ['train.epochs=-1', 'train.epochs: expected at least 0, found -1'],
  ['train.epochs=two', 'train.epochs: expected a value of type number, found "two"'],
  ['train.batch=0', 'train.batch: expected at least 1, found 0'],
  ['train.learningRate=0', 'train.learningRate: expected more than 0, found 0'],
  [
    'train.learningRate={0ep: -1}',
    'train.learningRate: expected rates of at least 0 by times such as 4ep, found -1 at 0ep',
  ],
  [
    'train.learningRate={"0": 1}',
    'train.learningRate: expected rates of at least 0 by times such as 4ep, found 1 at 0',
  ],
  ['train.learningRate=[1]', 'train.learningRate: expected a value of type number, found a list'],
  ['train.learningRate=.inf', 'train.learningRate: expected a value of type number, found Infinity'],
  ['train.learningRate=.nan', 'train.learningRate: expected a value of type number, found NaN'],
  ['train.learningRate=', 'train.learningRate: expected a value of type number, found null'],
  ['train.momentum=1', 'train.momentum: expected less than 1, found 1'],
  ['train.momentum=0', 'train.nesterov: needs a train.momentum above 0, found 0'],
  ['train.nesterov=yes', 'train.nesterov: expected a value of type boolean, found "yes"'],
  ['train.schedule=step', 'train.schedule: expected one of constant, steps, cosine, found "step"'],
  ['train.warmup=3', 'train.warmup: expected a duration such as 4ep or 500it, found 3'],
  ['train.warmup=3 epochs', 'train.warmup: expected a duration such as 4ep or 500it, found "3 epochs"'],
  ['train.drops=[1ep, x]', 'train.drops.1: expected a duration such as 4ep or 500it, found "x"'],
  ['prune.sparsity=1.5', 'prune.sparsity: expected less than 1, found 1.5'],
  ['prune.sparsity=1', 'prune.sparsity: expected less than 1, found 1'],
  ['prune.sparsity=-0.1', 'prune.sparsity: expected at least 0, found -0.1'],
  ['prune.method=magntude', 'prune.method: found magntude (did you mean magnitude?)'],
  ['prune.scope=toString', 'prune.scope: found toString (known: global, layerwise, uniform, erk)'],
  ['prune.scoring={samples: 9}', 'prune.scoring.samples: magnitude has no use for it, expected no such setting'],
  [
    'prune={method: snip, sparsity: 0.5, scoring: {rounds: 2}}',
    'prune.scoring.rounds: snip has no use for it, expected no such setting',
  ],
  [
    'prune={method: fts, sparsity: 0.5, scoring: {batchNorm: train}}',
    'prune.scoring.batchNorm: train normalizes a mini-batch by its own statistics, expected a miniBatch of at least 2, found 1',
  ],
  [
    'prune={method: fts, sparsity: 0.5, scoring: {samples: some}}',
    'prune.scoring.samples: expected a whole number of at least 1, or all, found "some"',
  ],
  [
    'prune={method: fts, sparsity: 0.5, scoring: {batchNorm: trian}}',
    'prune.scoring.batchNorm: found trian (did you mean train?)',
  ],
  [
    'prune={method: obd, sparsity: 0.5, scoring: {samples: 5}}',
    'prune.scoring: obd has no use for it, expected prune.secondOrder or nothing',
  ],
  [
    'prune.granularity=3:2',
    'prune.granularity: expected weight, N:M, N:M-channels, BxB, block8, channel, row, kernel, filter, fan-in such as 2:4 or 4x4, found 3:2',
  ],
  [
    'prune.granularity=4x2',
    'prune.granularity: expected weight, N:M, N:M-channels, BxB, block8, channel, row, kernel, filter, fan-in such as 2:4 or 4x4, found 4x2',
  ],
  ['prune.prunable=most', 'prune.prunable: expected one of all, published, reference, found "most"'],
  ['prune.floor=1.5', 'prune.floor: expected weights such as 16 or a share such as 1%, found 1.5'],
  ['prune.floor=101%', 'prune.floor: expected weights such as 16 or a share such as 1%, found "101%"'],
  ['prune.onCollapse=stop', 'prune.onCollapse: expected one of warn, floor, error, found "stop"'],
  [
    'prune={method: cbs-select, sparsity: 0.5, secondOrder: {damp: 0.1}}',
    'prune.secondOrder.damp: cbs-select has no use for it, expected no such setting',
  ],
  [
    'prune={method: sparsegpt, sparsity: 0.5, scope: uniform}',
    'prune.scope: expected global or layerwise or erk for sparsegpt, found uniform',
  ],
  ['prune={method: obd, sparsity: 0.5, granularity: channel}', 'prune.granularity: obd prunes single weights only'],
  ['prune={method: obd, sparsity: 0.5, floor: 1%}', 'prune.floor: obd knows no floor'],
  [
    'prune={method: obd, sparsity: 0.5, onCollapse: floor}',
    'prune.onCollapse: expected warn or error with obd, which knows no floor',
  ],
  [
    'prune={method: random, sparsity: 0.5, initial: 0.2}',
    'prune.initial: expected prune.schedule cubic beside it, found one-shot',
  ],
  [
    'prune={method: random, sparsity: 0.5, schedule: cubic, end: 3ep, initial: 0.6}',
    'prune.initial: expected at most the final prune.sparsity 0.5, found 0.6',
  ],
  ['prune={method: random, sparsity: 0.5, schedule: cubic}', 'prune.end: the schedule cubic needs it, such as 10ep'],
])('%s', (change, message) => {
  const path = writeTiny(temporaryFolder())
  expect(() => readRecipe(path, [change])).toThrow(new UserError(`${path}: ${message}`))
})

it('a missing value is named', () => {
  const path = writeTiny(temporaryFolder(), { train: { epochs: 1 } })
  expect(() => readRecipe(path)).toThrow(
    new UserError(`${path}: train.learningRate: expected a value of type number, found nothing`),
  )
})

it.each<[string, string | Uint8Array, RegExp]>([
  ['an empty file', '', /r\.yaml: recipe: expected a value of type object, found null$/],
  ['text', 'hello', /r\.yaml: recipe: expected a value of type object, found "hello"$/],
  ['a list', '- a', /r\.yaml: recipe: expected a value of type object, found a list$/],
  ['two documents', 'a: 1\n---\nb: 1', /r\.yaml is not valid YAML: .*multiple documents/],
  ['an open bracket', 'a: [1', /r\.yaml is not valid YAML: Flow sequence .* at line 1, column 6$/],
  ['a key twice', 'name: a\nname: b', /r\.yaml is not valid YAML: Map keys must be unique at line 2, column 1$/],
  ['an alias of nothing', 'name: *a', /r\.yaml is not valid YAML: Unresolved alias/],
  ['a list that holds itself', 'name: &a [*a]', /r\.yaml: name: expected a value of type string, found a list$/],
  ['binary', Uint8Array.of(0, 1, 2, 255, 254), /r\.yaml/],
])('%s is refused', (_, text, message) => {
  expect(() => readText(text)).toThrow(UserError)
  expect(() => readText(text)).toThrow(message)
  expect(() => readText(text)).toThrow(/^[^\n]+$/)
})

it('aliases that multiply without end are refused', () => {
  const bomb = [
    'a: &a [x, x]',
    ...'bcdefghijklm'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefghijkl'[i]}, `.repeat(9)}]`),
  ]
  expect(() => readText(bomb.join('\n'))).toThrow(/r\.yaml is not valid YAML: Excessive alias count/)
})

it('a file that is not there', () => {
  const path = join(temporaryFolder(), 'r.yaml')
  expect(() => readRecipe(path)).toThrow(new UserError(`cannot read ${path}: there is no such file or folder`))
})
