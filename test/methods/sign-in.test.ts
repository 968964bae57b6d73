/**
 * @file Sign-In: factors and products beside steps that are written out here, on dense and on sparse kernels;
 * what balancing leaves and changes; checkpoints.
 */
import { describe, expect, it } from 'vitest'
import { openReference } from '../../src/engine/machines/reference.ts'
import { groupLasso } from '../../src/methods/group-lasso.ts'
import { prune } from '../../src/methods/prune.ts'
import { balance, balancing, factorNames, signIn } from '../../src/methods/sign-in.ts'
import { type SgdOptions, setHyper } from '../../src/optim/sgd.ts'
import { checkpointOf, loadCheckpoint, loadWeights, weightsOf } from '../../src/train/checkpoint.ts'
import type { Network } from '../../src/train/network.ts'
import { UserError } from '../../src/util/errors.ts'
import { smallNetwork, stateOf } from '../train/small.ts'

const samples = Uint32Array.from({ length: 16 }, (_, i) => i)
const NAMES = ['fc1.weight', 'fc2.weight', 'fc3.weight']

const factorsOf = ({ weights }: Network, name: string) => {
  const { m, momentum, u } = factorNames(name)
  const whole = (state: string) => Float64Array.from(weights.whole(name, state))
  return { w: whole(name), m: whole(m), mv: whole(momentum), u: whole(u), uv: whole(`${name}.momentum`) }
}
const bits = (network: Network) => ({
  ...stateOf(network),
  factors: NAMES.map((name) => Object.values(factorsOf(network, name)).map((values) => [...values])),
})

it('balanced factors, worked out: m² - u² is the scaling, m u the weight', () => {
  const [m, u] = [new Float64Array(4), new Float64Array(4)]
  // m² = (β + sqrt(β² + 4 w²)) / 2: for β = 3 and w = 2 that is (3 + 5) / 2 = 4.
  balance([2, -2, 0, 10], 3, m, u)
  expect([...m.slice(0, 3)]).toEqual([2, 2, Math.sqrt(3)])
  expect([...u.slice(0, 3)]).toEqual([1, -1, 0])
  expect(m[3] * u[3]).toBeCloseTo(10, 12)
  expect(m[3] ** 2 - u[3] ** 2).toBeCloseTo(3, 12)
})

const optimizers: SgdOptions[] = [{}, { momentum: 0.9 }, { momentum: 0.9, nesterov: true, weightDecay: 0.01, l1: 0.02 }]

