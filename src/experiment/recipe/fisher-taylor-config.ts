/**
 * @file The JSON configurations of the code of arXiv 2502.11450 v1 (Fisher-Taylor Sensitivity), read as
 * recipes. Keys and their meaning are theirs; all are required. Of no effect here: `general.gpu` and
 * `general.output_dir` (see --out). 10,000 training samples are held out as theirs are, the same number of
 * every class, but chosen by the run's seed; the weights that do best on them are tested (here only from when
 * the network is pruned); all others are scored, as there, but as they are, without crops and flips.
 */
import { z } from 'zod'
import { type SaliencyName, saliencyOf } from '../../methods/saliency/index.ts'
import { checkSchema } from '../../util/check-schema.ts'
import type { TypedKeys } from './typed-keys.ts'

const whole = z.int().min(0)

/** Their names of networks and criteria, and those here. */
const networks = {
  resnet18: 'resnet18',
  resnet34: 'resnet34',
  resnet50: 'resnet50-cifar',
  resnet101: 'resnet101-cifar',
  resnet152: 'resnet152-cifar',
  VGG11: 'vgg11',
  VGG13: 'vgg13',
  VGG16: 'vgg16',
  VGG19: 'vgg19',
  CNN500k: 'cnn500k',
} as const
const criteria = {
  none: undefined,
  random: 'random',
  magnitude: 'magnitude',
  grad_norm: 'grad-norm',
  snip: 'snip',
  // Their GraSP keeps what the original removes first.
  grasp: 'grasp-ref',
  fisher_diag: 'fisher-diagonal',
  fisher_pruner: 'fisher-pruner',
  fts: 'fts',
  fbss: 'fbss',
} as const
/**
 * Training samples of both data sets, those that are held out, and the largest mini-batch of theirs that
 * scores are made of.
 */
const [SAMPLES, HELD_OUT, MOST] = [50_000, 10_000, 4096]
const keysOf = <T extends object>(known: T) => Object.keys(known) as (keyof T & string)[]

const configSchema = z.strictObject({
  general: z.strictObject({
    id: z.string(),
    description: z.string(),
    gpu: z.strictObject({ ngpus: z.unknown(), gpu_id: z.unknown() }),
    experiment: z.literal('pbt'),
    seed: whole,
    output_dir: z.string(),
  }),
  dataset: z.strictObject({ class: z.enum(['cifar10', 'cifar100']), batch_size: z.int().min(1) }),
  model: z.strictObject({ class: z.enum(keysOf(networks)), num_classes: z.int().min(1) }),
  training: z.strictObject({
    num_steps: whole,
    criterion: z.strictObject({ class: z.literal('CE') }),
    optimizer: z.strictObject({
      class: z.literal('sgd'),
      learning_rate: z.number().positive(),
      momentum: z.number().min(0).lt(1),
      w_decay: z.number().min(0),
      lr_drops: z.array(whole),
      lr_drop_factor: z.number().positive().lt(1),
    }),
    compressor: z.strictObject({
      class: z.enum(keysOf(criteria)),
      mask: z.enum(['global', 'layer']),
      sparsity: z.number().min(0).lt(1),
      warmup: whole,
      batch_size: z.int().min(1),
    }),
  }),
  validation: z.strictObject({ metric: z.enum(['acc', 'f1']), frequency: z.int().min(1) }),
})

/** Their keys, by those of the recipe that they become. */
export const CONFIG_KEYS: TypedKeys = {
  name: 'general.id',
  summary: 'general.description',
  seed: 'general.seed',
  'model.name': 'model.class',
  'model.classes': 'model.num_classes',
  'data.name': 'dataset.class',
  'train.epochs': 'training.num_steps',
  'train.batch': 'dataset.batch_size',
  'train.learningRate': 'training.optimizer.learning_rate',
  'train.momentum': 'training.optimizer.momentum',
  'train.weightDecay': 'training.optimizer.w_decay',
  'train.drops': 'training.optimizer.lr_drops',
  'train.factor': 'training.optimizer.lr_drop_factor',
  'validation.metric': 'validation.metric',
  'validation.every': 'validation.frequency',
  'prune.method': 'training.compressor.class',
  'prune.scope': 'training.compressor.mask',
  'prune.sparsity': 'training.compressor.sparsity',
  'prune.start': 'training.compressor.warmup',
  'prune.scoring.miniBatch': 'training.compressor.batch_size',
}

/** Whether a value from a file is such a configuration rather than a recipe. */
export const isFisherTaylorConfig = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'general' in value

/**
 * The recipe of a configuration, still to be checked as one. Throws UserError, naming the key. `source` is
 * what messages call the file.
 */
export function recipeOfConfig(value: unknown, source: string): Record<string, unknown> {
  const config = checkSchema(configSchema, value, { source, whole: 'configuration' })
  const { general, dataset, model, training, validation } = config
  const { compressor, optimizer } = training
  const method: SaliencyName | undefined = criteria[compressor.class]
  const miniBatch = Math.min(compressor.batch_size, MOST)
  const { frequency, metric } = validation
  // What is usual is not said.
  const evaluation = { ...(frequency > 1 && { every: frequency }), ...(metric === 'f1' && { metric }) }
  const name = general.id.toLowerCase().replace(/[^a-z0-9._-]+/g, '-')
  return {
    name,
    summary: general.description,
    seed: general.seed,
    model: { name: networks[model.class], classes: model.num_classes, init: 'uniform' },
    // Their CIFAR-100 is normalized with the constants of CIFAR-10.
    data: { name: dataset.class, normalization: 'cifar10', augment: 'cifar', validation: HELD_OUT, stratify: true },
    train: {
      epochs: training.num_steps,
      batch: dataset.batch_size,
      learningRate: optimizer.learning_rate,
      momentum: optimizer.momentum,
      weightDecay: optimizer.w_decay,
      schedule: 'steps',
      drops: optimizer.lr_drops.map((epoch) => `${epoch}ep`),
      factor: optimizer.lr_drop_factor,
      keep: 'best',
    },
    ...(Object.keys(evaluation).length > 0 && { validation: evaluation }),
    ...(method !== undefined && {
      prune: {
        method,
        scope: compressor.mask === 'layer' ? 'layerwise' : 'global',
        sparsity: compressor.sparsity,
        start: `${compressor.warmup}ep`,
        prunable: 'reference',
        ...(saliencyOf(method).needs && { scoring: { samples: SAMPLES - HELD_OUT, miniBatch } }),
      },
    }),
  }
}
