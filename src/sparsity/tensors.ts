/**
 * @file Which tensors of a network are pruned: all that can be, those that published results of it prune, or
 * a choice by name.
 */
import { prunableParameters } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'
import { graphOf, type Model } from '../models/model.ts'
import { checkName } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'

/**
 * Sets of tensors to begin with: `all` weight matrices and kernels of layers; those of the model's
 * `published` (all, where it has none); or as in the code of arXiv 2502.11450 (`reference`): every parameter
 * whose name holds none of `bias`, `bn` and `linear`. Those are kernels, and in residual networks the scales
 * of the batch normalizations of projections too (896 in ResNet-18), which that code prunes, it seems, by
 * accident.
 */
export const prunableSets = ['all', 'published', 'reference'] as const
export type PrunableSet = (typeof prunableSets)[number]

export interface TensorChoice {
  /** What to begin with where `include` is absent. Default `published`. */
  prunable?: PrunableSet
  /**
   * Patterns of names, `*` for any characters; of all prunable tensors those are taken that match one of
   * them.
   */
  include?: readonly string[]
  /** Patterns of tensors that are then left out. */
  exclude?: readonly string[]
}

/** The prunable tensors of a model, in the order in which it uses them. */
export const prunableTensors = (model: Model): Tensor[] => prunableParameters(graphOf(model))

/** The set `reference` of {@link prunableSets}. */
const referenceTensors = (model: Model): Tensor[] =>
  graphOf(model)
    .withRole('parameter')
    .filter(({ name }) => !/bias|bn|linear/.test(name))

/** Whether all layers are linear. */
export const isLinear = (model: Model): boolean => prunableTensors(model).every(({ shape }) => shape.length === 2)

/** What messages call the patterns: flags of the command line by default. */
export interface ChoiceNames {
  include: string
  exclude: string
}

/**
 * The chosen ones of a model's prunable tensors, in order. Throws UserError, naming the flag, where a pattern
 * matches no prunable tensor or nothing is left.
 */
export function chooseTensors(
  model: Model,
  { prunable = 'published', include, exclude = [] }: TensorChoice = {},
  names: ChoiceNames = { include: '--include', exclude: '--exclude' },
): Tensor[] {
  checkName('prunable', prunable, prunableSets)
  const all = prunable === 'reference' ? referenceTensors(model) : prunableTensors(model)
  const start = include
    ? matching(all, include, names.include)
    : prunable === 'published' && model.published
      ? matching(all, model.published, `the published tensors of ${model.name}`)
      : new Set(all)
  const without = matching(all, exclude, names.exclude)
  const left = all.filter((tensor) => start.has(tensor) && !without.has(tensor))
  if (left.length === 0)
    throw new UserError(
      exclude.length > 0
        ? `${names.exclude} ${exclude.join(',')} leaves no tensor of ${model.name} to prune`
        : `${model.name} has no weights of layers to prune, expected convolutions or matrix products`,
    )
  return left
}

/** The chosen ones of some names, in order. Throws UserError as {@link chooseTensors} does. */
export function chooseNames(
  all: readonly string[],
  { include, exclude = [] }: Omit<TensorChoice, 'prunable'>,
  names: ChoiceNames = { include: '--include', exclude: '--exclude' },
): string[] {
  const named = all.map((name) => ({ name }))
  const start = include ? matching(named, include, names.include) : new Set(named)
  const without = matching(named, exclude, names.exclude)
  const left = named.filter((one) => start.has(one) && !without.has(one))
  if (left.length === 0) throw new UserError(`${names.exclude} ${exclude.join(',')} leaves no weight`)
  return left.map(({ name }) => name)
}

/** How many names a message lists at most. */
const NEAREST = 5

function matching<T extends { name: string }>(
  tensors: readonly T[],
  patterns: readonly string[],
  what: string,
): Set<T> {
  const names = tensors.map(({ name }) => name)
  const found = patterns.map((pattern) => {
    const matches = tensors.filter(({ name }) => fits(name, pattern))
    if (matches.length === 0)
      throw new UserError(`${what}: no prunable tensor is named ${pattern}${suggestion(pattern, names, NEAREST)}`)
    return matches
  })
  return new Set(found.flat())
}

/** Whether a name matches a pattern in which `*` stands for any characters. */
export const fits = (name: string, pattern: string): boolean =>
  new RegExp(`^${pattern.split('*').map(literally).join('.*')}$`, 's').test(name)

const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
