/** @file Command lines of the published program of DSR, read as recipes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { readCommand } from '../../../src/experiment/dsr/read.ts'
import { wordsOf } from '../../../src/experiment/dsr/words.ts'
import { rateSchedule } from '../../../src/experiment/plan/times.ts'
import { type Recipe, readRecipe } from '../../../src/experiment/recipe/recipe.ts'
import { learningRate } from '../../../src/optim/schedule.ts'
import { UserError } from '../../../src/util/errors.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { jobLine, schedules, scheduleText, wideJobs, writeSchedules } from './files.ts'

const folder = mkdtempSync(join(tmpdir(), 'espalier-'))
writeSchedules(folder)
writeFileSync(join(folder, 'schedule.yaml'), scheduleText(schedules.wrnet_schedule))
afterAll(() => rmSync(folder, { recursive: true }))

const read = (line: string, ...changes: string[]) => readCommand(line, changes, { source: '--from', folders: [folder] })
const recipeOf = (options: string): Recipe => read(`python main.py ${options}`).recipe

const ofPackage = (name: string, ...changes: string[]) =>
  readRecipe(fileURLToPath(new URL(`../../../recipes/dynamic/${name}.yaml`, import.meta.url)), changes)

/** The rate of every tenth part of an epoch. */
function ratesOf(recipe: Recipe): number[] {
  const schedule = rateSchedule(recipe, 10)
  return Array.from({ length: schedule.total }, (_, step) => Number(learningRate(schedule, step).toPrecision(12)))
}

/** What two recipes of one experiment have in common, whatever they are called. */
const compared = ({ name: _, summary: __, about: ___, seed: ____, train, rewire, ...others }: Recipe) => {
  const { learningRate: _____, schedule, drops, factor, ...rest } = train
  return {
    ...others,
    train: rest,
    ...(rewire && { rewire: Object.entries(rewire).filter(([key]) => key !== 'faithful') }),
  }
}

it.each([
  [0, 'wrn-28-2-dense', []],
  [6, 'wrn-28-2-dsr', []],
  [11, 'wrn-28-2-static', ['prune.scope=layerwise']],
  [21, 'wrn-28-2-deepr', []],
  [26, 'wrn-28-2-set', ['prune.scope=layerwise']],
  [36, 'wrn-28-2-tied', []],
  [79, 'wrn-28-2-static-dsr-mask', ['model.masks=runs/cifar10_wideresnet_6/checkpoint.safetensors']],
] as const)('job %i is %s', (job, name, changes) => {
  const { recipe } = read(jobLine(job))
  const expected = ofPackage(name, ...changes)
  expect(compared(recipe)).toEqual(compared(expected))
  expect(ratesOf(recipe)).toEqual(ratesOf(expected))
  expect(recipe).toMatchObject({ name: `cifar10_wideresnet_${job}`, seed: job })
})

it('a dense network is pruned at the ends of epochs, the first of which has rate 0', () => {
  const { recipe, after } = read(jobLine(1))
  expect(after).toEqual(['cifar10_wideresnet_0'])
  expect(recipe.model.weights).toBe('runs/cifar10_wideresnet_0/model.safetensors')
  expect(recipe.model.masks).toBeUndefined()
  expect(recipe.train.epochs).toBe(48)
  expect(recipe.prune).toMatchObject({
    method: 'magnitude',
    schedule: 'cubic',
    sparsity: 0.9,
    start: '1ep',
    end: '39ep',
    every: '2ep',
  })
  const rates = ratesOf(recipe)
  expect([9, 10, 249, 250, 349, 350, 479].map((step) => rates[step])).toEqual([
    0, 0.02, 0.02, 0.004, 0.004, 0.0008, 0.0008,
  ])
})

