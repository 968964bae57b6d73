/**
 * @file Recipes: a whole experiment in one YAML file. Every field says what it is, so that the schema is also
 * its documentation.
 */
import { type Document, parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { augmentations } from '../../data/augment.ts'
import { datasets } from '../../data/index.ts'
import { normalizations } from '../../data/normalization.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import { type SaliencyName, saliencies } from '../../methods/saliency/index.ts'
import { type BatchNormMode, batchNormModes } from '../../methods/saliency/scoring/measurement.ts'
import { Scoring } from '../../methods/saliency/scoring/scoring.ts'
import { type SecondOrderMethod, secondOrderMethods } from '../../methods/second-order/driver.ts'
import type { FisherBlocks } from '../../methods/second-order/fisher/parts.ts'
import { models } from '../../models/index.ts'
import { type InitializerName, initializers } from '../../models/model.ts'
import { scheduleKinds } from '../../sparsity/schedule.ts'
import { type ScopeName, scopes } from '../../sparsity/scope.ts'
import { kernelKinds } from '../../train/kernels.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes } from '../../util/files.ts'
import { suggestion } from '../../util/suggest.ts'
import { checkGsm, gsmSchema } from '../plan/gsm.ts'
import { checkRewire, rewireSchema } from '../plan/rewiring-plan.ts'
import { checkTicket, gsmRecipe, ticketSchema } from '../ticket/ticket.ts'
import { aboutSchema } from './about.ts'
import { applyChanges, yamlProblem } from './changes.ts'
import { checkSchema, shown } from './check-schema.ts'
import { isDuration } from './duration.ts'
import { isFisherTaylorConfig, recipeOfConfig } from './fisher-taylor-config.ts'
import { checkMaskKeys, maskKeys } from './mask-keys.ts'
import { checkTie, tieSchema } from './tie.ts'

const nameOf = <T extends string>(known: Record<string, unknown>) =>
  z.string().refine((name) => Object.hasOwn(known, name), {
    error: ({ input }) => `found ${input}${suggestion(String(input), Object.keys(known))}`,
  }) as unknown as z.ZodType<T>
const networkName = z.string().refine((name) => isOnnxName(name) || Object.hasOwn(models, name), {
  error: ({ input }) => `found ${input}${suggestion(String(input), Object.keys(models))}`,
})
const duration = z.unknown().refine((value) => typeof value === 'string' && isDuration(value), {
  error: ({ input }) => `expected a duration such as 4ep or 500it, found ${shown(input)}`,
}) as z.ZodType<unknown> as z.ZodType<string>
const count = z.int().min(0)
const positive = z.int().min(1)

const blocks = z
  .unknown()
  .refine((value) => value === 'full' || value === 'layer' || (Number.isInteger(value) && Number(value) > 0), {
    error: ({ input }) => `expected full, layer or a number of weights, found ${shown(input)}`,
  }) as unknown as z.ZodType<FisherBlocks>

/** Mean or std of inputs: the number of channels is not known yet. */
const perChannels = z
  .unknown()
  .refine(
    (value) => value === 'data' || (Array.isArray(value) && value.length > 0 && value.every((x) => Number.isFinite(x))),
    { error: ({ input }) => `expected a list of numbers, one per channel, or data, found ${listed(input)}` },
  ) as unknown as z.ZodType<number[] | 'data'>
const listed = (value: unknown): string => (Array.isArray(value) ? `[${value.map(shown).join(', ')}]` : shown(value))

const secondOrderSchema = z.strictObject({
  samples: positive.optional().describe('Gradients (default: 4000, of convolutional networks and for chita 1000).'),
  miniBatch: positive.default(1).describe('Training samples whose mean loss one gradient belongs to.'),
  blocks: blocks
    .optional()
    .describe(
      'Which weights interact: full, layer, or at most so many of a layer (default: full for linear layers only).',
    ),
  damp: z.number().positive().optional().describe('Added to the diagonal of the Fisher matrix.'),
  stages: positive
    .optional()
    .describe(
      'Steps of growing sparsity at each event. Default: each removes at most a third of what is left, of several blocks half, with chita a sixth.',
    ),
  judge: positive
    .optional()
    .describe(
      'Training samples whose loss chooses masks and steps (default: 5000; in faithful mode all for a search).',
    ),
  faithful: z.boolean().default(false).describe('Samples, counts and steps as in the published code.'),
  memory: z.number().positive().optional().describe('GiB of gradients that are kept at once (default: 4).'),
  refreshBatchNorm: z
    .int()
    .min(2)
    .optional()
    .describe('Training images that give batch normalizations new statistics after every event (default: none).'),
  include: z.array(z.string()).optional().describe('Tensors, * for any characters (default: the published ones).'),
  exclude: z.array(z.string()).optional(),
})

const scoringSchema = z.strictObject({
  samples: z
    .unknown()
    .refine((value) => value === 'all' || (Number.isInteger(value) && Number(value) >= 1), {
      error: ({ input }) => `expected a whole number of at least 1, or all, found ${shown(input)}`,
    })
    .optional()
    .describe('Training samples that derivatives are measured on, or all (default: 1000).') as z.ZodType<
    number | 'all' | undefined
  >,
  miniBatch: positive.optional().describe('Training samples whose mean loss one gradient belongs to (default: 1).'),
  batchNorm: nameOf<BatchNormMode>(batchNormModes)
    .optional()
    .describe('What batch normalizations use: eval (default), refreshed or train.'),
  temperature: z.number().positive().optional().describe("What logits are divided by (default: the method's)."),
  probes: positive.optional().describe("Random vectors per 50 samples, of estimates of the Hessian's diagonal."),
  sign: z.enum(['+', '-']).optional().describe('Of the first-order term of fts and hts.'),
  rounds: positive.optional().describe('Of iterative methods.'),
})

export const recipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/, 'expected lower-case letters, digits, dots and dashes')
    .describe('Names the run folder.'),
  summary: z.string().default('').describe('One line for lists.'),
  about: aboutSchema.optional().describe('The paper, its figures and what a run takes; changes nothing.'),
  seed: z
    .int()
    .min(0)
    .default(0)
    .describe('Of initial weights, the validation split, the order of samples and random methods.'),
  model: z.strictObject({
    name: networkName.describe('A built-in network (espalier list models), or an ONNX model by its path.'),
    init: nameOf<InitializerName>(initializers).optional().describe('How weights begin (default: as the model says).'),
    masks: z.string().optional().describe('A file of weights whose zeros (or masks) the network begins with.'),
    classes: positive.optional().describe('Logits; 1: one score for two classes. Default: as the model says.'),
    weights: z
      .string()
      .optional()
      .describe('A safetensors or HDF5 file, or a PyTorch checkpoint, to start from, instead of random weights.'),
    widen: z.number().positive().optional().describe('Factor on the widths of the networks that have one.'),
  }),
  data: z.strictObject({
    name: z.string().describe(`A data set (${Object.keys(datasets).join(', ')}) or a folder.`),
    normalization: nameOf<string>(normalizations).optional().describe("Of inputs (default: the data set's own)."),
    mean: perChannels
      .optional()
      .describe('Of pixels scaled to 0..1: a number per channel, or data, measured on the training images.'),
    std: perChannels.optional().describe('Likewise; inputs are (pixel - mean) / std.'),
    size: positive.optional().describe('Folders of images: the shorter side is resized to this.'),
    crop: positive.optional().describe('Folders of images: a square is cut from the middle.'),
    skipCorrupt: z.boolean().optional().describe('Folders of images: leave out what cannot be decoded.'),
    augment: nameOf<string>(augmentations).default('none').describe('Random crops and flips of training batches.'),
    validation: count.default(0).describe('Training samples held out and evaluated after every epoch.'),
    stratify: z.boolean().default(false).describe('Every class gives the same share of its samples to validation.'),
  }),
  train: z.strictObject({
    epochs: count.describe('0: the network is pruned as it is.'),
    batch: positive.default(128),
    learningRate: z.number().positive(),
    momentum: z.number().min(0).lt(1).default(0),
    nesterov: z.boolean().default(false),
    weightDecay: z.number().min(0).default(0),
    biasDecay: z
      .number()
      .min(0)
      .optional()
      .describe('Weight decay of biases and normalizations (default: weightDecay; with gsm 0).'),
    l1: z.number().min(0).default(0).describe('L1 coefficient, of prunable weights.'),
    groupLasso: z
      .number()
      .min(0)
      .optional()
      .describe('Coefficient of the sum of the norms of all kernels of prunable convolutions (0).'),
    gsm: gsmSchema
      .optional()
      .describe('Prunes by training: only the weights with the largest |w g| get their gradient (Ding et al. 2019).'),
    schedule: z.enum(['constant', 'steps', 'cosine']).default('constant').describe('Of the learning rate.'),
    warmup: duration.default('0it').describe('Linear warm-up of the learning rate.'),
    drops: z.array(duration).default([]).describe('With schedule steps: when the rate is multiplied by factor.'),
    factor: z.number().positive().lt(1).default(0.1),
    start: duration
      .optional()
      .describe('Counts as taken already: learning rates and the order of samples go on from there.'),
    snapshot: duration.optional().describe('When snapshot.safetensors, a file of weights to rewind to, is written.'),
    kernels: z
      .enum(kernelKinds)
      .default('auto')
      .describe('Which layers skip their zeros (auto: those where a table of costs says that it pays).'),
  }),
  prune: z
    .strictObject({
      method: nameOf<SaliencyName | SecondOrderMethod>({ ...saliencies, ...secondOrderMethods }),
      scope: nameOf<ScopeName>(scopes).default('global'),
      sparsity: z.number().min(0).lt(1).describe('Final share of zeros among prunable weights.'),
      sparsities: z
        .record(z.string(), z.number().min(0).lt(1))
        .optional()
        .describe('Of the kinds conv and linear, and of tensors by name, where it is another; needs scope layerwise.'),
      schedule: z.enum(scheduleKinds).default('one-shot'),
      start: duration.default('0it').describe('First event.'),
      end: duration.optional().describe('Last event at the latest (not for one-shot).'),
      initial: z.number().min(0).lt(1).optional().describe('Of a cubic schedule: the sparsity after its first event.'),
      every: duration.default('100it').describe('Time between events.'),
      scoring: scoringSchema.optional().describe('How scores are measured that are not of weights alone.'),
      ...maskKeys,
      secondOrder: secondOrderSchema.optional().describe('Of the methods that use gradients of samples.'),
    })
    .optional(),
  ticket: ticketSchema.optional().describe('Lottery tickets: train, choose weights, rewind them, train again.'),
  rewire: rewireSchema.optional().describe('Weights of the sparse network move while it trains.'),
  tie: tieSchema.optional().describe('Weights share values instead of being zero.'),
})