describe.each(['dense', 'sparse'] as const)('on %s kernels', (kernels) => {
  it.each(optimizers)('%o: steps are those of SGD on both factors, the weight is their product', (optimizer) => {
    const options = { machine: openReference(), kernels, denseGradients: true }
    const network = smallNetwork({ ...options, rules: [signIn(1)] })
    // At random: among the weights that are left are small ones, whose signs flip.
    prune(network, { method: 'random', sparsity: 0.5, scope: 'layerwise' })
    expect(NAMES.map((name) => network.weights.isSparse(name))).toEqual(Array(3).fill(kernels === 'sparse'))
    const masks = NAMES.map((name) => [...network.weights.whole(name)].map((w) => (w === 0 ? 0 : 1)))
    const expected = NAMES.map((name) => {
      const w = Float64Array.from(network.weights.whole(name))
      const [m, u] = [new Float64Array(w.length), new Float64Array(w.length)]
      balance(w, 1, m, u)
      return { w, m, mv: new Float64Array(w.length), u, uv: new Float64Array(w.length) }
    })
    const { momentum = 0, nesterov = false, weightDecay = 0, l1 = 0 } = optimizer
    let flipped = 0
    for (let step = 0; step < 12; step++) {
      const rate = 0.3 - 0.01 * step
      const gradients = network.denseGradients(samples)
      expected.forEach((layer, t) => {
        const { w, m, mv, u, uv } = layer
        for (let i = 0; i < w.length; i++) {
          if (masks[t][i] === 0) {
            for (const values of Object.values(layer)) values[i] = 0
            continue
          }
          const g = gradients[t][i] + l1 * Math.sign(w[i])
          const [dm, du] = [g * u[i] + weightDecay * m[i], g * m[i] + weightDecay * u[i]]
          mv[i] = momentum * mv[i] + dm
          uv[i] = momentum * uv[i] + du
          m[i] -= rate * (nesterov ? dm + momentum * mv[i] : mv[i])
          u[i] -= rate * (nesterov ? du + momentum * uv[i] : uv[i])
          if (Math.sign(m[i] * u[i]) === -Math.sign(w[i])) flipped++
          w[i] = m[i] * u[i]
        }
      })
      setHyper(network.executable, rate, optimizer)
      network.step(samples)
      NAMES.forEach((name, t) => {
        const found = factorsOf(network, name)
        for (const [key, values] of Object.entries(expected[t]))
          found[key as keyof typeof found].forEach((value, i) => {
            expect(Math.abs(value - values[i]), `${name}.${key}[${i}]`).toBeLessThan(1e-12)
          })
      })
    }
    network.assertMasked()
    expect(flipped).toBeGreaterThan(3)
  })

  it('near zero a weight moves at the scaling times the learning rate, with SGD once', () => {
    const moved = (scaling: number | undefined) => {
      const rules = scaling === undefined ? [] : [signIn(scaling)]
      const network = smallNetwork({ machine: openReference(), kernels, rules })
      const small = new Map(NAMES.map((name) => [name, network.values(name).map((w) => 1e-4 * w)]))
      const file = weightsOf(network)
      for (const [name, values] of small) {
        const tensor = file.tensors.get(name)!
        file.tensors.set(name, { ...tensor, data: new Uint8Array(Float32Array.from(values).buffer) })
      }
      loadWeights(network, file, 'small weights')
      if (kernels === 'sparse') network.fitKernels()
      const before = network.weights.whole('fc3.weight').slice()
      setHyper(network.executable, 0.001, {})
      network.step(samples)
      return network.weights.whole('fc3.weight').map((w, i) => (w - before[i]) * 1e6)
    }
    const [plain, once, thrice] = [undefined, 1, 3].map(moved)
    expect(Math.max(...plain.map(Math.abs))).toBeGreaterThan(1e-3)
    plain.forEach((change, i) => {
      expect(once[i]).toBeCloseTo(change, 5)
      expect(thrice[i]).toBeCloseTo(3 * change, 4)
    })
  })

  it('balancing keeps weights and momenta and brings the scaling back, after so many steps', () => {
    const network = smallNetwork({ machine: openReference(), kernels, rules: [signIn(1)] })
    prune(network, { sparsity: 0.5 })
    const hook = balancing({ scaling: 1, every: 3 })
    const scalings = () => {
      const { w, m, u } = factorsOf(network, 'fc1.weight')
      return [...w].flatMap((weight, i) => (weight === 0 ? [] : [m[i] ** 2 - u[i] ** 2]))
    }
    hook.atStep(0, network)
    setHyper(network.executable, 0.1, { momentum: 0.9, weightDecay: 0.1 })
    for (let step = 1; step <= 3; step++) {
      network.step(samples)
      const before = stateOf(network)
      const mv = [...factorsOf(network, 'fc1.weight').mv]
      expect(Math.max(...scalings())).toBeLessThan(1)
      hook.atStep(step, network)
      expect(stateOf(network)).toEqual(before)
      expect([...factorsOf(network, 'fc1.weight').mv]).toEqual(mv)
    }
    for (const scaling of scalings()) expect(scaling).toBeCloseTo(1, 12)
  })

  it('a checkpoint goes on to the bit; a file of weights holds the products', () => {
    const make = (seed: number) => smallNetwork({ kernels, seed, rules: [groupLasso(0.1), signIn(1)] })
    const train = (network: Network, from: number) => {
      for (let step = from; step < from + 4; step++) {
        setHyper(network.executable, 0.1, { momentum: 0.9 })
        network.step(samples)
        balancing({ scaling: 1, every: 3 }).atStep(step + 1, network)
      }
    }
    const one = make(1)
    prune(one, { sparsity: 0.8 })
    train(one, 0)
    const checkpoint = checkpointOf(one, {})
    const { w } = factorsOf(one, 'fc1.weight')
    expect([...weightsOf(one).tensors.keys()].sort()).toEqual([...make(1).stored.map(({ name }) => name)].sort())
    train(one, 4)
    const other = make(2)
    loadCheckpoint(other, checkpoint, 'checkpoint')
    expect([...factorsOf(other, 'fc1.weight').w]).toEqual([...w])
    train(other, 4)
    expect(bits(other)).toEqual(bits(one))
    checkpoint.tensors.delete('fc2.weight.m')
    expect(() => loadCheckpoint(other, checkpoint, 'broken')).toThrow(/broken.*fc2\.weight\.m/)
  })
})

it.each([0, -1, Number.NaN])('a scaling of %d is refused', (scaling) => {
  expect(() => signIn(scaling)).toThrow(UserError)
  expect(() => balancing({ scaling, every: 1 })).toThrow(/scaling: expected a number above 0/)
})

it('a period of no step is refused', () => {
  expect(() => balancing({ scaling: 1, every: 0 })).toThrow(/every: expected a whole number of at least 1, found 0/)
})
