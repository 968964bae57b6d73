import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readSafetensors, writeSafetensors } from '../../../src/formats/safetensors.ts'
import { HiddenWeights } from '../../../src/methods/rewiring/hidden-weights.ts'
import { setHyper } from '../../../src/optim/sgd.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { smallNetwork } from '../../train/small.ts'

const name = 'fc1.weight'
const options = { momentum: 0.9, nesterov: true, weightDecay: 1e-2, l1: 1e-3 }
const rate = 0.1

/** By the formulas of sgd.ts, where the loss says nothing. */
function stepped([w, v]: readonly [number, number]): readonly [number, number] {
  const d = options.weightDecay * w + options.l1 * Math.sign(w)
  const momentum = options.momentum * v + d
  return [w - rate * (d + options.momentum * momentum), momentum]
}

it('masked weights decay with their momentum; at an event they vanish, and momentum goes with the places', () => {
  const network = smallNetwork()
  setHyper(network.executable, rate, options)
  const mask = network.mask(name)
  mask.fill(1)
  const [masked, pruned, kept] = [3, 5, 6]
  mask[masked] = 0
  network.applyMasks()
  const hidden = new HiddenWeights(options, () => Float32Array.from(mask, () => 0.5))
  hidden.begin([name])

  const before = network.weights.nonzeros(name)
  before.momentum[before.positions.indexOf(pruned)] = 0.25
  before.momentum[before.positions.indexOf(kept)] = 0.75
  let state: readonly [number, number] = [0.5, 0]
  for (let i = 0; i < 3; i++) {
    hidden.step(network, rate)
    state = stepped(state)
  }
  const after = { ...before, momentum: before.momentum.map((v, e) => (before.positions[e] === kept ? v : 0)) }
  after.positions = before.positions.map((p) => (p === pruned ? masked : p)).sort()
  hidden.event(name, before, [before.positions.indexOf(pruned)], after, Int32Array.of(masked))
  expect(after.momentum[after.positions.indexOf(masked)]).toBeCloseTo(state[1], 6)
  expect(state[1]).toBeGreaterThan(0.01)

  // The place that was pruned keeps its momentum, from a value of 0.
  mask[masked] = 1
  mask[pruned] = 0
  const path = join(temporaryFolder(), 'hidden.safetensors')
  writeSafetensors(path, { tensors: new Map(hidden.save()), metadata: {} })
  const restored = new HiddenWeights(options, () => [])
  restored.restore(name, readSafetensors(path))
  for (const one of [hidden, restored]) {
    one.step(network, rate)
    const again = { ...after, positions: before.positions, momentum: new Float64Array(after.momentum.length) }
    one.event(name, after, [], again, Int32Array.of(pruned))
    expect(again.momentum[again.positions.indexOf(pruned)]).toBeCloseTo(stepped([0, 0.25])[1], 6)
  }
})
