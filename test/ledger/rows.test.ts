/** @file Rows: means and deviations by hand, over entries that differ by nothing but their seed. */
import { expect, it } from 'vitest'
import type { Entry } from '../../src/ledger/entry.ts'
import { entryOfRecord } from '../../src/ledger/of-record.ts'
import { Published } from '../../src/ledger/published.ts'
import { rowsOf } from '../../src/ledger/rows.ts'
import type { Verification } from '../../src/ledger/verification.ts'
import { type Changes, recordWith } from './records.ts'

const entry = (changes: Changes = {}, path = 'a') => entryOfRecord(path, recordWith(changes), new Published([]))

it('five seeds: mean, sample deviation, ranges of cost, means of time, the most of memory', () => {
  const right = [9200, 9300, 9400, 9300, 9300]
  const entries = right.map((correct, seed) =>
    entry({ correct, seed, gradients: 1000 * (seed + 1), seconds: seed, processorSeconds: 2, peakMemory: 100 + seed }),
  )
  const rows = rowsOf(entries.toReversed())
  expect(rows).toHaveLength(1)
  const [{ accuracy, seeds, kept, gradients, seconds, processorSeconds, peakMemory, dense }] = rows
  expect(accuracy.mean).toBeCloseTo(93, 12)
  // (1 + 0 + 1 + 0 + 0) / (5 - 1)
  expect(accuracy.deviation).toBeCloseTo(Math.sqrt(0.5), 12)
  expect([seeds, kept, gradients]).toEqual([[0, 1, 2, 3, 4], [647], [1000, 5000]])
  expect([seconds, processorSeconds, peakMemory]).toEqual([2, 2, 104])
  expect(dense).toEqual({ mean: 93.97, deviation: 0 })
})

it('a single seed has no deviation', () => {
  expect(rowsOf([entry()])[0].accuracy).toEqual({ mean: 92.59 })
})

const hash = 'b'.repeat(64)
it.each<[string, Changes]>([
  ['sparsity', { sparsity: 0.95 }],
  ['method', { method: 'sparsegpt' }],
  ['setting that was asked for', { asked: { polish: 0 }, settings: { samples: 4000, polish: 0 } }],
  ['setting that was filled in', { settings: { samples: 2000, polish: 30 } }],
  ['scope', { scope: 'layerwise' }],
  ['budget of multiply-adds', { flops: 0.3 }],
  ['choice of tensors', { include: 'fc*' }],
  ['checkpoint', { checkpoint: { ...recordWith().checkpoint, sha256: hash } }],
  ['data', { data: { ...recordWith().data, sha256: hash } }],
  ['normalization', { data: { ...recordWith().data, mean: [0.5] } }],
  ['instruction set', { instructions: 'native avx512' }],
])('another %s is another row', (_, changes) => {
  const rows = rowsOf([entry(), entry({ ...changes, seed: 1 })])
  expect(rows.map(({ seeds }) => seeds.length)).toEqual([1, 1])
})

it('another machine, version or time is the same row', () => {
  const [row, none] = rowsOf([entry(), entry({ seed: 1, espalier: '0.2.0', seconds: 1 })])
  expect(none).toBeUndefined()
  expect(row.versions).toEqual(['0.1.0', '0.2.0'])
})

it('rows that were asked for alike and filled in otherwise say what differs', () => {
  const rows = rowsOf([entry(), entry({ settings: { samples: 2000, polish: 30 } })])
  expect(rows.map(({ options }) => options)).toEqual([['samples 4000'], ['samples 2000']])
  const apart = rowsOf([entry(), entry({ asked: { polish: 0 }, settings: { samples: 4000, polish: 0 }, scope: 'erk' })])
  expect(apart.map(({ options }) => options)).toEqual([[], ['polish 0', 'scope erk']])
})

