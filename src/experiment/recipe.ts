/**
 * @file Recipes: a whole experiment in one YAML file. Every field says what it is, so that the schema is also its documentation.
 */
import { type Document, parse, parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { augmentations } from '../data/augment.ts'
import { datasets } from '../data/index.ts'
import { normalizations } from '../data/normalization.ts'
import { models } from '../models/index.ts'
import { type InitializerName, initializers } from '../models/model.ts'
import { type SaliencyName, saliencies } from '../prune/saliency/index.ts'
import { scheduleKinds } from '../prune/schedule.ts'
import { type ScopeName, scopes } from '../prune/scope.ts'
import { kernelKinds } from '../train/kernels.ts'
import { UserError } from '../util/errors.ts'
import { readBytes } from '../util/files.ts'
import { suggestion } from '../util/suggest.ts'
import { USUAL_JUDGE } from '../workflow/samples.ts'
import { type SecondOrderMethod, secondOrderMethods } from '../workflow/second-order.ts'
import { isDuration } from './duration.ts'

const nameOf = <T extends string>(known: Record<string, unknown>) =>
  z.string().refine((name) => Object.hasOwn(known, name), {
    error: ({ input }) => `found ${input}${suggestion(String(input), Object.keys(known))}`,
  }) as unknown as z.ZodType<T>
const duration = z.unknown().refine((value) => typeof value === 'string' && isDuration(value), {
  error: ({ input }) => `expected a duration such as 4ep or 500it, found ${shown(input)}`,
}) as z.ZodType<unknown> as z.ZodType<string>
const count = z.int().min(0)
const positive = z.int().min(1)

const secondOrderSchema = z.strictObject({
  samples: positive.optional().describe('Gradients (default: 2000, of convolutional networks 1000).'),
  miniBatch: positive.default(1).describe('Training samples whose mean loss one gradient belongs to.'),
  blocks: z
    .enum(['full', 'layer'])
    .optional()
    .describe('Which weights interact (default: full for linear layers only).'),
  damp: z.number().positive().optional().describe('Added to the diagonal of the Fisher matrix.'),
  stages: positive.default(1).describe('Steps of growing sparsity at each event.'),
  judge: positive.default(USUAL_JUDGE).describe('Training samples whose loss chooses masks and steps.'),
  faithful: z.boolean().default(false).describe('Samples, counts and steps as in the published code.'),
  include: z.array(z.string()).optional().describe('Tensors, * for any characters (default: the published ones).'),
  exclude: z.array(z.string()).optional(),
})

export const recipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/, 'expected lower-case letters, digits, dots and dashes')
    .describe('Names the run folder.'),
  summary: z.string().default('').describe('One line for lists.'),
  seed: z
    .int()
    .min(0)
    .default(0)
    .describe('Of initial weights, the validation split, the order of samples and random methods.'),
  model: z.strictObject({
    name: nameOf<string>(models).describe('A built-in network (espalier list models).'),
    init: nameOf<InitializerName>(initializers).optional().describe('How weights begin (default: as the model says).'),
    classes: positive.optional().describe('Default: as the model says.'),
    weights: z.string().optional().describe('A safetensors file to start from, instead of random weights.'),
    widen: z.number().positive().optional().describe('Factor on the widths of the networks that have one.'),
  }),
  data: z.strictObject({
    name: z.string().describe(`A data set (${Object.keys(datasets).join(', ')}) or a folder.`),
    normalization: nameOf<string>(normalizations).optional().describe("Of inputs (default: the data set's own)."),
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
    schedule: z.enum(['constant', 'steps', 'cosine']).default('constant').describe('Of the learning rate.'),
    warmup: duration.default('0it').describe('Linear warm-up of the learning rate.'),
    drops: z.array(duration).default([]).describe('With schedule steps: when the rate is multiplied by factor.'),
    factor: z.number().positive().lt(1).default(0.1),
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
      schedule: z.enum(scheduleKinds).default('one-shot'),
      start: duration.default('0it').describe('First event.'),
      end: duration.optional().describe('Last event at the latest (not for one-shot).'),
      initial: z.number().min(0).lt(1).optional().describe('Of a cubic schedule: the sparsity after its first event.'),
      every: duration.default('100it').describe('Time between events.'),
      secondOrder: secondOrderSchema.optional().describe('Of the methods that use gradients of samples.'),
    })
    .optional(),
})

/** A recipe with every default filled in. */
export type Recipe = z.output<typeof recipeSchema>

