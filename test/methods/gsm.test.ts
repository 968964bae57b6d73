import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import type { Shape } from '../../src/graph/tensor.ts'
import {
  activeGradients,
  activeName,
  FROZEN,
  globalSparseMomentum,
  IMPORTANCE,
  passiveFactor,
  passiveProblem,
  STAYED,
} from '../../src/methods/gsm/rule.ts'
import { appendSgd, momentumName, type SgdOptions, setHyper } from '../../src/optim/sgd.ts'
import { Network } from '../../src/train/network.ts'
import { type EpochResult, train } from '../../src/train/train.ts'
import { draws } from '../support/breadth.ts'
import { onEveryEngine } from '../support/engines.ts'
import { smallConv, smallImages } from '../support/small-conv.ts'
import { machine, smallNetwork, stateOf } from '../train/small.ts'

/** A program of one GSM step with given gradients: `weights` are ranked, `biases` are not. */
function stepOf(on: Machine, active: number, weights: Record<string, Shape>, biases: Record<string, Shape> = {}) {
  const graph = new Graph()
  const parameter = ([name, shape]: [string, Shape]) => graph.parameter(name, shape)
  const given = ([name, shape]: [string, Shape]) => graph.state(`d ${name}`, shape)
  const [ranked, others] = [Object.entries(weights), Object.entries(biases)]
  const parameters = [...ranked, ...others].map(parameter)
  const acting = activeGradients(graph, parameters.slice(0, ranked.length), ranked.map(given), active)
  acting.forEach((tensor, i) => {
    graph.output(`active d ${ranked[i][0]}`, tensor)
  })
  appendSgd(graph, parameters, [...acting, ...others.map(given)], () => undefined)
  return compile(on, { step: graph })
}

it('two steps by hand: two of five weights are active, the others only decay; biases always learn', () => {
  const executable = stepOf(openReference(), 2, { a: [1, 3], b: [2, 1] }, { bias: [2] })
  executable.view('a').set([1, -2, 4])
  executable.view('b').set([3, 0])
  executable.view('bias').set([1, -1])
  const step = (a: number[], b: number[], bias: number[]) => {
    executable.view('d a').set(a)
    executable.view('d b').set(b)
    executable.view('d bias').set(bias)
    setHyper(executable, 0.5, { momentum: 0.5, weightDecay: 0.25, biasDecay: 0 })
    executable.run('step')
    return ['a', 'b', 'bias'].map((name) => [...executable.view(name)])
  }
  // |g w| = 2 6 4; 3 0: the second and third weight of a are active. v = active g + w / 4.
  expect(step([2, 3, -1], [1, 5], [1, 2])).toEqual([
    [1 - 0.125, -2 - 0.5 * (3 - 0.5), 4 - 0.5 * (-1 + 1)],
    [3 - 0.375, 0],
    [0.5, -2],
  ])
  expect(executable.scalar('step', IMPORTANCE)).toBe(2 + 6 + 4 + 3 + 0)
  expect([...executable.view(momentumName('a'))]).toEqual([0.25, 2.5, 0])
  // |g w| = 0.875 0 0; 5.25 0: the first weight of each tensor is active.
  // The second of a goes on by momentum.
  expect(step([1, 0, 0], [2, 7], [0, 0])).toEqual([
    [
      0.875 - 0.5 * (0.5 * 0.25 + 1 + 0.25 * 0.875),
      -3.25 - 0.5 * (0.5 * 2.5 - 0.25 * 3.25),
      4 - 0.5 * (0.5 * 0 + 0.25 * 4),
    ],
    [2.625 - 0.5 * (0.5 * 0.75 + 2 + 0.25 * 2.625), 0],
    [0.5 - 0.25 * 1, -2 - 0.25 * 2],
  ])
})

it('frozen, the largest weights are active, whatever their gradients; ties by index', () => {
  const executable = stepOf(openReference(), 3, { a: [1, 3], b: [2, 1] })
  executable.view('a').set([1, -4, 2])
  executable.view('b').set([-2, 0])
  setHyper(executable, 0, {})
  executable.view('d a').set([9, 1, 0])
  executable.view('d b').set([8, 7])
  const active = () => {
    executable.run('step')
    return ['a', 'b'].map((name) => [...executable.view(activeName(name))])
  }
  expect(active()).toEqual([
    [1, 1, 0],
    [1, 0],
  ])
  executable.view(FROZEN)[0] = 1
  expect(active()).toEqual([
    [0, 1, 1],
    [1, 0],
  ])
  expect(executable.scalar('step', IMPORTANCE)).toBe(1 + 4 + 2 + 2)
})

