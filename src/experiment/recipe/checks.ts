/**
 * @file What a recipe asks for has to go together: all checks of several sections at once, before there is a
 * network or a data set. Each throws UserError that names `source` and the key.
 */
import { findAugmentation } from '../../data/augment.ts'
import { checkFlops } from '../../methods/flops.ts'
import { methods } from '../../methods/index.ts'
import { checkSettings, type Method, type Section, withSettings } from '../../methods/method.ts'
import { rewirings } from '../../methods/rewiring/index.ts'
import { runNames } from '../../sparsity/granularity/runs.ts'
import { EPOCH_LENGTHS, toSteps } from '../../util/duration.ts'
import { UserError } from '../../util/errors.ts'
import type { Recipe } from './schema.ts'
import { rewireTimes } from './sections/rewire.ts'
import { checkTarget } from './target-checks.ts'

type Prune = NonNullable<Recipe['prune']>

/** The method of a `prune` section, as it is with the settings that stand there. */
export function methodOf(prune: Pick<Prune, 'method' | Section>): Method {
  const method: Method = methods[prune.method]
  return withSettings(method, prune[method.section] ?? {})
}

/** All checks, of which the first that fails is told. */
export function checkTogether(recipe: Recipe, source: string): void {
  checkKernels(recipe, source)
  checkGsm(recipe, source)
  checkQuantize(recipe, source)
  checkSignIn(recipe, source)
  checkTicket(recipe, source)
  checkPrune(recipe, source)
  checkTie(recipe, source)
  checkRewire(recipe, source)
  checkTrain(recipe, source)
  checkValidation(recipe, source)
  checkData(recipe, source)
}

function checkTrain({ prune, train }: Recipe, source: string): void {
  if (train.epochs === 0 && !prune) throw new UserError(`${source}: train.epochs: 0 epochs need a prune section`)
  if (typeof train.learningRate !== 'number' && train.schedule !== 'constant')
    throw new UserError(
      `${source}: train.schedule: expected constant beside rates by time, which are the schedule, found ${train.schedule}`,
    )
  checkDrops(train, source)
  if (train.nesterov && train.momentum === 0)
    throw new UserError(`${source}: train.nesterov: needs a train.momentum above 0, found 0`)
}

/** Drops that would come in another order than they stand in, or that the schedule knows nothing of. */
function checkDrops({ drops, schedule }: Recipe['train'], source: string): void {
  if (drops.length > 0 && schedule !== 'steps')
    throw new UserError(`${source}: train.drops: expected train.schedule steps beside them, found ${schedule}`)
  drops.slice(1).forEach((time, i) => {
    if (EPOCH_LENGTHS.every((steps) => toSteps(time, steps) <= toSteps(drops[i], steps)))
      throw new UserError(`${source}: train.drops: expected times that ascend, found ${time} after ${drops[i]}`)
  })
}

/** What needs held-out samples, or a choice that is made by them. */
function checkValidation({ data, train, validation }: Recipe, source: string): void {
  const best = train.keep === 'best'
  if (best && data.validation === 0)
    throw new UserError(`${source}: train.keep: best needs a data.validation above 0, found 0`)
  if (validation?.every !== undefined && data.validation === 0)
    throw new UserError(`${source}: validation.every: needs a data.validation above 0, found 0`)
  if (validation?.metric !== undefined && !best)
    throw new UserError(`${source}: validation.metric: needs train.keep: best, which goes by it, found last`)
}

function checkData({ data }: Recipe, source: string): void {
  if (data.normalization !== undefined && data.mean !== undefined && data.std !== undefined)
    throw new UserError(`${source}: data.normalization: expected none beside data.mean and data.std, which replace it`)
  if (data.skipCorrupt && findAugmentation(data.augment).resizedCrop)
    throw new UserError(
      `${source}: data.skipCorrupt: ${data.augment} reads files while the network trains, expected none beside it`,
    )
  if (data.stratify && data.validation === 0)
    throw new UserError(`${source}: data.stratify: needs a data.validation above 0, found 0`)
}

function checkPrune({ model, prune, train }: Recipe, source: string): void {
  if (!prune) return
  if (prune.schedule !== 'one-shot' && prune.end === undefined)
    throw new UserError(`${source}: prune.end: the schedule ${prune.schedule} needs it, such as 10ep`)
  checkTarget(prune, methodOf(prune), source)
  const { initial, schedule, sparsity } = prune
  if (initial !== undefined && schedule !== 'cubic')
    throw new UserError(`${source}: prune.initial: expected prune.schedule cubic beside it, found ${schedule}`)
  if (initial !== undefined && initial > sparsity)
    throw new UserError(
      `${source}: prune.initial: expected at most the final prune.sparsity ${sparsity}, found ${initial}`,
    )
  if (prune.sparsities) checkSparsities(prune, source)
  if (prune.schedule === 'alternating' && model.masks !== undefined)
    throw new UserError(
      `${source}: prune.schedule: alternating phases lift all masks, expected no model.masks beside them`,
    )
  if (prune.flops !== undefined) checkFlopBudget(prune, source)
  checkSections(prune, source)
  const method = methodOf(prune)
  if (method.ranked) return
  checkUnranked(prune, source)
  if (train.kernels === 'sparse')
    throw new UserError(`${source}: train.kernels: ${prune.method} works with dense kernels only`)
}

