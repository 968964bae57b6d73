/**
 * @file What a TensorFlow Lite file holds, as it grows: tensors and operators in the order in which they run,
 * and its bytes in the end.
 */
import { flatBuffer, type Row, type Union } from './flatbuffer.ts'
import {
  ACTIVATIONS,
  type ElementType,
  IDENTIFIER,
  type OperatorName,
  operators,
  TYPES,
  tables,
  VERSION,
} from './schema.ts'

export interface FileTensor {
  name: string
  shape: readonly number[]
  type: ElementType
  /** Of stored tensors. */
  data?: Uint8Array
  quantization?: Row<(typeof tables)['quantization']>
  /** Of encoded ones: `data` holds nonzeros alone. */
  sparsity?: Row<(typeof tables)['sparsity']>
}

export interface FileOperator {
  name: OperatorName
  inputs: readonly number[]
  outputs: readonly number[]
  options: Readonly<Record<string, unknown>>
  /** Of the operator's definition: the first one that has what is asked for. */
  version: number
}

/** Options of an operator, by the names of the schema. */
export type OptionsOf<N extends OperatorName> = Row<(typeof operators)[N]['table']>

export interface Named {
  name: string
  tensor: number
}

export class TfliteFile {
  readonly tensors: FileTensor[] = []
  operators: FileOperator[] = []
  readonly inputs: Named[] = []
  readonly outputs: Named[] = []
  /** Whether XNNPACK skips the zeros of weights that are stored as nonzeros. */
  skipsZeros = false
  /** What is to be known of the file besides, a sentence each. */
  readonly notes: string[] = []
  readonly #integers = new Map<string, number>()

  /** Adds a tensor; its index. */
  add(tensor: FileTensor): number {
    return this.tensors.push(tensor) - 1
  }

  /** A stored list of whole numbers, such as axes: its index, the same for the same numbers. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): number {
    const key = `${shape}:${values}`
    const data = new Uint8Array(Int32Array.from(values).buffer)
    const found = this.#integers.get(key) ?? this.add({ name: `integers ${key}`, shape, type: 'int32', data })
    this.#integers.set(key, found)
    return found
  }

  /** Appends an operator with one output; the index of that. */
  apply<N extends OperatorName>(
    name: N,
    inputs: readonly number[],
    output: number,
    options: OptionsOf<N> = {},
    version = 1,
  ): number {
    this.operators.push({ name, inputs, outputs: [output], options, version })
    return output
  }

  /** The bytes of the file. `facts` are what is known of the network besides, as text. */
  encode(facts: Readonly<Record<string, string>>): Uint8Array {
    const used = this.#used()
    const places = new Map(used.map((tensor, i) => [tensor, i]))
    const place = (tensor: number) => places.get(tensor)!
    const codes = [...new Set(this.operators.map(({ name, version }) => `${name} ${version}`))]
    // Buffer 0 is that of tensors without values.
    const buffers: { data?: Uint8Array }[] = [{}]
    const bufferOf = (data: Uint8Array | undefined) => (data ? buffers.push({ data }) - 1 : 0)
    const tensors = used.map((index) => {
      const { data, type, ...tensor } = this.tensors[index]
      return { ...tensor, type: TYPES[type], buffer: bufferOf(data) }
    })
    const named = (list: readonly Named[]) => list.map(({ name, tensor }) => ({ name, tensor_index: place(tensor) }))
    const subgraph = {
      tensors,
      inputs: this.inputs.map(({ tensor }) => place(tensor)),
      outputs: this.outputs.map(({ tensor }) => place(tensor)),
      operators: this.operators.map(({ name, version, inputs, outputs, options }) => {
        const { type, table } = operators[name]
        return {
          opcode_index: codes.indexOf(`${name} ${version}`),
          inputs: inputs.map(place),
          outputs: outputs.map(place),
          ...(type > 0 && { builtin_options_type: type, builtin_options: { table, row: options } satisfies Union }),
        }
      }),
      name: 'main',
    }
    const metadata = [{ name: 'espalier', buffer: bufferOf(new TextEncoder().encode(JSON.stringify(facts))) }]
    const model = {
      version: VERSION,
      operator_codes: codes.map((code) => {
        const [name, version] = code.split(' ')
        const { code: builtin } = operators[name as OperatorName]
        return { deprecated_builtin_code: Math.min(builtin, 127), version: Number(version), builtin_code: builtin }
      }),
      subgraphs: [subgraph],
      description: 'written by Espalier',
      buffers,
      metadata,
      signature_defs: [
        {
          inputs: named(this.inputs),
          outputs: named(this.outputs),
          signature_key: 'serving_default',
          subgraph_index: 0,
        },
      ],
    }
    const size = buffers.reduce((sum, { data }) => sum + (data?.length ?? 0) + 64, 0)
    return flatBuffer(tables.model, model, IDENTIFIER, size + 1024 * (tensors.length + 4))
  }

  /** Tensors that an operator, an input or an output is about, in their order. */
  #used(): number[] {
    const of = this.operators.flatMap(({ inputs, outputs }) => [...inputs, ...outputs])
    const ends = [...this.inputs, ...this.outputs].map(({ tensor }) => tensor)
    return [...new Set([...of, ...ends])].sort((a, b) => a - b)
  }

  /**
   * Makes activations part of the operators before them, where these can have one and nothing else reads what
   * they compute.
   */
  fuseActivations(): void {
    const outputs = new Set(this.outputs.map(({ tensor }) => tensor))
    const readers = new Map<number, number>()
    for (const { inputs } of this.operators)
      for (const tensor of inputs) readers.set(tensor, (readers.get(tensor) ?? 0) + 1)
    const makers = new Map<number, number>()
    const kept: FileOperator[] = []
    for (const operator of this.operators) {
      const [x] = operator.inputs
      const at = makers.get(x)
      const before = at === undefined ? undefined : kept[at]
      const alone = readers.get(x) === 1 && !outputs.has(x)
      const like = this.#likeInput(operator)
      if (before && alone && like && isActivation(operator.name) && canFuse(before)) {
        const options = { ...before.options, fused_activation_function: ACTIVATIONS[operator.name] }
        kept[at!] = { ...before, options, outputs: operator.outputs }
        makers.set(operator.outputs[0], at!)
        continue
      }
      makers.set(operator.outputs[0], kept.push(operator) - 1)
    }
    this.operators = kept
  }

  /** Whether an operator's output has the type and the scale of its input. */
  #likeInput({ inputs: [x], outputs: [y] }: FileOperator): boolean {
    const [before, after] = [x, y].map((index) => this.tensors[index])
    return before.type === after.type && JSON.stringify(before.quantization) === JSON.stringify(after.quantization)
  }
}

const isActivation = (name: OperatorName): name is Exclude<keyof typeof ACTIVATIONS, 'NONE'> =>
  Object.hasOwn(ACTIVATIONS, name)

const canFuse = ({ name, options }: FileOperator): boolean =>
  name !== 'CONCATENATION' &&
  'fused_activation_function' in operators[name].table &&
  !('fused_activation_function' in options)
