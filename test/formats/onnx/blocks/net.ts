/** @file Small networks as other tools write them, node by node, with random weights that are named. */
import { type ModelText, modelBytes, type Step, type Stored } from '../models.ts'
import { normal } from '../same.ts'

type With = Step['with']

/** Every method appends nodes and returns the name of what the last of them computes. */
export class Net {
  readonly #inputs: ModelText['inputs']
  readonly #stored: Record<string, Stored> = {}
  readonly #steps: Step[] = []

  /** `shape` is that of the input x, with names for sizes that the file leaves open. */
  constructor(shape: readonly (number | string)[]) {
    this.#inputs = { x: shape }
  }

  bytes(output: string, opset = 17): Uint8Array {
    this.#steps.push({ op: 'Identity', in: [output], out: 'y' })
    return modelBytes({ inputs: this.#inputs, stored: this.#stored, steps: this.#steps, outputs: ['y'], opset })
  }

  op(op: string, inputs: string[], attributes: With = {}): string {
    const out = `${op.toLowerCase()}${this.#steps.length}`
    this.#steps.push({ op, in: inputs, out, with: attributes })
    return out
  }

  split(x: string, sizes: readonly number[], axis = 1): string[] {
    const outs = sizes.map((_, i) => `part${this.#steps.length}.${i}`)
    this.#steps.push({ op: 'Split', in: [x, this.whole(sizes)], out: outs, with: { axis } })
    return outs
  }

  /** Stored numbers, normally distributed around `mean`. */
  floats(name: string, shape: readonly number[], mean = 0): string {
    this.#stored[name] = { shape, values: normal(shape, name).map((value) => mean + 0.5 * value) }
    return name
  }

  whole(values: readonly number[]): string {
    const name = `list${Object.keys(this.#stored).length}`
    this.#stored[name] = { shape: [values.length], values, type: 'int64' }
    return name
  }

  scalar(value: number): string {
    const name = `number${Object.keys(this.#stored).length}`
    this.#stored[name] = { shape: [], values: [value] }
    return name
  }

  /** A convolution with a bias; `shape`: outputs, inputs of a group, side of the kernel. */
  conv(x: string, name: string, [out, ins, side]: readonly number[], attributes: With = {}): string {
    const weight = this.floats(`${name}.weight`, [out, ins, side, side])
    return this.op('Conv', [x, weight, this.floats(`${name}.bias`, [out])], attributes)
  }

  /** A convolution without padding, followed by ReLU. */
  relu(x: string, name: string, shape: readonly number[], attributes: With = {}): string {
    return this.op('Relu', [this.conv(x, name, shape, attributes)])
  }

  /** A linear layer of all places, by a stored matrix [inputs, outputs] and a bias. */
  linear(x: string, name: string, ins: number, out: number): string {
    const y = this.op('MatMul', [x, this.floats(`${name}.weight`, [ins, out])])
    return this.op('Add', [y, this.floats(`${name}.bias`, [out])])
  }

  reshape(x: string, shape: readonly number[]): string {
    return this.op('Reshape', [x, this.whole(shape)])
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.op('Transpose', [x], { perm })
  }

  layerNorm(x: string, name: string, size: number): string {
    const [scale, bias] = [this.floats(`${name}.weight`, [size], 1), this.floats(`${name}.bias`, [size])]
    return this.op('LayerNormalization', [x, scale, bias], { axis: -1 })
  }

  /** The mean of every channel, and 3 scores. */
  classify(x: string, channels: number): string {
    const pooled = this.op('Flatten', [this.op('GlobalAveragePool', [x])])
    const weight = this.floats('head.weight', [3, channels])
    return this.op('Gemm', [pooled, weight, this.floats('head.bias', [3])], { transB: 1 })
  }

  /** The sum over tokens [N, T, channels], and 3 scores. */
  classifyTokens(x: string, channels: number): string {
    const pooled = this.op('ReduceSum', [x, this.whole([1])], { keepdims: 0 })
    const weight = this.floats('head.weight', [3, channels])
    return this.op('Gemm', [pooled, weight, this.floats('head.bias', [3])], { transB: 1 })
  }
}
