import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lastEvaluations } from '../../src/experiment/run/last-evaluations.ts'
import { runFolders } from '../../src/experiment/run/records.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'

/** A run of epochs whose losses and accuracies are 1, 2, 3... hundredths. */
function written(epochs: number, others: object[] = [], validation = true): string {
  const folder = temporaryFolder()
  const lines = Array.from({ length: epochs }, (_, i) => ({
    type: 'epoch',
    epoch: i + 1,
    trainLoss: (i + 1) / 10,
    ...(validation && { validationLoss: (i + 1) / 5, validationAccuracy: (i + 1) / 100, prunedAccuracy: 0.5 }),
  }))
  const text = [...lines, ...others].map((line) => `${JSON.stringify(line)}\n`).join('')
  writeFileSync(join(folder, 'metrics.jsonl'), text)
  return folder
}

it('averages the last ten epochs, and no others', () => {
  const result = lastEvaluations(written(14, [{ type: 'prune', trainLoss: 100 }]))
  // 5, 6, ... 14: 9.5 on average.
  expect(result).toMatchObject({ epochs: 14, averaged: 10, trainLoss: expect.closeTo(0.95) })
  expect(result).toMatchObject({ validationLoss: expect.closeTo(1.9), validationAccuracy: expect.closeTo(0.095) })
  expect(result).toMatchObject({ prunedAccuracy: 0.5, final: undefined })
})

it('of a short run all epochs; of one without held-out samples the training loss; of a complete one the test accuracy', () => {
  const final = { type: 'final', dense: { accuracy: 0.9 }, final: { accuracy: 0.8 } }
  const result = lastEvaluations(written(3, [final], false))
  expect(result).toMatchObject({ epochs: 3, averaged: 3, trainLoss: expect.closeTo(0.2), dense: 0.9, final: 0.8 })
  expect([result.validationAccuracy, result.prunedAccuracy]).toEqual([undefined, undefined])
  expect(lastEvaluations(written(0))).toMatchObject({ epochs: 0, averaged: 0, trainLoss: undefined })
})

it('averages the last ten evaluations of each kind, however many epochs lie between them', () => {
  const folder = temporaryFolder()
  // Held-out samples after every second epoch, the test set after every third: 15 and 10 of them.
  const lines = Array.from({ length: 30 }, (_, i) => {
    const [epoch, value] = [i + 1, (i + 1) / 100]
    const testSet = epoch % 3 === 0 ? { loss: 10 * value, accuracy: value, top5: value + 0.5 } : undefined
    const trainSet = epoch > 25 ? { loss: value, accuracy: 1 - value } : undefined
    const held = epoch % 2 === 0 ? { validationAccuracy: value, validationF1: value / 2, validationTop5: 0.9 } : {}
    return { type: 'epoch', epoch, trainLoss: 1, testSet, trainSet, ...held }
  })
  const final = { accuracy: 0.8, top5: 0.95, precision: 0.7, recall: 0.6, f1: 0.65 }
  const all = [...lines, { type: 'final', final }]
  writeFileSync(join(folder, 'metrics.jsonl'), all.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const found = lastEvaluations(folder)
  // Epochs 12, 14, ... 30; 3, 6, ... 30; 26, ... 30.
  expect(found.validationAccuracy).toBeCloseTo(0.21, 12)
  expect(found).toMatchObject({ validationF1: expect.closeTo(0.105), validationTop5: expect.closeTo(0.9) })
  expect(found.testAccuracy).toBeCloseTo(0.165, 12)
  expect(found).toMatchObject({ testEvaluations: 10, testLoss: expect.closeTo(1.65), testTop5: expect.closeTo(0.665) })
  expect(found).toMatchObject({ trainSetAccuracy: expect.closeTo(0.72), trainSetLoss: expect.closeTo(0.28) })
  expect(found).toMatchObject({ final: 0.8, top5: 0.95, precision: 0.7, recall: 0.6, f1: 0.65 })
})

it('finds runs in folders, in the order of their names', () => {
  const folder = written(12)
  mkdirSync(join(folder, 'below'))
  writeFileSync(join(folder, 'below', 'metrics.jsonl'), '')
  expect(runFolders(folder)).toEqual([folder, join(folder, 'below')])
})

it('refuses folders without runs, and lines that are not JSON', () => {
  expect(() => runFolders(temporaryFolder())).toThrow(/ holds no run: there is no metrics\.jsonl in it or below$/)
  const folder = written(1)
  writeFileSync(join(folder, 'metrics.jsonl'), '{"type":"epoch"}\n{"typ')
  expect(() => lastEvaluations(folder)).toThrow(UserError)
  expect(() => lastEvaluations(folder)).toThrow(/metrics\.jsonl: line 2: expected JSON, found \{"typ$/)
})