/** Reads a recipe file and applies `key.path=value` changes. Throws UserError naming file, key, what was found and expected. */
export function readRecipe(path: string, changes: readonly string[] = []): Recipe {
  const document = parseDocument(new TextDecoder().decode(readBytes(path)))
  const [problem] = document.errors
  if (problem) throw new UserError(`${path} is not valid YAML: ${yamlProblem(problem)}`)
  for (const change of changes) setPath(document, change)
  let value: unknown
  try {
    value = document.toJS()
  } catch (error) {
    throw new UserError(`${path} is not valid YAML: ${yamlProblem(error)}`) // aliases without an anchor, or too many
  }
  return checkRecipe(value, path)
}

/** Checks a recipe object; `source` is what messages call it. */
export function checkRecipe(value: unknown, source: string): Recipe {
  const result = recipeSchema.safeParse(value)
  if (result.success) return crossCheck(result.data, source)
  const [issue] = result.error.issues
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys
    const known = keysAt(issue.path)
    throw new UserError(`${source}: unknown key ${[...issue.path, key].join('.')}${suggestion(key, known)}`)
  }
  throw new UserError(`${source}: ${path || 'recipe'}: ${describeIssue(issue, valueAt(value, issue.path))}`)
}

export const recipeToYaml = (recipe: Recipe): string => stringify(recipe)

/** Whether a method of prune.method works with gradients of samples. */
export const isSecondOrder = (
  method: SaliencyName | SecondOrderMethod,
): method is Exclude<SecondOrderMethod, SaliencyName> => !Object.hasOwn(saliencies, method)

function crossCheck(recipe: Recipe, source: string): Recipe {
  const { data, prune, train } = recipe
  if (train.epochs === 0 && !prune) throw new UserError(`${source}: train.epochs: 0 epochs need a prune section`)
  if (prune && prune.schedule !== 'one-shot' && prune.end === undefined)
    throw new UserError(`${source}: prune.end: a ${prune.schedule} schedule needs it, such as 10ep`)
  if (prune?.initial !== undefined && (prune.schedule !== 'cubic' || prune.initial > prune.sparsity))
    throw new UserError(`${source}: prune.initial: needs a cubic schedule and at most the final sparsity`)
  if (prune?.secondOrder && !isSecondOrder(prune.method))
    throw new UserError(`${source}: prune.secondOrder: ${prune.method} uses no gradients of samples`)
  if (prune && isSecondOrder(prune.method) && train.kernels === 'sparse')
    throw new UserError(`${source}: train.kernels: ${prune.method} works with dense kernels only`)
  if (train.nesterov && train.momentum === 0)
    throw new UserError(`${source}: train.nesterov: needs a train.momentum above 0, found 0`)
  if (data.stratify && data.validation === 0)
    throw new UserError(`${source}: data.stratify: needs a data.validation above 0, found 0`)
  return recipe
}

function describeIssue(issue: z.core.$ZodIssue, value: unknown): string {
  const found = shown(value)
  if (issue.code === 'invalid_type')
    return `expected ${issue.expected === 'int' ? 'a whole number' : `a value of type ${issue.expected}`}, found ${found}`
  if (issue.code === 'too_small')
    return `expected ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}, found ${found}`
  if (issue.code === 'too_big')
    return `expected ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}, found ${found}`
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.join(', ')}, found ${found}`
  if (issue.code === 'invalid_format') return `${issue.message}, found ${found}`
  return issue.message
}

/** A value in a message; lists and maps, which may be long or hold themselves, by their kind. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a map'
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** The first line of what the YAML parser says; the others show the place in the text. */
const yamlProblem = (error: unknown): string => (error as Error).message.split('\n')[0].replace(/:$/, '')

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value)
}

/** The keys that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = recipeSchema
  const unwrap = (s: unknown): unknown =>
    s instanceof z.ZodOptional || s instanceof z.ZodDefault ? unwrap(s.unwrap()) : s
  for (const key of path) {
    schema = unwrap(schema)
    if (schema instanceof z.ZodObject) schema = schema.shape[key as string]
  }
  const object = unwrap(schema)
  return object instanceof z.ZodObject ? Object.keys(object.shape) : []
}

/** `a.b=value`: the value is read as YAML. */
function setPath(document: Document, change: string): void {
  const [, path, text] = /^([^=]+)=(.*)$/s.exec(change) ?? []
  if (path === undefined) throw new UserError(`--set ${change}: expected key.path=value`)
  let value: unknown
  try {
    value = parse(text, { logLevel: 'error' })
  } catch (error) {
    throw new UserError(`--set ${change}: not a YAML value: ${yamlProblem(error)}`)
  }
  try {
    document.setIn(path.split('.'), document.createNode(value))
  } catch {
    throw new UserError(`--set ${change}: ${path} leads into a value that has no keys`)
  }
}
