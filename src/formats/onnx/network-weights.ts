/** @file The weights of a network written back into the ONNX file that it was read from. */
import type { ModelProto, NodeProto } from 'onnx-buf'
import type { Shape } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import { type StoredTensor, type TensorFile, toFloats } from '../safetensors-bytes.ts'
import { ModelEditor, type Slot } from './edit.ts'
import type { OnnxFile } from './file.ts'
import type { OnnxNetwork } from './network.ts'
import { readersOf } from './readers.ts'
import { floatsAs, merged } from './rewrite.ts'
import type { Origin } from './scope.ts'
import { transposed } from './value.ts'

/** A file as it is with the tensors of its network; what has not changed keeps its bits. */
export function withNetwork(
  file: OnnxFile,
  { origins, tensors: before }: OnnxNetwork,
  tensors: TensorFile['tensors'],
): ModelProto {
  const editor = new ModelEditor(file)
  const names = new Map<string, number>()
  const slots = new SlotReads(file, origins)
  for (const { source } of origins.values()) if (source) names.set(source.key, (names.get(source.key) ?? 0) + 1)
  for (const [name, origin] of origins) {
    const tensor = tensors.get(name)
    if (!tensor || !before.has(name) || same(before.get(name)!, tensor)) continue
    const numbers = { values: toFloats(tensor), shape: tensor.shape }
    if (origin.source && names.get(origin.source.key) === 1 && readsAll(file, origin))
      setSource(editor, origin, numbers, file.stored.get(origin.source.key)!().shape)
    else {
      slots.check(name, origin)
      replaceReads(editor, name, origin, numbers)
    }
  }
  return editor.finish()
}

/** Inputs of nodes, which read other numbers each time where a loop or a function runs them several times. */
class SlotReads {
  readonly #path: string
  readonly #names = new Map<NodeProto, Map<number, Set<string>>>()

  constructor({ path }: OnnxFile, origins: OnnxNetwork['origins']) {
    this.#path = path
    for (const [name, { reads }] of origins) for (const { slot } of reads) this.#of(slot).add(name)
  }

  #of({ node, input }: Slot): Set<string> {
    const inputs = this.#names.get(node) ?? new Map<number, Set<string>>()
    const names = inputs.get(input) ?? new Set<string>()
    this.#names.set(node, inputs.set(input, names))
    return names
  }

  /** Throws UserError where the reads of a tensor are those of another one, too. */
  check(name: string, { reads }: Origin): void {
    for (const { slot } of reads) {
      const others = [...this.#of(slot)].filter((one) => one !== name)
      if (others.length > 0)
        throw new UserError(
          `${this.#path}: ${name} cannot be written back, since ${slot.node.name || slot.node.output[0]} (${slot.node.opType}) reads ${others[0]} in the same place when it runs again`,
        )
    }
  }
}

function same(a: StoredTensor, b: StoredTensor): boolean {
  if (a.data === b.data) return true
  const [x, y] = [toFloats(a), toFloats(b)]
  return x.every((value, i) => Object.is(value, y[i]))
}

/**
 * Whether the network knows of every node that reads the stored tensor: then its values can change where they
 * are.
 */
export function readsAll({ proto }: OnnxFile, { source, roots }: Origin): boolean {
  const known = new Set(roots.map(({ node }) => node))
  return [...(readersOf(proto).get(source!.key) ?? [])].every((node) => known.has(node))
}

/** Numbers as the network has them, row-major. */
interface Numbers {
  values: ArrayLike<number>
  shape: Shape
}

/** Writes numbers of the network where they are stored, `shape`: there. */
export function setSource(editor: ModelEditor, { source }: Origin, numbers: Numbers, shape: Shape): void {
  const { key, transposed: turned } = source!
  const stored = editor.tensor(key)
  const values = inOrder(numbers, turned)
  editor.setTensor(
    key,
    String(shape) === String(stored.shape) ? merged(stored, values) : floatsAs(stored.dtype, shape, values),
  )
}

/** A stored tensor of its own for the nodes that read these numbers. */
export function replaceReads(editor: ModelEditor, name: string, { type, reads }: Origin, numbers: Numbers): void {
  const added = new Map<string, string>()
  for (const { slot, transposed: turned, shape } of reads) {
    const how = JSON.stringify([shape, turned])
    if (!added.has(how)) added.set(how, editor.addTensor(name, floatsAs(type, shape, inOrder(numbers, turned))))
    editor.setInput(slot, added.get(how)!)
  }
}

const inOrder = ({ values, shape }: Numbers, turned: boolean): ArrayLike<number> =>
  turned ? transposed(values, shape[0], shape[1]) : values
