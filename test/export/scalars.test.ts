import { expect, it } from 'vitest'
import type { MetricsRecord } from '../../src/experiment/run/records.ts'
import { pointsCsv } from '../../src/export/points-csv.ts'
import { pointsOf } from '../../src/export/scalars.ts'

const records = (...lines: object[]) => lines as MetricsRecord[]
const found = (...lines: object[]) =>
  pointsOf(records(...lines), 'metrics.jsonl', 7).map(({ step, values }) => [step, Object.fromEntries(values)])

const epoch = { type: 'epoch', epoch: 1, step: 10, trainLoss: 2, trainAccuracy: 0.5, learningRate: 0.1, sparsity: 0 }
const ofEpoch = { epoch: 1, 'train/loss': 2, 'train/accuracy': 0.5, 'train/learning_rate': 0.1, 'sparsity/all': 0 }

it('an epoch has its losses, its evaluations and its sparsity', () => {
  expect(found(epoch)).toEqual([[10, ofEpoch]])
  const all = {
    validationLoss: 1,
    validationAccuracy: 0.25,
    validationF1: 0.75,
    trainSet: { loss: 3, accuracy: 0.1 },
    testSet: { loss: 4, accuracy: 0.2, top5: 0.9, correct: 2, count: 10 },
    gap: { keep: 5, kept: 0.5, removed: 0.25, vanished: 0.125 },
    overlap: 0.875,
  }
  expect(found({ ...epoch, ...all })).toEqual([
    [
      10,
      {
        ...ofEpoch,
        'validation/loss': 1,
        'validation/accuracy': 0.25,
        'validation/f1': 0.75,
        'training_set/loss': 3,
        'training_set/accuracy': 0.1,
        'test/loss': 4,
        'test/accuracy': 0.2,
        'test/top5': 0.9,
        'gsm/least_kept': 0.5,
        'gsm/largest_removed': 0.25,
        'gsm/vanished': 0.125,
        'gsm/overlap': 0.875,
      },
    ],
  ])
})

it('events have the sparsity of each layer', () => {
  const layers = [{ name: 'fc1.weight', size: 8, kept: 2 }]
  const pruning = { type: 'prune', step: 4, target: 0.7, sparsity: 0.75, effectiveSparsity: 0.875, deadOutputs: 1 }
  const rewiring = {
    type: 'rewire',
    step: 6,
    pruned: 3,
    grown: 2,
    state: { threshold: 0.5 },
    explored: 0.5,
    remaining: 0.25,
    seconds: 9,
    layers: [{ name: 'fc1.weight', after: 0.125 }],
  }
  expect(found({ ...pruning, layers, gradients: 100 }, rewiring)).toEqual([
    [
      4,
      {
        'sparsity/all': 0.75,
        'sparsity/effective': 0.875,
        'sparsity/fc1.weight': 0.75,
        'prune/target': 0.7,
        'prune/dead_outputs': 1,
        'prune/gradients': 100,
      },
    ],
    [
      6,
      {
        'rewire/pruned': 3,
        'rewire/grown': 2,
        'rewire/threshold': 0.5,
        'rewire/explored': 0.5,
        'rewire/remaining': 0.25,
        'rewire/seconds': 9,
        'sparsity/fc1.weight': 0.875,
      },
    ],
  ])
  // Runs of before the layers were recorded.
  expect(found(pruning)[0][1]).not.toHaveProperty('sparsity/fc1.weight')
})

const result = {
  type: 'final',
  sparsity: 0.5,
  layers: [{ name: 'fc1.weight', size: 4, kept: 1 }],
  final: { loss: 1, accuracy: 0.9, correct: 9, count: 10 },
  dense: { loss: 0.5, accuracy: 0.95, correct: 19, count: 20 },
  seconds: 12,
  modelBytes: 10,
  denseBytes: 20,
}

it('the result is at the last step, and takes the place of what was said there before', () => {
  const last = { ...epoch, testSet: { loss: 5, accuracy: 0.1 } }
  expect(found(last, result)).toEqual([
    [10, { epoch: 1, 'train/loss': 2, 'train/accuracy': 0.5, 'train/learning_rate': 0.1 }],
    [
      10,
      {
        'test/loss': 1,
        'test/accuracy': 0.9,
        'test_before_pruning/loss': 0.5,
        'test_before_pruning/accuracy': 0.95,
        'sparsity/all': 0.5,
        'sparsity/fc1.weight': 0.75,
        'result/seconds': 12,
        'result/bytes': 10,
        'result/dense_bytes': 20,
      },
    ],
  ])
})

it('times are those of the records, else the one that is given', () => {
  const timed = { ...epoch, step: 20, time: '2026-01-02T03:04:05.250Z' }
  expect(pointsOf(records(epoch, timed), '', 7).map(({ time }) => time)).toEqual([
    7,
    Date.UTC(2026, 0, 2, 3, 4, 5, 250) / 1000,
  ])
})

it('what is no number, and what another version recorded, is left out', () => {
  expect(found({ ...epoch, trainLoss: null, validationLoss: undefined }, { type: 'other', step: 11 })).toEqual([
    [10, { epoch: 1, 'train/accuracy': 0.5, 'train/learning_rate': 0.1, 'sparsity/all': 0 }],
  ])
})

it('a record without a step is refused with its line', () => {
  expect(() => found(epoch, { type: 'epoch', epoch: 2 })).toThrow(
    'metrics.jsonl: line 2: step: expected a value of type number, found nothing',
  )
  expect(() => found({ ...epoch, step: -1 })).toThrow('metrics.jsonl: line 1: step: expected at least 0, found -1')
})

it('CSV has a row for each step and a column for each tag', () => {
  const csv = pointsCsv([
    { step: 4, time: 1, values: new Map([['train/loss', 1 / 3]]) },
    {
      step: 4,
      time: 2.5,
      values: new Map([
        ['sparsity/10', 0.5],
        ['sparsity/9,b', 0.75],
      ]),
    },
    { step: 8, time: 3, values: new Map([['train/loss', 0.25]]) },
  ])
  const head = 'step,wall_time,"sparsity/9,b",sparsity/10,train/loss'
  expect(csv).toBe(`${head}\r\n4,2.5,0.75,0.5,${1 / 3}\r\n8,3,,,0.25\r\n`)
})
