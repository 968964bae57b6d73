/** @file Configurations of the code of arXiv 2502.11450, read as recipes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { readRecipe } from '../../src/experiment/recipe/recipe.ts'
import { readSweep } from '../../src/sweep/sweep-file.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'

/** A fresh copy of a configuration with the values of those that the code ships. */
const shipped = () => ({
  general: {
    id: 'exp_Magnitude 1',
    description: 'magnitude',
    gpu: { ngpus: 1, gpu_id: 0 },
    experiment: 'pbt',
    seed: 0,
    output_dir: './outputs',
  },
  dataset: { class: 'cifar10', batch_size: 512 },
  model: { class: 'resnet18', num_classes: 10 },
  training: {
    num_steps: 160,
    criterion: { class: 'CE' },
    optimizer: {
      class: 'sgd',
      learning_rate: 0.01,
      momentum: 0.9,
      w_decay: 5e-4,
      lr_drops: [60, 120],
      lr_drop_factor: 0.2,
    },
    compressor: { class: 'magnitude', mask: 'global', sparsity: 0.9, warmup: 0, batch_size: 1 },
  },
  validation: { metric: 'acc', frequency: 1 },
})

type Config = ReturnType<typeof shipped>

function read(change: (config: Config) => void = () => {}, changes: string[] = []) {
  const config = shipped()
  change(config)
  const path = join(temporaryFolder(), 'config.json')
  writeFileSync(path, JSON.stringify(config))
  return { path, recipe: () => readRecipe(path, changes) }
}

it('is the recipe of this project for the same experiment', () => {
  const { about: _, ...expected } = readRecipe(
    fileURLToPath(new URL('../../recipes/at-init/resnet18-cifar10.yaml', import.meta.url)),
    ['model.classes=10', 'prune.start=0ep'],
  )
  const { recipe } = read()
  expect(recipe()).toEqual({ ...expected, name: 'exp_magnitude-1', summary: 'magnitude' })
})

it('a criterion of gradients is the run of the published sweep', () => {
  const path = fileURLToPath(new URL('../../recipes/at-init/resnet18-cifar10.sweep.yaml', import.meta.url))
  const cell = readSweep(path, ['model.classes=10', 'prune.start=0ep', 'prune.scoring.miniBatch=1']).cells.find(
    ({ name }) => name === 'fts-0.9-42',
  )!
  const { about: _, ...expected } = cell.recipe
  const { recipe } = read((config) => {
    Object.assign(config.training.compressor, { class: 'fts' })
    Object.assign(config.general, { seed: 42 })
  })
  expect(recipe()).toEqual({ ...expected, name: 'exp_magnitude-1', summary: 'magnitude' })
})

it('networks, layers, warm-up, no compressor, --set', () => {
  const change = (config: Config) => {
    config.model = { class: 'VGG19', num_classes: 100 }
    config.dataset.class = 'cifar100'
    Object.assign(config.training.compressor, { class: 'random', mask: 'layer', warmup: 1 })
  }
  expect(read(change, ['train.epochs=3', 'seed=42']).recipe()).toMatchObject({
    seed: 42,
    model: { name: 'vgg19', classes: 100 },
    data: { name: 'cifar100', normalization: 'cifar10' },
    train: { epochs: 3 },
    prune: { method: 'random', scope: 'layerwise', start: '1ep', prunable: 'reference' },
  })
  const dense = read((config) => Object.assign(config.training.compressor, { class: 'none', sparsity: 0 }))
  expect(dense.recipe().prune).toBeUndefined()
})

it.each([
  [1, 1],
  [64, 64],
  [10_000, 4096],
])('gradients of all 40,000 training samples, in mini-batches of %i', (batch_size, miniBatch) => {
  const { recipe } = read((config) => {
    Object.assign(config.training.compressor, { class: 'fts', batch_size })
  })
  expect(recipe().prune).toMatchObject({ method: 'fts', scoring: { samples: 40_000, miniBatch } })
})

it('the best epoch by their metric, validated as often', () => {
  const evaluated = (validation: object) => {
    const { train, validation: found, data } = read((config) => Object.assign(config.validation, validation)).recipe()
    return [train.keep, found, data.validation]
  }
  expect(evaluated({})).toEqual(['best', undefined, 10_000])
  expect(evaluated({ metric: 'f1', frequency: 5 })).toEqual(['best', { metric: 'f1', every: 5 }, 10_000])
  expect(evaluated({ frequency: 2 })).toEqual(['best', { every: 2 }, 10_000])
})

it.each<[string, (config: Config) => void, string]>([
  [
    'an unknown key',
    (config) => Object.assign(config.training.compressor, { sparsty: 0.5 }),
    'unknown key training.compressor.sparsty (did you mean sparsity?)',
  ],
  [
    'a missing key',
    (config) => Reflect.deleteProperty(config.training, 'num_steps'),
    'training.num_steps: expected a value of type number, found nothing',
  ],
  [
    'a network that is not here',
    (config) => Object.assign(config.model, { class: 'resnet20' }),
    'model.class: expected one of resnet18, resnet34, resnet50, resnet101, resnet152, VGG11, VGG13, VGG16, VGG19, CNN500k, found "resnet20"',
  ],
  [
    'no batches of gradients',
    (config) => Object.assign(config.training.compressor, { batch_size: 0 }),
    'training.compressor.batch_size: expected at least 1, found 0',
  ],
  [
    'another metric',
    (config) => Object.assign(config.validation, { metric: 'precision' }),
    'validation.metric: expected one of acc, f1, found "precision"',
  ],
])('%s', (_, change, message) => {
  const { path, recipe } = read(change)
  expect(recipe).toThrow(new UserError(`${path}: ${message}`))
})

it.each<[string, (config: Config) => void, string[], string]>([
  [
    'a rate that drops backwards',
    (config) => Object.assign(config.training.optimizer, { lr_drops: [120, 60] }),
    [],
    'training.optimizer.lr_drops: expected times that ascend, found 60ep after 120ep',
  ],
  [
    'the same where a change has set it',
    () => {},
    ['train.drops=[3ep, 2ep]'],
    'train.drops: expected times that ascend, found 2ep after 3ep',
  ],
  [
    'no epochs and nothing to prune',
    (config) => {
      config.training.num_steps = 0
      config.training.compressor.class = 'none'
    },
    [],
    'training.num_steps: 0 epochs need a prune section',
  ],
])('errors of the recipe name their keys: %s', (_, change, changes, message) => {
  const { path, recipe } = read(change, changes)
  expect(recipe).toThrow(new UserError(`${path}: ${message}`))
})
