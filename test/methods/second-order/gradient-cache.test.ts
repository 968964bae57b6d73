/** @file Gradients that are kept on disk: used for the same question only, and only whole. */
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { synthetic } from '../../../src/data/synthetic.ts'
import { pruneSecondOrder } from '../../../src/methods/second-order/driver.ts'
import { GradientCache, gradientKey } from '../../../src/methods/second-order/fisher/gradient-cache.ts'
import { GradientSource } from '../../../src/methods/second-order/fisher/gradients.ts'
import { findModel } from '../../../src/models/index.ts'
import { Network } from '../../../src/train/network.ts'
import { UserError } from '../../../src/util/errors.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { machine } from '../../train/small.ts'

const data = synthetic({ train: 40, test: 10 })
const indices = Uint32Array.from({ length: 12 }, (_, i) => 3 * i)
const tensors = ['fc1.weight', 'fc2.weight', 'fc3.weight']

function setUp(folder: string, miniBatch = 1) {
  const notices: string[] = []
  const cache = new GradientCache(folder, (sentence) => notices.push(sentence))
  const source = new GradientSource({ tensors, samples: indices.length / miniBatch, miniBatch, cache })
  const model = findModel('mlpnet')
  const network = new Network({ machine, model, data, batch: 1, judged: 10, programs: source.programs })
  /** Every column of every tensor. */
  const collect = (samples = indices) =>
    source.collect(network, samples).tensors.map((columns) => {
      const column = new Float32Array(columns.samples)
      return Array.from({ length: columns.size }, (_, q) => {
        columns.column(q, column)
        return [...column]
      })
    })
  return { network, source, collect, notices }
}

const files = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.fisher'))

it.each([1, 4])('a second run takes the same gradients from the file (mini-batches of %i)', (miniBatch) => {
  const folder = join(temporaryFolder(), 'a', 'b')
  const first = setUp(folder, miniBatch)
  const columns = first.collect()
  expect(columns.flat(2).some((x) => x !== 0)).toBe(true)
  expect(first.notices).toEqual([])
  const [name] = files(folder)
  const floats = miniBatch === 1 ? 12 * (784 + 40 + 40 + 20 + 20 + 10) : 3 * 32_360
  expect(statSync(join(folder, name)).size).toBe(4 * floats + 32)
  const second = setUp(folder, miniBatch)
  expect(second.collect()).toEqual(columns)
  expect(second.notices).toEqual([`gradients are taken from ${join(folder, name)}`])
  expect(files(folder)).toEqual([name])
})

it('the key changes with everything that gradients depend on, and with nothing else', () => {
  const { network } = setUp(temporaryFolder())
  const request = { tensors, indices, miniBatch: 1 }
  const changed = <T extends object>(object: T, change: Partial<T>): T =>
    Object.assign(Object.create(object), change) as T
  const of = (change: Partial<Network>) =>
    gradientKey({ ...network, values: network.values.bind(network), ...change } as Network, request)
  const key = gradientKey(network, request)
  expect(of({})).toBe(key)
  const flipped = (values: Uint8Array) => values.map((v, i) => (i === values.length - 1 ? v ^ 1 : v))
  const train = data.train
  const keys = [
    gradientKey(network, { ...request, indices: indices.slice().reverse() }),
    gradientKey(network, { ...request, indices: indices.slice(1) }),
    gradientKey(network, { ...request, miniBatch: 4 }),
    gradientKey(network, { ...request, tensors: tensors.slice(1) }),
    of({ data: { ...data, mean: [0.4] } }),
    of({ data: { ...data, std: [0.4] } }),
    of({ data: { ...data, geometry: { size: 28 } } }),
    of({ data: { ...data, name: 'other' } }),
    of({ data: { ...data, train: { ...train, images: flipped(train.images) } } }),
    of({ data: { ...data, train: { ...train, labels: flipped(train.labels as Uint8Array) } } }),
    of({ data: { ...data, test: { ...data.test, count: 9 } } }),
    of({ machine: changed(machine, { description: 'another engine, 1 thread' }) }),
    of({ model: { ...network.model, name: 'other' } }),
  ]
  network.values('fc3.weight')[199] += 1e-6
  keys.push(gradientKey(network, request))
  expect(new Set([key, ...keys]).size).toBe(keys.length + 1)
})

it('other samples and other weights have files of their own', () => {
  const folder = temporaryFolder()
  const { network, collect, notices } = setUp(folder)
  const columns = collect()
  collect(indices.map((i) => i + 1))
  network.values('fc1.weight')[0] += 0.5
  expect(collect()).not.toEqual(columns)
  expect([files(folder).length, notices]).toEqual([3, []])
})

it.each<[string, (path: string) => void, RegExp]>([
  ['truncated', (path) => truncateSync(path, 100), / has 100 bytes, expected 43904: gradients are computed again$/],
  ['empty', (path) => truncateSync(path, 0), / has 0 bytes, expected 43904: gradients are computed again$/],
  [
    'damaged',
    (path) => writeFileSync(path, readFileSync(path).fill(1, 5000, 5001)),
    / does not match its checksum: gradients are computed again$/,
  ],
])('a %s file is ignored with one sentence and replaced', (_, damage, sentence) => {
  const folder = temporaryFolder()
  const columns = setUp(folder).collect()
  const path = join(folder, files(folder)[0])
  damage(path)
  const { collect, notices } = setUp(folder)
  expect(collect()).toEqual(columns)
  expect(notices).toEqual([expect.stringMatching(sentence)])
  const again = setUp(folder)
  expect(again.collect()).toEqual(columns)
  expect(again.notices).toEqual([`gradients are taken from ${path}`])
})

it('a file of another key under this name is not used', () => {
  const folder = temporaryFolder()
  const { collect } = setUp(folder)
  const columns = collect()
  const [mine] = files(folder)
  collect(indices.map((i) => i + 1))
  const other = files(folder).find((name) => name !== mine)!
  writeFileSync(join(folder, mine), readFileSync(join(folder, other)))
  const second = setUp(folder)
  expect(second.collect()).toEqual(columns)
  expect(second.notices[0]).toMatch(/does not match its checksum/)
})

it('a folder that cannot be made is refused', () => {
  const file = join(temporaryFolder(), 'file')
  writeFileSync(file, '')
  expect(() => new GradientCache(join(file, 'cache'))).toThrow(UserError)
})

it('WoodFisher takes diagonals of its inverse from the folder too, of the same damping only', () => {
  const folder = temporaryFolder()
  const prune = (lambda: number) => {
    const { network, source, notices } = setUp(folder)
    const judge = indices.subarray(0, 10)
    pruneSecondOrder(network, source, {
      method: 'woodfisher',
      sparsity: 0.5,
      lambda,
      gradients: indices,
      judge,
      stages: 1,
    })
    return { weights: tensors.map((name) => [...network.values(name)]), notices }
  }
  const first = prune(1e-3)
  const second = prune(1e-3)
  const taken = /^diagonals of the inverse are taken from /
  expect(first.notices.filter((text) => taken.test(text))).toHaveLength(0)
  expect(second.notices.filter((text) => taken.test(text))).toHaveLength(1)
  expect(second.weights).toEqual(first.weights)
  const other = prune(1e-2)
  expect(other.notices.filter((text) => taken.test(text))).toHaveLength(0)
})
