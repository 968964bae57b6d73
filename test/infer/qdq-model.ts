/**
 * @file Models in QDQ form written by hand: QuantizeLinear and DequantizeLinear around operators of floats.
 */
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { random } from '../../src/util/random.ts'
import type { Attribute, Step, Stored, Written } from '../formats/onnx/build.ts'

/** What bytes of a tensor stand for: (q - zero) scale; `signed`: from -128 to 127. */
export interface Grid {
  scale: number
  zero: number
  signed?: boolean
}

/** Whole numbers of a weight, most of them at an end of what `most` allows. */
export function wholeNumbers(count: number, most: number, seed: string): number[] {
  const draw = random(3, seed)
  return Array.from({ length: count }, () => {
    const value = [-most - 1, most, 0, draw.below(2 * most) - most][draw.below(4)]
    return Math.max(value, -most - (most === 127 ? 1 : 0))
  })
}

/** Collects the steps of a model; every method gives the name of a result of real numbers. */
export class QdqModel {
  readonly #stored: Record<string, Stored> = {}
  readonly #steps: Step[] = []

  /** Any operator. */
  apply(op: string, inputs: string[], attributes?: Record<string, Attribute>): string {
    const output = `t${this.#steps.length}`
    this.#steps.push({ op, inputs, output, attributes })
    return output
  }

  floats(values: readonly number[], shape: readonly number[] = []): string {
    return this.#put({ shape, values })
  }

  /** To bytes and back. */
  quantized(x: string, { scale, zero, signed }: Grid): string {
    const type = signed ? DataType.INT8 : DataType.UINT8
    const grid = [this.floats([scale]), this.#put({ shape: [], values: [zero], type })]
    return this.apply('DequantizeLinear', [this.apply('QuantizeLinear', [x, ...grid]), ...grid])
  }

  /** Stored whole numbers with a scale for each place of an axis, or one for all. */
  stored(
    values: readonly number[],
    shape: readonly number[],
    scales: readonly number[],
    { type = DataType.INT8, axis = 0 }: { type?: DataType; axis?: number } = {},
  ): string {
    const along = scales.length === 1 ? [] : [scales.length]
    const zero = this.#put({ shape: along, values: scales.map(() => 0), type })
    const inputs = [this.#put({ shape, values, type }), this.floats(scales, along), zero]
    return this.apply('DequantizeLinear', inputs, { axis })
  }

  /** A weight with a scale for each output, and a bias, for an input on a grid. */
  layer(shape: readonly number[], input: Grid, { most = 60, seed = 'w' } = {}): string[] {
    const [outputs] = shape
    const draw = random(5, seed)
    const scales = Array.from({ length: outputs }, () => Math.fround(0.002 + 0.004 * draw.uniform()))
    const count = shape.reduce((a, b) => a * b, 1)
    const biases = Array.from({ length: outputs }, () => draw.below(4000) - 2000)
    const products = scales.map((scale) => Math.fround(scale * Math.fround(input.scale)))
    return [
      this.stored(wholeNumbers(count, most, seed), shape, scales),
      this.stored(biases, [outputs], products, { type: DataType.INT32 }),
    ]
  }

  #put(stored: Stored): string {
    const name = `s${Object.keys(this.#stored).length}`
    this.#stored[name] = stored
    return name
  }

  written(input: readonly number[]): Written {
    return {
      input,
      stored: this.#stored,
      steps: this.#steps.map((step, i) => last(step, i === this.#steps.length - 1)),
    }
  }
}

/** The last step gives the output of the model. */
const last = ({ output, ...step }: Step, isLast: boolean): Step => (isLast ? step : { ...step, output })
