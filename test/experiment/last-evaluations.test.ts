import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lastEvaluations, runFolders } from '../../src/experiment/run/last-evaluations.ts'
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