/** A recipe with every default filled in. */
export type Recipe = z.output<typeof recipeSchema>

/**
 * Reads a recipe file, or a configuration of the code of arXiv 2502.11450, and applies the budget that is
 * chosen and `key.path=value` changes to the recipe. Throws UserError naming file, key, what was found and
 * expected.
 */
export function readRecipe(path: string, changes: readonly string[] = []): Recipe {
  const document = parseDocument(new TextDecoder().decode(readBytes(path)))
  const [problem] = document.errors
  if (problem) throw new UserError(`${path} is not valid YAML: ${yamlProblem(problem)}`)
  const config = document.has('general') ? plainValue(document, path) : undefined
  if (isFisherTaylorConfig(config)) document.contents = document.createNode(recipeOfConfig(config, path)) as never
  applyChanges(document, changes, path)
  return checkRecipe(plainValue(document, path), path)
}

function plainValue(document: Document, path: string): unknown {
  try {
    return document.toJS()
  } catch (error) {
    // aliases without an anchor, or too many
    throw new UserError(`${path} is not valid YAML: ${yamlProblem(error)}`)
  }
}

/** Checks a recipe object; `source` is what messages call it. */
export const checkRecipe = (value: unknown, source: string): Recipe =>
  crossCheck(checkSchema(recipeSchema, value, { source, whole: 'recipe' }), source)