it('a budget of multiply-adds is named, alone and beside another one', () => {
  const magnitude: Changes = { method: 'magnitude', settings: {} }
  expect(rowsOf([entry({ ...magnitude, flops: 0.05 })])[0].options).toEqual(['flops 0.05'])
  const rows = rowsOf(
    [undefined, 0.05, 0.5].map((flops, seed) => entry({ ...magnitude, flops, seed, correct: 9 - seed })),
  )
  expect(rows.map(({ options }) => options)).toEqual([[], ['flops 0.05'], ['flops 0.5']])
})

it('inputs that were made otherwise are named in every row of the checkpoint, else in none', () => {
  const { data } = recordWith()
  const rgb: Changes = { data: { ...data, mean: [0.5, 0.25], std: [1, 1], size: 256 } }
  const asked: Changes = { asked: { polish: 0 }, settings: { samples: 4000, polish: 0 }, correct: 5000 }
  const elsewhere: Changes = { network: 'resnet20', ...rgb }
  const rows = rowsOf([entry(), entry({ ...asked, ...rgb }), entry({ ...asked, seed: 1, ...rgb }), entry(elsewhere)])
  expect(rows.map(({ options, inputs }) => [options, inputs])).toEqual([
    [['mean 0.1307', 'std 0.3081'], []],
    [['polish 0', 'mean 0.5 0.25', 'std 1 1', 'size 256'], []],
    [[], ['mean 0.5 0.25', 'std 1 1', 'size 256']],
  ])
  const half = rowsOf([entry(), entry({ data: { ...data, std: [0.5] }, correct: 1 })])
  expect(half.map(({ options }) => options)).toEqual([['std 0.3081'], ['std 0.5']])
})

it('a checkpoint under another name is the same one: rows say what differs', () => {
  const checkpoint = { ...recordWith().checkpoint, name: 'copy.safetensors' }
  const rows = rowsOf([entry(), entry({ checkpoint, correct: 1, settings: { samples: 2000, polish: 30 } })])
  expect(rows.map(({ options }) => options)).toEqual([['samples 4000'], ['samples 2000']])
})

it('a copy counts once; the same seed with another result is an error that names both', () => {
  expect(rowsOf([entry({}, 'a'), entry({}, 'b')])[0].seeds).toEqual([0])
  expect(() => rowsOf([entry({}, 'a'), entry({ correct: 9000 }, 'b')])).toThrow(
    /^a and b have the same settings, seed and instruction set, and other results/,
  )
})

it('what was trained is never in the row of what was only pruned, even where all else is the same', () => {
  const pruned = entry()
  const trained: Entry = { ...pruned, kind: 'trained', checkpoint: undefined, epochs: 3, identity: 'run', seed: 1 }
  const rows = rowsOf([trained, pruned])
  expect(rows.map(({ kind, epochs, seeds }) => [kind, epochs, seeds])).toEqual([
    ['pruned', 0, [0]],
    ['trained', 3, [1]],
  ])
})

it('rows are in the order of network, sparsity and accuracy', () => {
  const names = rowsOf([
    entry({ network: 'resnet20' }),
    entry({ correct: 8000 }),
    entry({ sparsity: 0.95, correct: 1 }),
    entry({ method: 'sparsegpt', correct: 9000 }),
  ]).map(({ network, sparsity, accuracy }) => [network, sparsity, accuracy.mean])
  expect(names).toEqual([
    ['mlpnet', 0.95, 0.01],
    ['mlpnet', 0.98, 90],
    ['mlpnet', 0.98, 80],
    ['resnet20', 0.98, 92.59],
  ])
})

it('names who verified a record of the row, each once, and of no other record', () => {
  const [a, b] = [entry(), entry({ seed: 1 })]
  const by = (who: string, record: string) => ({ by: who, record }) as Verification
  const [row] = rowsOf([a, b], [by('Eve', a.digest!), by('Ada', b.digest!), by('Eve', b.digest!), by('Mallory', hash)])
  expect(row.verified).toEqual(['Ada', 'Eve'])
})
