/**
 * @file A node of an ONNX graph as translators see it: names, and attributes with their types checked. It
 * remembers which attributes were asked for: what nobody asks for is not honoured.
 */
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
  type TensorProto,
} from 'onnx-buf'
import { UserError } from '../../util/errors.ts'
import type { Slot } from './edit.ts'

export class Operation {
  readonly proto: NodeProto
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /**
   * The node of the file; `proto` may be another one, with the attributes of a call or the bias of an Add.
   */
  readonly node: NodeProto
  /** The node of the file that has each input: that of a merged Add for the bias of a product. */
  readonly slots: readonly Slot[]
  /** Version of ONNX's operators that the model says it uses. */
  readonly opset: number
  /** How messages call the node. */
  readonly label: string
  readonly #attributes: ReadonlyMap<string, AttributeProto>
  readonly #asked = new Set<string>()

  constructor(proto: NodeProto, opset: number, { node = proto, slots }: { node?: NodeProto; slots?: Slot[] } = {}) {
    const { opType, domain, name, input, output, attribute } = proto
    const standard = domain === '' || domain === 'ai.onnx'
    this.op = standard ? opType : `${domain}.${opType}`
    this.inputs = input
    this.outputs = output
    this.proto = proto
    this.node = node
    this.slots = slots ?? input.map((_, i) => ({ node, input: i }))
    this.opset = opset
    this.label = `node ${name || output[0] || '(without a name)'} (${this.op})`
    this.#attributes = new Map(attribute.map((one) => [one.name, one]))
  }

  /** Attributes that nothing has asked for yet. */
  get unasked(): string[] {
    return [...this.#attributes.keys()].filter((name) => !this.#asked.has(name))
  }

  /** Says of attributes that they change nothing of what is computed here. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#asked.add(name)
  }

  has(name: string): boolean {
    this.#asked.add(name)
    return this.#attributes.has(name)
  }

  integer(name: string, fallback: number): number {
    return Number(this.#attribute(name, AttributeType.INT)?.i ?? fallback)
  }

  float(name: string, fallback: number): number {
    return this.#attribute(name, AttributeType.FLOAT)?.f ?? fallback
  }

  text(name: string, fallback: string): string {
    const bytes = this.#attribute(name, AttributeType.STRING)?.s
    return bytes ? new TextDecoder().decode(bytes) : fallback
  }

  texts(name: string): string[] | undefined {
    const list = this.#attribute(name, AttributeType.STRINGS)?.strings
    return list?.map((bytes) => new TextDecoder().decode(bytes))
  }

  integers(name: string): number[] | undefined {
    return this.#attribute(name, AttributeType.INTS)?.ints.map(Number)
  }

  floats(name: string): number[] | undefined {
    return this.#attribute(name, AttributeType.FLOATS)?.floats
  }

  tensor(name: string): TensorProto | undefined {
    return this.#attribute(name, AttributeType.TENSOR)?.t
  }

  /** A list of 64-bit integers that must be there. */
  required(name: string): number[] {
    const list = this.integers(name)
    if (!list) throw new UserError(`${this.label} has no attribute ${name}`)
    return list
  }

  #attribute(name: string, type: AttributeType): AttributeProto | undefined {
    this.#asked.add(name)
    const found = this.#attributes.get(name)
    // Very old writers leave the type out.
    if (found && found.type !== type && found.type !== AttributeType.UNDEFINED)
      throw new UserError(
        `${this.label}: attribute ${name} has the type ${AttributeType[found.type]}, expected ${AttributeType[type]}`,
      )
    return found
  }
}