export const recipeToYaml = (recipe: Recipe): string => stringify(recipe)

/** Whether a method of prune.method works with gradients of samples. */
export const isSecondOrder = (
  method: SaliencyName | SecondOrderMethod,
): method is Exclude<SecondOrderMethod, SaliencyName> => !Object.hasOwn(saliencies, method)

function crossCheck(recipe: Recipe, source: string): Recipe {
  const { data, prune, train } = recipe
  checkGsm(recipe, source)
  checkTicket(recipe, source)
  if (recipe.ticket?.masks.includes('gsm')) checkRecipe(gsmRecipe(recipe), `${source}: ticket.gsm`)
  if (train.epochs === 0 && !prune) throw new UserError(`${source}: train.epochs: 0 epochs need a prune section`)
  if (prune && prune.schedule !== 'one-shot' && prune.end === undefined)
    throw new UserError(`${source}: prune.end: a ${prune.schedule} schedule needs it, such as 10ep`)
  if (prune?.initial !== undefined && (prune.schedule !== 'cubic' || prune.initial > prune.sparsity))
    throw new UserError(`${source}: prune.initial: needs a cubic schedule and at most the final sparsity`)
  if (prune?.sparsities) checkSparsities(prune, source)
  if (prune) checkScoring(prune, source)
  if (prune?.secondOrder && !isSecondOrder(prune.method))
    throw new UserError(`${source}: prune.secondOrder: ${prune.method} uses no gradients of samples`)
  checkTie(recipe, source)
  checkRewire(recipe, source)
  if (prune) checkMaskKeys(prune, isSecondOrder(prune.method), source)
  if (prune && isSecondOrder(prune.method) && train.kernels === 'sparse')
    throw new UserError(`${source}: train.kernels: ${prune.method} works with dense kernels only`)
  if (train.nesterov && train.momentum === 0)
    throw new UserError(`${source}: train.nesterov: needs a train.momentum above 0, found 0`)
  if (data.normalization !== undefined && data.mean !== undefined && data.std !== undefined)
    throw new UserError(`${source}: data.normalization: expected none beside data.mean and data.std, which replace it`)
  if (data.stratify && data.validation === 0)
    throw new UserError(`${source}: data.stratify: needs a data.validation above 0, found 0`)
  return recipe
}

function checkSparsities({ method, scope, initial, granularity }: NonNullable<Recipe['prune']>, source: string): void {
  const needs = (what: string) => new UserError(`${source}: prune.sparsities: ${what}`)
  if (isSecondOrder(method)) throw needs(`${method} knows one sparsity only`)
  if (scope !== 'layerwise') throw needs(`expected prune.scope layerwise, found ${scope}`)
  if (initial !== undefined) throw needs('does not go with prune.initial')
  if (granularity === 'channel') throw needs('expected a prune.granularity of weights, found channel')
}

/** Whether the method uses the settings of prune.scoring, and they fit together. */
function checkScoring({ method, scoring }: NonNullable<Recipe['prune']>, source: string): void {
  if (!scoring) return
  if (isSecondOrder(method)) throw new UserError(`${source}: prune.scoring: ${method} has prune.secondOrder instead`)
  const { samples, ...options } = scoring
  // How many samples there are is not known yet; two stand for more.
  const few = samples === undefined || samples === 1 ? samples : 2
  try {
    new Scoring({ ...options, method, samples: few })
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${source}: prune.${error.message}`) : error
  }
}