it('counts the weights that were active at the step before too', () => {
  const executable = stepOf(openReference(), 2, { a: [1, 3], b: [2, 1] })
  executable.view('a').fill(1)
  executable.view('b').fill(1)
  setHyper(executable, 0, {})
  const stayed = (a: number[], b: number[]) => {
    executable.view('d a').set(a)
    executable.view('d b').set(b)
    executable.run('step')
    return executable.scalar('step', STAYED)
  }
  expect(stayed([5, 1, 2], [4, 3])).toBe(0) // a0 b0
  expect(stayed([5, 6, 1], [4, 3])).toBe(1) // a0 a1
  expect(['a', 'b'].map((name) => [...executable.view(activeName(name))])).toEqual([
    [1, 1, 0],
    [0, 0],
  ])
  expect(stayed([5, 6, 1], [4, 3])).toBe(2)
  expect(stayed([1, 2, 3], [4, 5])).toBe(0) // b0 b1
})

it('counts reactivated weights over the steps of an epoch', async () => {
  const network = smallNetwork({ rules: [globalSparseMomentum(60)] })
  let [before, sum] = [new Set<string>(), 0]
  const onStep = () => {
    const names = network.prunable.flatMap(({ name }) =>
      [...network.state(activeName(name))].flatMap((value, i) => (value === 1 ? [`${name} ${i}`] : [])),
    )
    expect(names.length).toBe(60)
    sum += before.size === 0 ? 0 : names.filter((name) => !before.has(name)).length
    before = new Set(names)
  }
  const told: number[] = []
  const stepsPerEpoch = network.stepsPerEpoch
  const onEpoch = ({ outputs }: EpochResult) => told.push(60 * stepsPerEpoch - outputs![STAYED])
  const schedule = { kind: 'constant', base: 0.1 } as const
  await train(network, { epochs: 2, optimizer: { momentum: 0.9 }, schedule, onStep, onEpoch })
  expect(told[0] + told[1]).toBe(sum)
  expect(told[1]).toBeGreaterThan(0)
  expect(smallNetwork().step(network.indices.train.slice(0, network.batch)).outputs).toEqual({})
})

it.each<SgdOptions>([
  { momentum: 0.9, weightDecay: 1e-3 },
  { momentum: 0.95, weightDecay: 1e-3, biasDecay: 0, nesterov: true },
])('with all weights active it is momentum SGD, bit for bit: %o', async (optimizer) => {
  const all = 12 * 25 + 8 * 12 + 4 * 8
  const [plain, active] = [smallNetwork(), smallNetwork({ rules: [globalSparseMomentum(all)] })]
  for (const network of [plain, active])
    await train(network, { epochs: 5, optimizer, schedule: { kind: 'constant', base: 0.1 } })
  expect(stateOf(active)).toEqual(stateOf(plain))
  const fewer = smallNetwork({ rules: [globalSparseMomentum(all / 2)] })
  await train(fewer, { epochs: 5, optimizer, schedule: { kind: 'constant', base: 0.1 } })
  expect(stateOf(fewer)).not.toEqual(stateOf(plain))
})

it.each([
  { momentum: 0.9, weightDecay: 0.01, nesterov: false },
  { momentum: 0.9, weightDecay: 0.01, nesterov: true },
  { momentum: 0.99, weightDecay: 5e-5, nesterov: true },
  { momentum: 0.99, weightDecay: 5e-5, nesterov: false },
  { momentum: 0, weightDecay: 0.1, nesterov: false },
])('a passive weight shrinks by the factor of the closed form: %o', (optimizer) => {
  const executable = stepOf(openReference(), 1, { w: [1, 2] })
  executable.view('w').set([1, 1])
  executable.view('d w').set([3, 1]) // the first weight is active
  setHyper(executable, 0.1, optimizer)
  for (let step = 0; step < 4000; step++) executable.run('step')
  const before = executable.view('w')[1]
  executable.run('step')
  const factor = executable.view('w')[1] / before
  expect(factor).toBeLessThan(1)
  expect(Math.abs(factor - passiveFactor(0.1, optimizer)!)).toBeLessThan(1e-12)
})

it('the factor is near 1 - a / (1 - momentum), and there is none where weights oscillate', () => {
  for (const nesterov of [false, true])
    expect((1 - passiveFactor(5e-3, { momentum: 0.98, weightDecay: 1e-4, nesterov })!) / 2.5e-5).toBeCloseTo(1, 2)
  const limit = (1 - Math.sqrt(0.98)) ** 2
  expect(passiveFactor(1, { momentum: 0.98, weightDecay: 0.999 * limit })).toBeGreaterThan(0.98)
  expect(passiveFactor(1, { momentum: 0.98, weightDecay: 1.001 * limit })).toBeUndefined()
})

