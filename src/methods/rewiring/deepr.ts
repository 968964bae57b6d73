/**
 * @file Deep rewiring (Bellec et al. 2018, arXiv 1711.05136): every connection has a fixed sign s, and its
 * weight is w = s theta. After every step of the optimizer a random walk theta += noise pulls at the weights
 * that are there; one that became negative is taken away, and as many connections as were lost grow at theta
 * = 0 anywhere among the others, so that K of them are there at all times. The L1 term that Bellec et al.
 * have is `l1` of the optimizer.
 *
 * The noise of a step is normal with deviation sqrt(2 rate T), T the temperature. With `eta`, it is rate
 * sqrt(2 eta T) instead, as if it were part of the gradient: so the code of DSR (arXiv 1902.05967) has it.
 */
import { z } from 'zod'
import { overTime, valueAt } from '../../util/over-time.ts'
import { random } from '../../util/random.ts'
import { growAtRandom } from './growth.ts'
import { drawn, newWeights, type Rewiring, rewiringMethod, type SparseLayer, survivors } from './rewiring.ts'

export const deepR = rewiringMethod({
  summary: 'fixed signs, a random walk, lost weights regrown anywhere, at every step (Bellec et al. 2018)',
  settings: z.object({
    temperature: overTime(z.number().min(0)).default(0).describe('T of the random walk (0)'),
    newWeights,
    eta: z.number().positive().optional().describe('noise of the gradient instead of the weights'),
  }),
  everyStep: true,
  granularities: ['weight'],
  make: ({ seed, temperature, eta, ...others }) => ({
    ...deepRewiring(seed, valueAt<number>(temperature, undefined, 'temperature'), eta),
    drawn: drawn(others),
  }),
})

/** `seed`: of the signs; `temperature`: at a step. */
function deepRewiring(seed: number, temperature: (step: number) => number, eta: number | undefined): Rewiring {
  const signs = new Map<string, Uint8Array>()
  const signsOf = ({ name, size }: SparseLayer) => {
    let own = signs.get(name)
    if (!own) {
      const draw = random(seed, 'deepr signs', name)
      own = Uint8Array.from({ length: size }, () => draw.below(2))
      signs.set(name, own)
    }
    return own
  }
  return {
    begin(layers) {
      for (const layer of layers) {
        const own = signsOf(layer)
        for (let e = 0; e < layer.values.length; e++)
          layer.values[e] = Math.abs(layer.values[e]) * (own[layer.positions[e]] === 1 ? 1 : -1)
      }
    },
    event(layers, { draw, rate, step }) {
      const T = temperature(step)
      const deviation = eta === undefined ? Math.sqrt(2 * rate * T) : rate * Math.sqrt(2 * eta * T)
      const pruned = layers.map((layer) => {
        const own = signsOf(layer)
        const noise = draw(`${layer.name} noise`)
        const lost: number[] = []
        for (let e = 0; e < layer.values.length; e++) {
          if (deviation > 0) layer.values[e] += deviation * noise.normal()
          const theta = own[layer.positions[e]] === 1 ? layer.values[e] : -layer.values[e]
          if (theta < 0) lost.push(e)
        }
        return Int32Array.from(lost)
      })
      const left = layers.map((layer, i) => survivors(layer, pruned[i]))
      const total = pruned.reduce((sum, { length }) => sum + length, 0)
      const grown = growAnywhere(layers, left, total, draw)
      return layers.map((_, i) => ({ pruned: pruned[i], grown: grown[i] }))
    },
    // A place that grows has held no weight at the event: its tensor has signs already.
    beginsWith: (layer, place, value) => Math.abs(value) * (signs.get(layer)![place] === 1 ? 1 : -1),
    state: () => ({}),
    restore: () => {},
  }
}

/** `total` free places of all layers together, each choice as likely as any other. */
function growAnywhere(
  layers: readonly SparseLayer[],
  left: readonly Int32Array[],
  total: number,
  draw: (name: string) => ReturnType<typeof random>,
): Int32Array[] {
  const starts = layers.map((_, i) => layers.slice(0, i).reduce((sum, { size }) => sum + size, 0))
  const all = layers.reduce((sum, { size }) => sum + size, 0)
  const taken = new Int32Array(left.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  left.forEach((positions, i) => {
    for (const position of positions) taken[at++] = starts[i] + position
  })
  const grown = growAtRandom(draw('growth'), all, taken, total)
  return layers.map(({ size }, i) =>
    grown.filter((p) => p >= starts[i] && p < starts[i] + size).map((p) => p - starts[i]),
  )
}
