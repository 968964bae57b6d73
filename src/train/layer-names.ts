/**
 * @file Weights whose layers have other names in a file than in the network: every program that writes one
 * down has names of its own (the `fc` of torchvision is the `linear` of others, its `downsample.0` their
 * `shortcut.0`).
 *
 * Layers are matched by what they hold (weight, bias, running statistics, each with its shape), projections
 * of shortcuts apart from all others, and those that hold the same by name, or where their names differ in
 * the order in which they stand. Nothing is guessed: unless every layer of the network meets one of the file,
 * and none of the file is left over, all names stay as they are.
 */
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { graphOf, type Model } from '../models/model.ts'

/** What layers hold that their results depend on. */
export const PARTS: readonly string[] = ['weight', 'bias', 'running_mean', 'running_var']
const PROJECTION = /shortcut|downsample|skip|proj/i

/** Layers by name, and what each holds; in order. */
type Layers = ReadonlyMap<string, string>

export interface Named<F extends TensorFile> {
  /** With the names of the network. */
  file: F
  /** Names of layers in the file, and in the network, where they are not the same. */
  renamed: ReadonlyMap<string, string>
}

/**
 * A file with the layers that a network has, by the names that they have there. Tensors that belong to a
 * layer (its mask, its momentum) keep to it.
 */
export function namedAs<F extends TensorFile>(model: Model, file: F): Named<F> {
  const wanted = graphOf(model).stored()
  const unchanged = { file, renamed: new Map<string, string>() }
  if (wanted.every(({ name }) => file.tensors.has(name))) return unchanged
  const renamed = matched(layersOf(file.tensors), layersOf(new Map(wanted.map((tensor) => [tensor.name, tensor]))))
  if (!renamed) return unchanged
  const rename = (name: string) => {
    const dot = name.lastIndexOf('.')
    const layer = renamed.get(name.slice(0, dot))
    return layer === undefined ? name : layer + name.slice(dot)
  }
  return {
    file: { ...file, tensors: new Map([...file.tensors].map(([name, tensor]) => [rename(name), tensor])) },
    renamed: new Map([...renamed].filter(([theirs, ours]) => theirs !== ours)),
  }
}

function layersOf(tensors: ReadonlyMap<string, { shape: readonly number[] }>): Layers {
  const parts = [...tensors]
    .map(([name, { shape }]) => ({ name, dot: name.lastIndexOf('.'), shape }))
    .filter(({ name, dot }) => dot > 0 && PARTS.includes(name.slice(dot + 1)))
  const layers = new Map<string, string[]>()
  for (const { name, dot, shape } of inOrder(parts)) {
    const layer = name.slice(0, dot)
    layers.set(layer, [...(layers.get(layer) ?? []), `${name.slice(dot + 1)} [${shape}]`])
  }
  // Parts may stand in any order, and biases of all layers after all weights.
  return new Map([...layers].map(([name, holds]) => [name, holds.toSorted().join(' ')]))
}

/**
 * As they stand in the file; but where a program has sorted their names letter by letter, `layer.10` stands
 * after `layer.9`.
 */
function inOrder<T extends { name: string }>(tensors: readonly T[]): readonly T[] {
  const sorted = tensors.every(({ name }, i) => i === 0 || tensors[i - 1].name < name)
  return sorted ? tensors.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })) : tensors
}

/** The names of layers of a network by those of a file, where each meets one. */
function matched(theirs: Layers, ours: Layers): Map<string, string> | undefined {
  const telling = [theirs, ours].every((layers) => [...layers.keys()].some((name) => PROJECTION.test(name)))
  const [found, wanted] = [alike(theirs, telling), alike(ours, telling)]
  const met = [...found.keys(), ...wanted.keys()].every((kind) => found.get(kind)?.length === wanted.get(kind)?.length)
  return met ? new Map([...found].flatMap(([kind, names]) => paired(names, wanted.get(kind)!))) : undefined
}

/** Names of layers that could stand for one another, in order. */
function alike(layers: Layers, telling: boolean): Map<string, string[]> {
  const kinds = new Map<string, string[]>()
  for (const [name, holds] of layers) {
    const kind = telling && PROJECTION.test(name) ? `projection ${holds}` : holds
    kinds.set(kind, [...(kinds.get(kind) ?? []), name])
  }
  return kinds
}

/** By name where all have the same names, else in order. */
function paired(theirs: readonly string[], ours: readonly string[]): [string, string][] {
  const same = theirs.every((name) => ours.includes(name))
  return theirs.map((name, i) => [name, same ? name : ours[i]])
}
