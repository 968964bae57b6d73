/**
 * @file Matches layers that have other names in a file than in the network: every program that writes a
 * network has names of its own (the `fc` of torchvision is the `linear` of others, and its `downsample.0`
 * their `shortcut.0`).
 *
 * Layers are matched by what they hold (weight, bias, running statistics, each with its shape), projections
 * of shortcuts apart from all others. Layers that hold the same are matched by name, or, where their names
 * differ, in the order in which they stand. Nothing is guessed: unless every layer of the network meets one
 * of the file, and none of the file is left over, all names stay as they are.
 */
import type { TensorFile } from '../formats/safetensors-bytes.ts'
import { graphOf, type Model } from '../models/model.ts'

/** The tensors of a layer that its results depend on. */
export const PARTS: readonly string[] = ['weight', 'bias', 'running_mean', 'running_var']
const PROJECTION = /shortcut|downsample|skip|proj/i

/** The names of layers in order, each with a text that says what it holds. */
type Layers = ReadonlyMap<string, string>

export interface Named<F extends TensorFile> {
  /** The file with the names of the network. */
  file: F
  /** The names of layers in the file and in the network, where they are not the same. */
  renamed: ReadonlyMap<string, string>
}

/**
 * Renames the layers of a file to the names that they have in a network. Tensors that belong to a layer (its
 * mask, its momentum) are renamed with it.
 */
export function namedAs<F extends TensorFile>(model: Model, file: F): Named<F> {
  const stored = graphOf(model).stored()
  const unchanged = { file, renamed: new Map<string, string>() }
  if (stored.every(({ name }) => file.tensors.has(name))) return unchanged
  const renamed = matched(layersOf(file.tensors), layersOf(new Map(stored.map((tensor) => [tensor.name, tensor]))))
  if (!renamed) return unchanged
  const rename = (name: string) => {
    const dot = name.lastIndexOf('.')
    const layer = renamed.get(name.slice(0, dot))
    return layer === undefined ? name : layer + name.slice(dot)
  }
  return {
    file: { ...file, tensors: new Map([...file.tensors].map(([name, tensor]) => [rename(name), tensor])) },
    renamed: new Map([...renamed].filter(([inFile, inNetwork]) => inFile !== inNetwork)),
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
  // Parts may stand in any order, and the biases of all layers may follow all weights.
  return new Map([...layers].map(([name, holds]) => [name, holds.toSorted().join(' ')]))
}

/**
 * The tensors in the order of the file. Where a program has sorted their names letter by letter, they are
 * sorted so that `layer.10` stands after `layer.9`.
 */
function inOrder<T extends { name: string }>(tensors: readonly T[]): readonly T[] {
  const sorted = tensors.every(({ name }, i) => i === 0 || tensors[i - 1].name < name)
  return sorted ? tensors.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })) : tensors
}

/** Names of the network's layers by names of the file's; undefined unless every layer has a partner. */
function matched(file: Layers, network: Layers): Map<string, string> | undefined {
  const named = [file, network].every((layers) => [...layers.keys()].some((name) => PROJECTION.test(name)))
  const [inFile, inNetwork] = [byKind(file, named), byKind(network, named)]
  const kinds = [...inFile.keys(), ...inNetwork.keys()]
  if (!kinds.every((kind) => inFile.get(kind)?.length === inNetwork.get(kind)?.length)) return undefined
  return new Map([...inFile].flatMap(([kind, names]) => paired(names, inNetwork.get(kind)!)))
}

/**
 * The names of layers that could stand for one another, in order. Where `named`, the names of projections say
 * that they are projections, which then make kinds of their own.
 */
function byKind(layers: Layers, named: boolean): Map<string, string[]> {
  const kinds = new Map<string, string[]>()
  for (const [name, holds] of layers) {
    const kind = named && PROJECTION.test(name) ? `projection ${holds}` : holds
    kinds.set(kind, [...(kinds.get(kind) ?? []), name])
  }
  return kinds
}

/** Pairs layers by name where both sides have the same names, else in order. */
function paired(inFile: readonly string[], inNetwork: readonly string[]): [string, string][] {
  const sameNames = inFile.every((name) => inNetwork.includes(name))
  return inFile.map((name, i) => [name, sameNames ? name : inNetwork[i]])
}