it('the program defaults to its MNIST network', () => {
  expect(recipeOf('--epochs 3 --validate-set')).toMatchObject({
    name: 'mnist_mlp_0',
    model: { name: 'mnist-mlp-bn' },
    data: { name: 'mnist', augment: 'none', validation: 10_000 },
    train: { epochs: 3, batch: 100, momentum: 0.9, nesterov: true, weightDecay: 1e-4, l1: 0 },
    prune: { method: 'random', scope: 'layerwise', sparsity: 0.98, granularity: 'weight' },
  })
  expect(recipeOf('--no-batch-norm').model).toMatchObject({ name: 'lenet-300-100', init: 'he-normal-out' })
})

it('beyond 90 % the output layer of the MNIST network keeps 100 weights, and the total is what it would be', () => {
  const { prune } = recipeOf(
    '--prune --initial-sparsity-fc 0 --initial-sparsity-conv 0 --prune-target-sparsity-fc 0.99 --prune-iterations 10',
  )
  expect(prune).toMatchObject({
    schedule: 'exponential',
    start: '21ep',
    end: '39ep',
    sparsities: { 'fc3.weight': 0.9 },
  })
  expect((1 - prune!.sparsity) * 265_200 + 100).toBeCloseTo(0.01 * 266_200, 6)
})

describe('ways of moving weights', () => {
  const moved = (options: string) => recipeOf(`--rewire ${options}`).rewire
  it.each([
    ['', { method: 'set-magnitude', fraction: 0.1 }],
    ['--threshold-prune --rewire-scaling', { method: 'dsr', moves: 600 }],
    ['--threshold-prune', { method: 'dsr', moves: 600, reallocate: false }],
    ['--rewire-scaling --rewire-fraction .2', { method: 'set-magnitude', fraction: 0.2, reallocate: true }],
    ['--big-new-weights', { method: 'set-magnitude', newWeights: 'drawn' }],
  ])('--rewire %s', (options, expected) => {
    expect(moved(options)).toMatchObject({ faithful: true, end: '100ep', ...expected })
  })

  it('periods are those of the schedule, and end with --stop-rewire-epoch', () => {
    expect(moved('--stop-rewire-epoch 40')).toMatchObject({
      every: { '0ep': '100it', '25ep': '200it', '80ep': '400it', '140ep': '800it' },
      end: '40ep',
    })
  })

  it('--DeepR counts before --rewire does', () => {
    const { rewire } = recipeOf('--DeepR')
    expect(rewire).toMatchObject({ method: 'deepr', eta: 0.001, temperature: { '0ep': 1e-5, '25ep': 1e-8 } })
  })
})

it('any depth and width, runs of weights, penalties, and the dense tensors of ResNet-50', () => {
  const wide = '--model cifar10_WideResNet --layers 16 --widen-factor 4'
  expect(recipeOf(`${wide} --conv-group-lasso --L1-loss-coeff 1e-5 --no-augment`)).toMatchObject({
    model: { name: 'wrn-16', widen: 4 },
    data: { augment: 'none' },
    train: { l1: 0, groupLasso: 1e-5 },
    prune: { sparsity: 0.5, granularity: 'kernel', prunable: 'published' },
  })
  const resnet = '--model imagenet_resnet50 --widen-factor 1 --data /data/imagenet --sub-kernel-granularity 1'
  expect(recipeOf(`${resnet} --initial-sparsity-conv .8 --initial-sparsity-fc .9`)).toMatchObject({
    data: { name: '/data/imagenet', size: 256, crop: 224, augment: 'resized-crop' },
    prune: {
      sparsity: 0.8,
      sparsities: { linear: 0.9 },
      granularity: 'filter',
      exclude: ['conv1.weight', '*.downsample.*'],
    },
  })
  const { tie } = recipeOf(
    `${resnet} --tied --initial-sparsity-conv .9 --initial-sparsity-fc .9 --sub-kernel-granularity 0 --rescale-tied-gradient --sparse-resnet-downsample`,
  )
  expect(tie).toEqual({ sparsity: 0.9, granularity: 'kernel', rescale: true, exclude: ['conv1.weight'] })
})

