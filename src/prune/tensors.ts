/**
 * @file Which tensors of a network are pruned: all that can be, those that published results of it prune, or a choice by name.
 */
import { Graph, prunableParameters } from '../graph/graph.ts'
import type { Tensor } from '../graph/tensor.ts'
import type { Model } from '../models/model.ts'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'

export interface TensorChoice {
  /** What to begin with where `include` is absent: all prunable tensors, or those of the model's `published`. Default `published`. */
  prunable?: 'all' | 'published'
  /** Patterns of names, `*` for any characters; of all prunable tensors those are taken that match one of them. */
  include?: readonly string[]
  /** Patterns of tensors that are then left out. */
  exclude?: readonly string[]
}

/** The prunable tensors of a model, in the order in which it uses them. */
export function prunableTensors(model: Model): Tensor[] {
  const graph = new Graph()
  model.build(graph, graph.input('images', [1, ...model.image]), false)
  return prunableParameters(graph)
}

/** Whether all layers are linear. */
export const isLinear = (model: Model): boolean => prunableTensors(model).every(({ shape }) => shape.length === 2)

/**
 * The chosen ones of a model's prunable tensors, in order. Throws UserError, naming the flag, where a pattern matches no prunable tensor or nothing is
 * left.
 */
export function chooseTensors(
  model: Model,
  { prunable = 'published', include, exclude = [] }: TensorChoice = {},
): Tensor[] {
  const all = prunableTensors(model)
  const start = include
    ? matching(all, include, '--include')
    : prunable === 'published' && model.published
      ? matching(all, model.published, `the published tensors of ${model.name}`)
      : new Set(all)
  const without = matching(all, exclude, '--exclude')
  const left = all.filter((tensor) => start.has(tensor) && !without.has(tensor))
  if (left.length === 0)
    throw new UserError(`--exclude ${exclude.join(',')} leaves no tensor of ${model.name} to prune`)
  return left
}

function matching(tensors: readonly Tensor[], patterns: readonly string[], what: string): Set<Tensor> {
  const names = tensors.map(({ name }) => name)
  const found = patterns.map((pattern) => {
    const matches = tensors.filter(({ name }) => fits(name, pattern))
    if (matches.length === 0)
      throw new UserError(`${what}: no prunable tensor is named ${pattern}${suggestion(pattern, names)}`)
    return matches
  })
  return new Set(found.flat())
}

/** Whether a name matches a pattern in which `*` stands for any characters. */
const fits = (name: string, pattern: string): boolean =>
  new RegExp(`^${pattern.split('*').map(literally).join('.*')}$`, 's').test(name)

const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