describe('warnings', () => {
  /** Learning rates of so many epochs each, of `steps` steps. */
  const rates = (base: number, epochs: readonly number[], steps: number) =>
    epochs.flatMap((count, i) => new Array<number>(count * steps).fill(base / 10 ** i))
  const lenet = rates(1e-2, [160, 40, 40, 40], 234)

  it('none for the published schedules, which shrink by e^8 and e^20', () => {
    expect(passiveProblem(rates(5e-3, [400, 100, 100], 781), { momentum: 0.98, weightDecay: 1e-4 })).toBeUndefined()
    expect(passiveProblem(lenet, { momentum: 0.99, weightDecay: 5e-4, nesterov: true })).toBeUndefined()
  })

  it('with less momentum passive weights stay: e^1.92', () => {
    expect(passiveProblem(lenet, { momentum: 0.9, weightDecay: 5e-4 })).toMatch(
      /^the schedule shrinks a passive weight only 6\.8\d times, expected 1097 or more: /,
    )
  })

  it('with too much decay they oscillate', () => {
    expect(passiveProblem(lenet, { momentum: 0.99, weightDecay: 3e-3 })).toMatch(
      /^at a learning rate of 0\.01 passive weights oscillate instead of shrinking: .* is 0\.000030, too much for a momentum of 0\.99$/,
    )
  })
})

/**
 * Weights and gradients whose products tie, vanish or are denormal. Gradients are not 0, so that an active
 * one can be told from a passive one.
 */
const weight = fc.constantFrom(0, -0, 1, -1, 2, 1e-45, -1e-40, 1e-38, 3e-20, 1e30)
const slope = fc.constantFrom(1, -1, 2, 0.5, 1e-45, 1e-30, 1e-7, -1e8)
const cases = fc
  .array(fc.tuple(weight, slope), { minLength: 2, maxLength: 200 })
  .chain((pairs) =>
    fc.record({ pairs: fc.constant(pairs), active: fc.nat(pairs.length), cut: fc.nat(pairs.length - 2) }),
  )

onEveryEngine((machines) => {
  it('exactly Q weights are active, those of the largest |g w|, ties by index; ties, zeros and denormal numbers included', () => {
    fc.assert(
      fc.property(cases, ({ pairs, active, cut }) => {
        const [w, g] = [pairs.map(([value]) => Math.fround(value)), pairs.map(([, value]) => Math.fround(value))]
        const importance = w.map((value, i) => Math.fround(Math.abs(value * g[i])))
        const order = w.map((_, i) => i).sort((i, j) => importance[j] - importance[i] || i - j)
        const top = new Set(order.slice(0, active))
        const first = cut + 1
        for (const each of machines) {
          const executable = stepOf(each, active, { a: [1, first], b: [1, w.length - first] })
          executable.view('a').set(w.slice(0, first))
          executable.view('d a').set(g.slice(0, first))
          executable.view('b').set(w.slice(first))
          executable.view('d b').set(g.slice(first))
          executable.run('step')
          const acting = ['a', 'b'].flatMap((name) => [...executable.read('step', `active d ${name}`)])
          expect(acting.map((value) => value + 0)).toEqual(g.map((value, i) => (top.has(i) ? value : 0)))
        }
      }),
      draws(60),
    )
  })

  it('trains to the same bits with any number of threads', async () => {
    const states = []
    for (const each of machines) {
      const network = smallNetwork({ machine: each, rules: [globalSparseMomentum(60)] })
      const optimizer = { momentum: 0.9, weightDecay: 1e-2, nesterov: true }
      await train(network, { epochs: 4, optimizer, schedule: { kind: 'constant', base: 0.1 } })
      states.push(stateOf(network))
    }
    for (const state of states) expect(state).toEqual(states[0])
  })
})

it('biases and normalizations are never passive', () => {
  const network = new Network({
    machine,
    model: smallConv,
    data: smallImages(),
    batch: 16,
    rules: [globalSparseMomentum(3)],
  })
  setHyper(network.executable, 0.1, { momentum: 0.9 })
  const before = new Map(network.parameters.map(({ name }) => [name, network.values(name).slice()]))
  network.step(Uint32Array.from({ length: 16 }, (_, i) => i))
  const moved = (name: string) => network.values(name).filter((value, i) => value !== before.get(name)![i]).length
  const ranked = new Set(network.prunable.map(({ name }) => name))
  const others = network.parameters.filter(({ name }) => !ranked.has(name))
  expect([...ranked].reduce((sum, name) => sum + moved(name), 0)).toBe(3)
  expect(others.length).toBeGreaterThan(3)
  for (const { name } of others) expect(moved(name), name).toBeGreaterThan(0)
})

it('an importance that is not finite ends training with a sentence', async () => {
  const executable = stepOf(machine, 1, { w: [1, 2] })
  executable.view('w').set([1e30, 1])
  executable.view('d w').set([1e30, 1])
  executable.run('step')
  expect(executable.scalar('step', IMPORTANCE)).toBe(Number.POSITIVE_INFINITY)

  const network = smallNetwork({ rules: [globalSparseMomentum(10)] })
  vi.spyOn(network, 'step').mockReturnValue({ loss: 1, correct: 0, outputs: { [IMPORTANCE]: Number.NaN } })
  await expect(train(network, { epochs: 1, schedule: { kind: 'constant', base: 0.1 } })).rejects.toThrow(
    /^the sum of all importances \|g w\| is NaN at step 1 \(learning rate 0\.1\), expected a finite number/,
  )
})
