/**
 * @file MLPNet on MNIST in plain loops, for comparisons with published results: the network under masks and
 * the gradient of each sample, of which the columns are products of an input and a delta (784-40-20-10, ReLU,
 * no biases; Singh & Alistarh 2020).
 */
import type { Split } from '../../src/data/dataset.ts'
import type { GradientColumns } from '../../src/methods/second-order/fisher/columns.ts'

const sizes = [784, 40, 20, 10]

/** A matrix of one row per unit and one column per sample. */
type Units = readonly Float32Array[]

/** Normalized pixels of some images. */
export function pixels({ images }: Split, samples: ArrayLike<number>): Units {
  const values = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - 0.1307) / 0.3081)
  return Array.from({ length: sizes[0] }, (_, p) => {
    const unit = new Float32Array(samples.length)
    for (let s = 0; s < unit.length; s++) unit[s] = values[images[samples[s] * sizes[0] + p]]
    return unit
  })
}

/** Inputs of the three layers, and the ten outputs. Layer l has weights [sizes[l + 1], sizes[l]]. */
function forward(weights: readonly ArrayLike<number>[], masks: readonly ArrayLike<number>[], images: Units): Units[] {
  const units = [images]
  for (let l = 0; l < 3; l++) {
    const inputs = units[l]
    units.push(
      Array.from({ length: sizes[l + 1] }, (_, o) => {
        const sums = new Float32Array(images[0].length)
        for (let i = 0; i < sizes[l]; i++) {
          const w = weights[l][o * sizes[l] + i]
          if (masks[l][o * sizes[l] + i]) for (let s = 0; s < sums.length; s++) sums[s] += w * inputs[i][s]
        }
        return l < 2 ? sums.map((x) => Math.max(x, 0)) : sums
      }),
    )
  }
  return units
}

/** Softmax of the ten outputs of sample s. */
function probabilities(outputs: Units, s: number): number[] {
  const top = Math.max(...outputs.map((output) => output[s]))
  const powers = outputs.map((output) => Math.exp(output[s] - top))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}

/** Mean cross-entropy under masks, and the number of images classified correctly. */
export function evaluate(
  weights: readonly ArrayLike<number>[],
  masks: readonly ArrayLike<number>[],
  images: Units,
  labels: ArrayLike<number>,
): { loss: number; correct: number } {
  const outputs = forward(weights, masks, images)[3]
  let loss = 0
  let correct = 0
  for (let s = 0; s < labels.length; s++) {
    const p = probabilities(outputs, s)
    loss -= Math.log(p[labels[s]]) / labels.length
    if (p.indexOf(Math.max(...p)) === labels[s]) correct++
  }
  return { loss, correct }
}

/** The gradients of each sample's cross-entropy, for the three layers. */
export function mlpnetColumns(
  weights: readonly ArrayLike<number>[],
  images: Units,
  labels: ArrayLike<number>,
): GradientColumns[] {
  const dense = weights.map(({ length }) => new Uint8Array(length).fill(1))
  const units = forward(weights, dense, images)
  let deltas: Units = units[3].map((output) => new Float32Array(output.length))
  for (let s = 0; s < labels.length; s++)
    for (const [o, p] of probabilities(units[3], s).entries()) deltas[o][s] = p - (o === labels[s] ? 1 : 0)
  const columns: GradientColumns[] = []
  for (let l = 2; l >= 0; l--) {
    columns.unshift(rankOne(`fc${l + 1}.weight`, deltas, units[l]))
    const above = deltas
    deltas = units[l].map((unit, i) =>
      unit.map((x, s) =>
        x > 0 ? above.reduce((sum, delta, o) => sum + weights[l][o * sizes[l] + i] * delta[s], 0) : 0,
      ),
    )
  }
  return columns
}

/** Columns delta * input, in the order of a [deltas, inputs] matrix. */
function rankOne(name: string, deltas: Units, inputs: Units): GradientColumns {
  const samples = inputs[0].length
  const each = (visit: (q: number, delta: Float32Array, input: Float32Array) => void) => {
    for (const [o, delta] of deltas.entries())
      for (const [i, input] of inputs.entries()) visit(o * inputs.length + i, delta, input)
  }
  return {
    name,
    samples,
    size: deltas.length * inputs.length,
    column(weight, into) {
      const delta = deltas[Math.floor(weight / inputs.length)]
      const input = inputs[weight % inputs.length]
      for (let s = 0; s < samples; s++) into[s] = delta[s] * input[s]
    },
    correlate(v, sums) {
      const scaled = deltas.map((delta) => Float64Array.from(delta, (d, s) => d * v[s]))
      each((q, _, input) => {
        const delta = scaled[Math.floor(q / inputs.length)]
        let sum = 0
        for (let s = 0; s < samples; s++) sum += delta[s] * input[s]
        sums[q] = sum
      })
    },
    squares(sums) {
      each((q, delta, input) => {
        let sum = 0
        for (let s = 0; s < samples; s++) sum += (delta[s] * input[s]) ** 2
        sums[q] = sum
      })
    },
    combine(x, v) {
      each((q, delta, input) => {
        if (x[q]) for (let s = 0; s < samples; s++) v[s] += x[q] * delta[s] * input[s]
      })
    },
  }
}
