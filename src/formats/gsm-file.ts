/**
 * @file HDF5 files of networks that GSM's code has, under its names. A file that this code has written says
 * neither its network nor its inputs: names and shapes say the first, and the second is what the code trains
 * on.
 */
import { models } from '../models/index.ts'
import { graphOf, type Model, type ModelOptions, modelOf } from '../models/model.ts'
import { type GsmNetwork, gsmNetworks } from './gsm-networks.ts'
import type { StoredTensor, TensorFile } from './safetensors-bytes.ts'

type Tensors = TensorFile['tensors']

/** What stands before the last dot of a name; nothing where there is none. */
const layerOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('.')))

/** A parameter or buffer under the name that `named` gives its layer. */
const renamed = (tensor: string, named: GsmNetwork['named']): string => {
  const layer = layerOf(tensor)
  return named(layer) + tensor.slice(layer.length)
}

/**
 * The name of a tensor whose layer has another one; undefined where it belongs to none of the layers. That
 * of a mask (`fc1.weight.mask`) goes with its weight.
 */
function renamedIn(layers: ReadonlyMap<string, string>, tensor: string): string | undefined {
  for (let layer = layerOf(tensor); layer !== ''; layer = layerOf(layer)) {
    const other = layers.get(layer)
    if (other !== undefined) return other + tensor.slice(layer.length)
  }
  return undefined
}

/** A network of a file, with the classes and the width that its tensors have. */
interface Found {
  network: GsmNetwork
  model: Model
  /** Names of layers in the file, by those here. */
  layers: ReadonlyMap<string, string>
}

/**
 * Which of some networks the tensors of a file are, all of them in their shapes and no kernel beside them;
 * `named` says what the file calls a layer of it.
 */
function foundIn(
  tensors: Tensors,
  candidates: readonly GsmNetwork[],
  named: (network: GsmNetwork) => GsmNetwork['named'],
): Found | undefined {
  const kernels = [...tensors].filter(([name, { shape }]) => name.endsWith('.weight') && shape.length > 1).length
  for (const network of candidates) {
    const inFile = named(network)
    if (!tensors.has(`${inFile(network.last)}.weight`)) continue
    const model = memberOf(network, (name) => tensors.get(renamed(name, inFile))?.shape)
    if (!model) continue
    const stored = graphOf(model).stored()
    const fits = stored.every(({ name, shape }) => String(tensors.get(renamed(name, inFile))?.shape) === String(shape))
    if (!fits || stored.filter(({ shape }) => shape.length > 1).length !== kernels) continue
    const layers = stored.map(({ name }) => layerOf(name))
    return { network, model, layers: new Map(layers.map((layer) => [layer, inFile(layer)])) }
  }
  return undefined
}

/** The member of a family with as many outputs, and as wide a first block, as the shapes of tensors say. */
function memberOf({ model }: GsmNetwork, shapeOf: (name: string) => readonly number[] | undefined): Model | undefined {
  const family = models[model]
  const kernels = graphOf(modelOf(family))
    .stored()
    .filter(({ shape }) => shape.length > 1)
  const classes = shapeOf(kernels.at(-1)!.name)?.[0]
  if (!classes) return undefined
  const options: ModelOptions = { classes }
  const block = kernels.find(({ name }) => name.startsWith('layer'))
  if (family.widen !== undefined && block)
    options.widen = (family.widen * (shapeOf(block.name)?.[0] ?? 0)) / block.shape[0] || undefined
  return modelOf(family, options)
}

/** What a file of weights that GSM's code has written holds. */
export interface FromGsm {
  /** The name here of a tensor of the network; undefined of any other. */
  named(tensor: string): string | undefined
  /** What the file itself leaves unsaid: its network and, where its code says them, its inputs. */
  metadata: Record<string, string>
  /** The same as a sentence without its beginning, for people. */
  said: string
}

/** Of tensors under the names of a file; undefined where they are no network of GSM's code. */
export function gsmNetworkOf(tensors: Tensors): FromGsm | undefined {
  const found = foundIn(tensors, gsmNetworks, ({ named }) => named)
  if (!found) return undefined
  const { network, model } = found
  const { called, inputs } = network
  const [mean, std] = (inputs ?? []).map((value) => JSON.stringify([value]))
  const here = new Map([...found.layers].map(([layer, there]) => [there, layer]))
  return {
    named: (tensor) => renamedIn(here, tensor),
    metadata: { ...identityOf(model), ...(inputs && { mean, std }) },
    said:
      `is ${called} of the code of GSM, here ${model.name}` +
      (inputs ? `, whose inputs are (pixel / 255 - ${inputs[0]}) / ${inputs[1]}` : ''),
  }
}

const identityOf = ({ name, classes, widen }: Model): Record<string, string> => ({
  model: name,
  classes: String(classes),
  ...(widen !== undefined && { widen: String(widen) }),
})

/**
 * The file as the code of GSM reads it: under its names, with the widths of convolutions where it looks for
 * them, and with metadata that say the network, by which the file is told from one of that code. One of a
 * network that it does not have stays as it is.
 */
export function asGsm(file: TensorFile): TensorFile {
  const { model: name } = file.metadata
  const candidates = gsmNetworks.filter(({ model }) => name === undefined || model === name)
  const found = foundIn(file.tensors, candidates, () => (layer) => layer)
  if (!found) return file
  const { network, model } = found
  const tensors = new Map<string, StoredTensor>()
  const there = new Map([...found.layers.keys()].map((layer) => [layer, network.named(layer)]))
  for (const [tensor, value] of file.tensors) tensors.set(renamedIn(there, tensor) ?? tensor, value)
  if (network.widths && !tensors.has('deps')) tensors.set('deps', widthsOf(model))
  return { tensors, metadata: { ...identityOf(model), ...file.metadata } }
}

/** Output channels of all convolutions, those of a block's shortcut before its others. */
function widthsOf(model: Model): StoredTensor {
  const kernels = graphOf(model)
    .stored()
    .filter(({ shape }) => shape.length === 4)
  const block = (name: string) => /^layer\d+\.\d+/.exec(name)?.[0] ?? name
  const blocks = [...new Set(kernels.map(({ name }) => block(name)))]
  const isShortcut = ({ name }: { name: string }) => !/\.conv\d+\.weight$/.test(name)
  const widths = blocks.flatMap((one) => {
    const own = kernels.filter(({ name }) => block(name) === one)
    return own.toSorted((a, b) => Number(isShortcut(b)) - Number(isShortcut(a))).map(({ shape }) => BigInt(shape[0]))
  })
  const data = new Uint8Array(BigInt64Array.from(widths).buffer)
  return { dtype: 'I64', shape: [widths.length], data }
}