function checkSparsities(prune: Prune, source: string): void {
  const { method, scope, initial, granularity } = prune
  const needs = (what: string) => new UserError(`${source}: prune.sparsities: ${what}`)
  const { sparsities, beside = '' } = methodOf(prune)
  if (!sparsities) throw needs(`${method}${beside} knows one sparsity only`)
  if (scope !== 'layerwise') throw needs(`expected prune.scope layerwise, found ${scope}`)
  if (initial !== undefined) throw needs('does not go with prune.initial')
  if (granularity === 'channel') throw needs('expected a prune.granularity of weights, found channel')
}

function checkFlopBudget(prune: Prune, source: string): void {
  const { method, initial, granularity, sparsities } = prune
  const key = `${source}: prune.flops`
  checkFlops(key, method, methodOf(prune), prune)
  if (granularity !== 'weight')
    throw new UserError(
      `${key}: single weights compete for it, expected prune.granularity weight, found ${granularity}`,
    )
  if (initial !== undefined) throw new UserError(`${key}: does not go with prune.initial`)
  if (sparsities) throw new UserError(`${key}: does not go with prune.sparsities`)
}

/** Whether all settings stand in the section of the method, which has a use for each of them. */
function checkSections(prune: Prune, source: string): void {
  const method = methodOf(prune)
  const { section } = method
  const others = (['scoring', 'secondOrder', 'layerwise'] as const).filter((other) => other !== section)
  for (const other of others)
    if (prune[other])
      throw new UserError(
        `${source}: prune.${other}: ${prune.method} has no use for it, expected prune.${section} or nothing`,
      )
  checkSettings(prune.method, method, prune[section] ?? {}, (key) => `${source}: prune.${section}.${key}`)
}

/** Methods that choose weights in their own way cannot do what only rankings by score can. */
function checkUnranked(prune: Prune, source: string): void {
  const { granularity, floor, onCollapse, method, schedule, target } = prune
  const scope = target ? 'layerwise' : prune.scope
  const { scopes, onlyOnce, beside = '' } = methodOf(prune)
  if (onlyOnce && schedule !== 'one-shot')
    throw new UserError(
      `${source}: prune.schedule: masks of a file are of one sparsity, expected one-shot, found ${schedule}`,
    )
  if (schedule === 'alternating')
    throw new UserError(
      `${source}: prune.schedule: alternating phases need a method that ranks weights by scores, found ${method}`,
    )
  if (granularity !== 'weight')
    throw new UserError(`${source}: prune.granularity: ${method} prunes single weights only`)
  if (floor !== undefined) throw new UserError(`${source}: prune.floor: ${method} knows no floor`)
  if (onCollapse === 'floor')
    throw new UserError(`${source}: prune.onCollapse: expected warn or error with ${method}, which knows no floor`)
  if (!scopes.includes(scope))
    throw new UserError(
      `${source}: prune.scope: expected ${scopes.join(' or ')} for ${method}${beside}, found ${scope}`,
    )
}

function checkKernels({ train: { kernels, costs } }: Recipe, source: string): void {
  if (costs !== undefined && kernels !== 'auto')
    throw new UserError(`${source}: train.costs: expected train.kernels auto beside it, found ${kernels}`)
}

function checkGsm({ model, train, prune, tie }: Recipe, source: string): void {
  if (!train.gsm) return
  if (model.masks !== undefined)
    throw new UserError(`${source}: train.gsm: any weight may become active, expected no model.masks beside it`)
  if (train.epochs === 0) throw new UserError(`${source}: train.gsm: prunes by training, expected epochs of 1 or more`)
  if (prune) throw new UserError(`${source}: train.gsm: prunes by itself, expected no prune section beside it`)
  if (tie) throw new UserError(`${source}: train.gsm: ranks weights one by one, expected no tie section beside it`)
  if (train.kernels === 'sparse')
    throw new UserError(`${source}: train.kernels: gsm trains all weights, expected dense or auto kernels`)
}

/** What ranks or changes weights by programs that know no rounding. */
function checkQuantize({ train, prune, rewire, tie, ticket }: Recipe, source: string): void {
  if (train.quantize === undefined) return
  const others = { prune, rewire, tie, ticket, 'train.gsm': train.gsm, 'train.signIn': train.signIn }
  const [other] = Object.entries(others).find(([, section]) => section !== undefined) ?? []
  if (other !== undefined)
    throw new UserError(
      `${source}: train.quantize: goes with model.masks, which it keeps, expected no ${other} beside it`,
    )
  if (train.kernels === 'sparse')
    throw new UserError(`${source}: train.kernels: rounded weights run on dense kernels, expected dense or auto`)
}