it('a penalty of a dense network is that of the tensors that could be sparse', () => {
  const { prune, train } = recipeOf('--model cifar10_WideResNet --initial-sparsity-conv 0 --L1-loss-coeff 1e-4')
  expect([train.l1, prune?.sparsity, prune?.prunable]).toEqual([1e-4, 0, 'published'])
})

it('values as argparse takes them, --set beside them', () => {
  const line =
    "ENV=1 /usr/bin/python3 -u ./main.py --epoch=7 -b64 --lr .5 --nesterov False --wd 0 --name 'two words' --job 12"
  const { recipe } = read(line, 'train.epochs=8')
  expect(recipe).toMatchObject({ name: 'mnist_mlp_12', summary: 'two words', seed: 12 })
  expect(recipe.train).toMatchObject({ epochs: 8, batch: 64, nesterov: true, weightDecay: 0 })
  expect(recipeOf("--nesterov '' --start-epoch 2").train).toMatchObject({ nesterov: false, start: '2ep' })
})

it('initial weights of another job are those of its seed; weights that were trained are a file', () => {
  const begins = (options: string) => {
    const { recipe, after } = read(`python main.py --model cifar10_WideResNet ${options} --job-idx 81`)
    return [recipe.seed, recipe.model.weights, recipe.model.masks, after]
  }
  const masks = 'runs/cifar10_wideresnet_6/checkpoint.safetensors'
  const runs = './runs/cifar10_WideResNet_6'
  expect(begins(`--copy-mask-from ${runs}`)).toEqual([81, undefined, masks, ['cifar10_wideresnet_6']])
  expect(begins(`--copy-mask-from ${runs} --resume ${runs}_initial`)).toEqual([
    6,
    undefined,
    masks,
    ['cifar10_wideresnet_6'],
  ])
  expect(begins(`--resume ${runs}`)).toEqual([
    81,
    masks.replace('checkpoint', 'model'),
    masks,
    ['cifar10_wideresnet_6'],
  ])
  const file = join(folder, 'trained_7')
  writeFileSync(file, '')
  expect(begins(`--resume ${file} --prune`)).toEqual([81, file, undefined, []])
})

it('a path that a space has cut is read as one', () => {
  expect(recipeOf('--schedule-file ./learning_schedules/ wrnet_schedule.yaml --epochs 2').train.epochs).toBe(2)
})

it.each([
  ['python main.py --epoch', '--epochs: expected a whole number, found nothing'],
  ['python main.py --epochs 1.5', '--epochs: expected a whole number, found 1.5'],
  ['python main.py --rewire-fractions 0.1', 'unknown option --rewire-fractions (did you mean --rewire-fraction?)'],
  [
    'python main.py --prune-target .5',
    '--prune-target may be --prune-target-sparsity-fc, --prune-target-sparsity-conv',
  ],
  ['python main.py 200', 'expected an option, found 200'],
  ['python main.py --rewire=yes', '--rewire: expected no value, found yes'],
  ['python main.py --model vgg', '--model: expected mnist_mlp, cifar10_WideResNet, imagenet_resnet50, found vgg'],
  ['python main.py -h', '-h runs nothing'],
  ['python train.py --epochs 3', 'expected a line such as python main.py --model ..., found python train.py'],
  ["python main.py --name 'two", "expected a closing quote or a character after 'two"],
  [
    'python main.py --initial-sparsity-fc 1.5',
    'sparsity (--initial-sparsity-fc and -conv, or those of --prune): expected less than 1, found 1.5',
  ],
  ['python main.py --sub-kernel-granularity 5', '--sub-kernel-granularity: expected 1 to 4, or 0 with --tied, found 5'],
  ['python main.py --model cifar10_WideResNet --layers 29', '--layers: expected 6 n + 4, at least 10, found 29'],
  ['python main.py --model cifar10_WideResNet --DeepR', 'prune.granularity: expected weight with deepr, found kernel'],
  ['python main.py --rewire --initial-sparsity-fc 0', '--rewire: needs an --initial-sparsity-conv or -fc above 0'],
  ['python main.py --rewire --tied', '--rewire beside --tied'],
  ['python main.py --rewire --prune', '--rewire beside --prune'],
  ['python main.py --prune', '--prune: prunes a dense network, expected --resume'],
  [
    'python main.py --prune --resume runs/mnist_mlp_0 --post-prune-epochs 0',
    '--post-prune-epochs: expected at least 1',
  ],
  ['python main.py --rewire --resume runs/mnist_mlp_0', '--resume beside --rewire'],
  ['python main.py --copy-mask-from nothing', '--copy-mask-from: expected a file that is there or a run such as'],
  [
    'python main.py --resume runs/mnist_mlp_0_StopRewiringPoint_90',
    '--resume: no file of the point at which rewiring stopped',
  ],
  ['python main.py --momentum 0', 'train.nesterov: needs a train.momentum above 0, found 0'],
])('refused in a sentence that begins with what the line is called: %s', (line, message) => {
  expect(() => read(line)).toThrow(UserError)
  expect(() => read(line)).toThrow(`--from: ${message}`)
})

