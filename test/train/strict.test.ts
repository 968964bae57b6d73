/**
 * @file No code counts on memory that it can see while programs run: same bits where views are copies, and
 * where arenas lie in a device and are mirrored.
 */
import { describe, expect, it } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { Graph } from '../../src/graph/graph.ts'
import { add } from '../../src/graph/operators/elementwise.ts'
import { globalSparseMomentum } from '../../src/methods/gsm/rule.ts'
import { type MethodName, methods } from '../../src/methods/index.ts'
import type { PruneResult } from '../../src/methods/masks.ts'
import { prune } from '../../src/methods/prune.ts'
import { pruneBy } from '../../src/methods/prune-by.ts'
import { RewiringHook } from '../../src/methods/rewiring/hook.ts'
import { type RewiringName, rewiringOf, rewirings } from '../../src/methods/rewiring/index.ts'
import { smoothedGradients } from '../../src/methods/rewiring/smoothed-gradients.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import type { Network } from '../../src/train/network.ts'
import type { NetworkOptions } from '../../src/train/options.ts'
import { type Hook, train } from '../../src/train/train.ts'
import { mirrored } from '../support/mirrored.ts'
import { strict } from '../support/strict.ts'
import { dataOf, machine, model, smallNetwork } from './small.ts'

describe('the machine', () => {
  const opened = (on: Machine) => {
    const graph = new Graph()
    const x = graph.parameter('x', [4])
    graph.output('y', add(graph, x, x))
    return compile(on, { double: graph })
  }

  it('takes what was written into views, and spoils them', () => {
    const executable = opened(strict(machine))
    const view = executable.view('x')
    view.set([1, 2, 3, 4])
    executable.run('double')
    expect([...executable.raw('double', 'y')]).toEqual([2, 4, 6, 8])
    expect([...view]).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN])
    view.fill(7)
    executable.run('double')
    expect([...executable.read('double', 'y')]).toEqual([2, 4, 6, 8])
  })

  it('loses what was written where it is to be read', () => {
    const executable = opened(strict(openReference()))
    executable.view('x').set([1, 2, 3, 4])
    executable.run('double')
    executable.raw('double', 'y').fill(0)
    expect(executable.scalar('double', 'y')).toBe(2)
    executable.writeRaw('double', 'y', [5, 6, 7, 8])
    expect(executable.scalar('double', 'y')).toBe(5)
  })
})

/** All weights, and what the network makes of the test set. */
const said = (network: Network) => ({
  weights: network.parameters.map(({ name }) => [...network.weights.whole(name)]),
  ...network.evaluate('test'),
})

const learning = { epochs: 3, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } } as const

const machines = () => [machine, strict(machine), mirrored(machine)]

/** What all machines make of the same work. */
async function expectSame(options: Partial<NetworkOptions>, work: (network: Network) => Promise<unknown>) {
  const networks = machines().map((on) => smallNetwork({ ...options, machine: on }))
  for (const network of networks) await work(network)
  for (const network of networks.slice(1)) expect(said(network)).toEqual(said(networks[0]))
  return networks[1]
}

describe('training', () => {
  it.each(['dense', 'sparse', 'auto'] as const)('with pruning in between, on %s kernels', async (kernels) => {
    const hook: Hook = {
      atStep: (step, network) => void (step % 3 === 2 && prune(network, { sparsity: Math.min(0.1 * step, 0.8) })),
    }
    const network = await expectSame({ kernels }, (one) => train(one, { ...learning, hooks: [hook] }))
    network.assertMasked()
  })

  const floor = { weights: 5, share: 0 }
  it.each([
    ['with a floor', { sparsity: 0.9, floor }],
    ['where a collapse raises one', { sparsity: 0.97, method: 'random', onCollapse: 'floor', seed: 5 }],
    ['with equally many weights of every output', { sparsity: 0.7, granularity: 'fan-in' }],
    ['by a pattern', { sparsity: 0.6, granularity: '2:4' }],
    ['by runs and blocks', { sparsity: 0.6, granularity: 'block8' }],
    ['by whole channels', { sparsity: 0.5, granularity: 'channel' }],
  ] as const)('pruning twice %s', async (_, options) => {
    const results: unknown[] = []
    await expectSame({}, async (network) => {
      const first = prune(network, { ...options, sparsity: 0.5 * options.sparsity })
      results.push([first, prune(network, options)])
    })
    for (const result of results.slice(1)) expect(result).toEqual(results[0])
    if ('onCollapse' in options) expect((results[0] as PruneResult[])[1].floor).toBeDefined()
  })

  it('a collapse is refused', () => {
    for (const on of machines()) {
      const network = smallNetwork({ machine: on })
      const options = { method: 'random', sparsity: 0.985, onCollapse: 'error' } as const
      expect(() => prune(network, options)).toThrow(/keep|nothing|collapse/)
      expect(network.counts().every(({ kept, size }) => kept === size)).toBe(true)
    }
  })

  it('by global sparse momentum', async () => {
    await expectSame({ rules: [globalSparseMomentum(60)] }, (network) => train(network, learning))
  })

  it.each(Object.keys(rewirings) as RewiringName[])('with rewiring by %s', async (name) => {
    const { make, gradients } = rewiringOf(name)
    const rules = gradients === 'smoothed' ? [smoothedGradients(0.9)] : []
    const schedule = { start: 2, end: 9, period: () => 2 }
    await expectSame({ kernels: 'sparse', denseGradients: gradients === 'batch', rules }, (network) => {
      prune(network, { sparsity: 0.7 })
      const rewiring = make({ seed: 1, ...(name === 'dsr' && { moves: 10 }) })
      const hook = new RewiringHook({ rewiring, schedule, rate: () => 0.05, seed: 1, gradients })
      return train(network, { ...learning, hooks: [hook] })
    })
  })
})

describe('pruning by', () => {
  const data = dataOf({ train: 200, test: 40 })
  const trained = smallNetwork({ data })
  const weights = train(trained, learning).then(() => weightsOf(trained))

  it.each(Object.keys(methods) as MethodName[])('%s', async (method) => {
    const usual = { samples: 20, gradients: 20, judge: 20, stages: 2, polish: 1, rounds: 2 }
    const taken: readonly string[] = methods[method].takes
    const settings = Object.fromEntries(Object.entries(usual).filter(([key]) => taken.includes(key)))
    const found: unknown[] = []
    for (const on of machines()) {
      const options = { machine: on, model, data, weights: await weights, sparsity: 0.6, settings, seed: 2 }
      found.push(said((await pruneBy(method, options)).network))
    }
    for (const other of found.slice(1)) expect(other).toEqual(found[0])
  })
})