/** What would change weights without their factors, or bring back weights that have none. */
function checkSignIn({ train, prune, rewire, tie }: Recipe, source: string): void {
  if (!train.signIn) return
  const refuse = (what: string) => new UserError(`${source}: train.signIn: ${what}`)
  if (train.gsm) throw refuse('a weight that gsm leaves passive has no sign to find, expected no train.gsm beside it')
  if (tie) throw refuse('copies would part, expected no tie section beside it')
  if (rewire) throw refuse('weights that grow have no factors, expected no rewire section beside it')
  if (prune?.schedule === 'alternating')
    throw refuse('weights that return have no factors, expected another prune.schedule than alternating')
  if (prune && !methodOf(prune).ranked)
    throw refuse(`${prune.method} may change weights, expected a method that ranks weights by scores`)
}

function checkTicket({ ticket, prune, rewire, train }: Recipe, source: string): void {
  if (!ticket) return
  if (prune) throw new UserError(`${source}: ticket: chooses weights by itself, expected no prune section beside it`)
  if (rewire) throw new UserError(`${source}: ticket: keeps its masks, expected no rewire section beside it`)
  if (train.gsm)
    throw new UserError(`${source}: ticket: trains by gsm where ticket.masks says so, expected no train.gsm`)
  if (ticket.retrain === false && String(ticket.masks) !== 'gsm')
    throw new UserError(
      `${source}: ticket.retrain: without it masks are of no use but that of gsm, expected ticket.masks [gsm], found [${ticket.masks.join(', ')}]`,
    )
  if (ticket.retrain === false && ticket.controls.length > 0)
    throw new UserError(
      `${source}: ticket.controls: are trained like tickets, expected none with ticket.retrain false, found ${ticket.controls.join(', ')}`,
    )
  if (ticket.output !== undefined && ticket.scope !== 'layerwise')
    throw new UserError(`${source}: ticket.output: needs scope layerwise, found ${ticket.scope}`)
  if (ticket.floor !== undefined && ticket.scope !== 'global')
    throw new UserError(`${source}: ticket.floor: needs scope global, found ${ticket.scope}`)
}

function checkTie({ tie, prune }: Recipe, source: string): void {
  if (tie && prune) throw new UserError(`${source}: tie: expected no prune section beside it, found one`)
}

/** Whether no key is missing or means nothing to the method. */
function checkRewire({ rewire, prune, train }: Recipe, source: string): void {
  if (!rewire) return
  const { method } = rewire
  const { settings, gradients, granularities = runNames, gradual = false } = rewirings[method]
  const given = settingsOf(rewire)
  for (const [key, schema] of Object.entries(settings.shape))
    if (!Object.hasOwn(given, key) && !schema.safeParse(undefined).success)
      throw new UserError(`${source}: rewire.${key}: ${method} needs it, found nothing`)
  for (const key of Object.keys(given))
    if (!Object.hasOwn(settings.shape, key))
      throw new UserError(`${source}: rewire.${key}: ${method} has no use for it`)
  if (gradients === 'smoothed' && train.momentum === 0)
    throw new UserError(`${source}: train.momentum: ${method} needs a momentum above 0, found 0`)
  if (given.faithful === true && train.kernels === 'sparse')
    throw new UserError(
      `${source}: train.kernels: rewire.faithful goes on with masked weights, expected dense, found sparse`,
    )
  if (!prune || (prune.schedule !== 'one-shot' && !gradual))
    throw new UserError(
      `${source}: rewire: needs a prune section with a one-shot schedule, which makes the network sparse`,
    )
  if (prune.target)
    throw new UserError(`${source}: prune.target: is of a trained network, expected no rewire section beside it`)
  const { granularity } = prune
  if (!granularities.some((one) => one === granularity))
    throw new UserError(
      `${source}: prune.granularity: expected ${granularities.join(', ')} with ${method}, found ${granularity}`,
    )
}

/** What a `rewire` section says to its method. */
export function settingsOf(rewire: NonNullable<Recipe['rewire']>): Record<string, unknown> {
  const times = Object.keys(rewireTimes.shape)
  return Object.fromEntries(
    Object.entries(rewire).filter(([key, value]) => !times.includes(key) && value !== undefined),
  )
}

/** The recipe that looks for a mask by gsm, from weights in a file, still to be checked. */
export function gsmRecipe({ ticket, ...recipe }: Recipe, weights?: string): unknown {
  const { freeze, ...changes } = ticket?.gsm ?? {}
  return {
    ...recipe,
    name: `${recipe.name}-gsm`,
    model: { ...recipe.model, weights },
    train: { ...recipe.train, ...changes, gsm: { ratio: ticket?.ratio, freeze } },
  }
}