it.each([
  ['epoch 0', [{ 5: 0.1 }, { 0: 1 }, { 0: 1 }], 'lr_schedule: expected a value from epoch 0 on, found the first at 5'],
  ['a negative rate', [{ 0: -1 }, { 0: 1 }, { 0: 1 }], 'lr_schedule.0.0: expected at least 0, found -1'],
  ['a period of 0', [{ 0: 1 }, { 0: 0 }, { 0: 1 }], 'rewire_period_schedule.0.0: expected at least 1, found 0'],
] as const)('a schedule is refused for %s', (_, lists, message) => {
  const path = join(temporaryFolder(), 'schedule.yaml')
  writeFileSync(path, scheduleText(lists))
  const line = `python main.py --schedule-file ${path}`
  expect(() => read(line)).toThrow(UserError)
  expect(() => read(line)).toThrow(`${path}: ${message}`)
})

it.each([
  [
    'epochs out of order',
    'lr_schedule: [{ 0: 1 }, { 9: 1 }, { 3: 2 }]',
    'lr_schedule: expected epochs that ascend, found 3 after 9',
  ],
  [
    'two pairs',
    'lr_schedule: [{ 0: 1, 3: 2 }]',
    'lr_schedule: expected one pair of an epoch and a value in every item, found 0: 1, 3: 2',
  ],
  ['another key', 'lr_schedule: [{ 0: 1 }]\nlr: 3', 'unknown key lr'],
])('a schedule is refused for %s', (_, text, message) => {
  const path = join(temporaryFolder(), 'schedule.yaml')
  const rest = 'rewire_period_schedule: [{ 0: 1 }]\nDeepR_temperature_schedule: [{ 0: 0 }]'
  writeFileSync(path, `${text}\n${rest}\n`)
  expect(() => read(`python main.py --schedule-file ${path}`)).toThrow(`${path}: ${message}`)
})

it('a schedule that lacks a list, or is not there', () => {
  const path = join(temporaryFolder(), 'schedule.yaml')
  writeFileSync(path, 'lr_schedule: [{ 0: 1 }]\n')
  expect(() => read(`python main.py --schedule-file ${path}`)).toThrow(`${path}: rewire_period_schedule: expected`)
  expect(() => read('python main.py --schedule-file none.yaml')).toThrow('cannot read none.yaml')
})

it('words as a shell cuts them', () => {
  expect(wordsOf(String.raw`a  'b "c'd "e \" \x" f\ g ''`, '')).toEqual(['a', 'b "cd', String.raw`e " \x`, 'f g', ''])
})

it('every kind of job is a recipe', () => {
  for (const job of Object.keys(wideJobs)) expect(() => read(jobLine(Number(job)))).not.toThrow()
})
