/**
 * @file Random ONNX models of images, with what files of other programs have: weights stored in every way,
 * several outputs, dead channels.
 */
import fc from 'fast-check'
import { type ModelText, mixed, type Step, type Stored } from './models.ts'

const SIDE = 6

/** How a weight is stored. */
const ways = ['float', 'double', 'float16', 'sparse', 'constant', 'shared'] as const
type Way = (typeof ways)[number]

const blocks = ['conv', 'depthwise', 'norm', 'relu', 'pool', 'residual', 'concat', 'reshape', 'pad', 'scale'] as const
type Block = (typeof blocks)[number]

export interface RandomModel {
  text: ModelText
  /** Of one sample. */
  sample: readonly number[]
}

interface Choice {
  block: Block
  way: Way
  channels: number
  /** Share of the outputs that are dead, of 8. */
  dead: number
}

const choice: fc.Arbitrary<Choice> = fc.record({
  block: fc.constantFrom(...blocks),
  way: fc.constantFrom(...ways),
  channels: fc.integer({ min: 2, max: 9 }),
  dead: fc.integer({ min: 0, max: 5 }),
})

export const randomModel: fc.Arbitrary<RandomModel> = fc
  .record({
    channels: fc.integer({ min: 1, max: 4 }),
    choices: fc.array(choice, { minLength: 1, maxLength: 7 }),
    opset: fc.constantFrom(11, 13, 17),
    head: fc.constantFrom('gemm', 'matmul', 'softmax', 'map'),
    way: fc.constantFrom(...ways),
    second: fc.boolean(),
    open: fc.boolean(),
  })
  .map((from) => new Maker(from.channels, from.opset).model(from))

class Maker {
  readonly #stored: Record<string, Stored> = {}
  readonly #steps: Step[] = []
  readonly #opset: number
  readonly #input: number
  #channels: number
  #side = SIDE
  #last = 'x'
  #count = 0

  constructor(channels: number, opset: number) {
    this.#channels = channels
    this.#input = channels
    this.#opset = opset
  }

  model(from: { choices: Choice[]; head: string; way: Way; second: boolean; open: boolean }): RandomModel {
    for (const one of from.choices) this.#add(one)
    const outputs = []
    if (from.second) outputs.push(this.#step('Conv', [this.#last, this.#weight([2, this.#channels, 1, 1], 'float')]))
    if (from.head === 'map') outputs.unshift(this.#step('Identity', [this.#last]))
    else {
      const size = this.#channels * this.#side ** 2
      const flat = this.#step('Flatten', [this.#last])
      const product =
        from.head === 'gemm'
          ? this.#step('Gemm', [flat, this.#weight([3, size], from.way), this.#vector(3)], { transB: 1 })
          : this.#step('MatMul', [flat, this.#weight([size, 3], from.way)])
      outputs.unshift(from.head === 'softmax' ? this.#step('Softmax', [product], { axis: -1 }) : product)
    }
    const sample = [this.#input, SIDE, SIDE]
    return {
      text: {
        inputs: { x: [from.open ? 'N' : 2, ...sample] },
        stored: this.#stored,
        steps: this.#steps,
        outputs,
        opset: this.#opset,
      },
      sample,
    }
  }

  #add({ block, way, channels, dead }: Choice): void {
    const [x, c] = [this.#last, this.#channels]
    const add: Record<Block, () => void> = {
      conv: () => {
        const kernel = this.#weight([channels, c, 3, 3], way, Math.floor((channels * dead) / 8))
        this.#last = this.#step('Conv', [x, kernel, this.#vector(channels, dead)], { pads: [1, 1, 1, 1] })
        this.#channels = channels
      },
      depthwise: () => {
        this.#last = this.#step('Conv', [x, this.#weight([c, 1, 3, 3], way)], { pads: [1, 1, 1, 1], group: c })
      },
      norm: () => {
        const positive = this.#store([c], 'float', (w) => 0.5 + w * w)
        this.#last = this.#step('BatchNormalization', [
          x,
          this.#vector(c),
          this.#vector(c, dead),
          this.#vector(c),
          positive,
        ])
      },
      relu: () => {
        this.#last = this.#step('Relu', [x])
      },
      pool: () => {
        if (this.#side % 2 > 0) return
        this.#last = this.#step(dead % 2 ? 'MaxPool' : 'AveragePool', [x], { kernel_shape: [2, 2], strides: [2, 2] })
        this.#side /= 2
      },
      residual: () => {
        const other = this.#step('Conv', [x, this.#weight([c, c, 1, 1], way, Math.floor((c * dead) / 8))])
        this.#last = this.#step('Add', [x, other])
      },
      concat: () => {
        if (c > 12) return
        this.#last = this.#step('Concat', [x, this.#step('Relu', [x])], { axis: 1 })
        this.#channels = 2 * c
      },
      reshape: () => {
        const flat = this.#step('Reshape', [x, this.#whole([0, c * this.#side ** 2])])
        this.#last = this.#step('Reshape', [flat, this.#whole([-1, c, this.#side, this.#side])])
      },
      pad: () => {
        if (this.#side > 6) return
        this.#last = this.#step('Pad', [x, this.#whole([0, 0, 0, 0, 0, 0, 1, 1])])
        this.#side += 1
      },
      scale: () => {
        this.#last = this.#step('Mul', [x, this.#store([1, c, 1, 1], 'float', (w) => w)])
      },
    }
    add[block]()
  }

  #name(): string {
    return `t${this.#count++}`
  }

  #step(op: string, inputs: string[], attributes: Step['with'] = {}): string {
    const out = this.#name()
    this.#steps.push({ op, name: `${op}_${out}`, in: inputs, out, with: attributes })
    return out
  }

  #store(shape: number[], type: Stored['type'], map: (w: number, i: number) => number, sparse = false): string {
    const name = this.#name()
    const values = mixed(
      shape.reduce((a, b) => a * b, 1),
      this.#count,
    ).map(map)
    this.#stored[name] = { shape, values, type, sparse }
    return name
  }

  #whole = (values: number[]) => {
    const name = this.#name()
    this.#stored[name] = { shape: [values.length], values, type: 'int64' }
    return name
  }

  /** `zero`: how many of its first values are 0. */
  #vector = (size: number, zero = 0) => this.#store([size], 'float', (w, i) => (i < zero ? 0 : w))

  /** A weight whose first outputs are dead. */
  #weight(shape: number[], way: Way, dead = 0): string {
    const row = shape.slice(1).reduce((a, b) => a * b, 1)
    const thin = way === 'sparse' ? (i: number) => i % 5 === 0 : () => true
    const value = (w: number, i: number) => (i < dead * row || !thin(i) ? 0 : w / Math.sqrt(row))
    if (way === 'double' || way === 'float16') return this.#step('Cast', [this.#store(shape, way, value)], { to: 1 })
    if (way === 'constant') {
      const stored = { shape, values: mixed(shape[0] * row, this.#count).map(value) }
      return this.#step('Constant', [], { value: { tensor: stored } })
    }
    const same = Object.entries(this.#stored).find(
      ([, one]) => one.type === 'float' && !one.sparse && String(one.shape) === String(shape),
    )
    if (way === 'shared' && same) return same[0]
    return this.#store(shape, 'float', value, way === 'sparse')
  }
}
