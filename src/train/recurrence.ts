/**
 * @file The states of a recurrent network that is given sound: which inputs are states, told by the outputs
 * that have their shapes, and what they are for each stretch, found by running the network over the sound.
 */
import type { Recurrence } from '../data/arrays/recurrence.ts'
import { sizeOf } from '../graph/tensor.ts'
import type { Model, RowPart } from '../models/model.ts'
import { pauseAfter } from '../util/next-turn.ts'

/** An input that is the state before a stretch, and the output that is the state after it. */
export interface StatePair {
  input: string
  output: string
}

type Parts = Pick<Model, 'inputs' | 'outputs'>

/**
 * The states of a network: all inputs but that of the sound, where there are as many outputs of the same
 * shape (axes of one place do not count) as inputs of it, in the same order. The sound is the one input of
 * which this is not so, else the first one. Empty where the network has no states, or they cannot be told.
 */
export function statesOf({ inputs = [], outputs = [] }: Parts): StatePair[] {
  const lone = inputs.filter((input) => like(input, inputs).length !== like(input, outputs).length)
  if (inputs.length < 2 || lone.length > 1) return []
  const [sound] = lone.length === 1 ? lone : inputs
  if (sound.whole) return []
  return inputs.flatMap((input) => {
    const output = like(input, outputs)[like(input, inputs).indexOf(input)]
    return input === sound ? [] : [{ input: input.name, output: output.name }]
  })
}

const sizes = ({ shape }: RowPart) => String(shape.filter((n) => n > 1))
const like = (part: RowPart, others: readonly RowPart[]) => others.filter((other) => sizes(other) === sizes(part))

/**
 * How the states of a network are found by `run`, which computes all outputs of one sample, one behind the
 * other; undefined where it has none that can be told.
 */
export function recurrenceOf(
  model: Parts,
  run: (sample: Float32Array) => Float32Array | Promise<Float32Array>,
): Recurrence | undefined {
  const pairs = statesOf(model)
  if (pairs.length === 0) return undefined
  const width = model.inputs!.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const moves = pairs.map(({ input, output }) => {
    const [from, size] = placeOf(model.outputs!, output)
    return { from, size, to: placeOf(model.inputs!, input)[0] }
  })
  const names = pairs.map(({ input, output }) => `${input} from ${output}`).join(', ')
  return {
    states: pairs.map(({ input }) => input),
    note: `states are those after the stretch of sound before (${names}), zeros where a file begins`,
    async fill(samples, follow) {
      const pause = pauseAfter(50)
      for (let n = 1; n * width < samples.length; n++) {
        if (!follow.has(n)) continue
        const results = await run(samples.subarray((n - 1) * width, n * width))
        for (const { from, size, to } of moves) samples.set(results.subarray(from, from + size), n * width + to)
        await pause()
      }
    },
  }
}

/** Where a part begins among those that lie one behind the other, and its size. */
function placeOf(parts: readonly RowPart[], name: string): [start: number, size: number] {
  let start = 0
  for (const part of parts) {
    const size = sizeOf(part.shape)
    if (part.name === name) return [start, size]
    start += size
  }
  throw new Error(`there is no part named ${name}`)
}
