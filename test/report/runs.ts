/** @file Folders of runs that never ran: a recipe, metrics and, where asked for, files of weights. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { storeFloats, writeSafetensors } from '../../src/formats/safetensors.ts'
import { tiny } from '../experiment/tiny.ts'

export interface FakeRun {
  /** Keys of the recipe that differ from the tiny one. */
  recipe?: Record<string, unknown>
  /** Test accuracies after training and before pruning; a run without is not complete. */
  accuracy?: number
  dense?: number
  epochs?: number
  /** Of the 32,360 weights. */
  kept?: readonly [number, number, number]
  weights?: boolean
  /** Shares of weights that have vanished after each epoch, of a run of Global Sparse Momentum. */
  vanished?: readonly number[]
  /** Accuracies on the test set after each epoch; losses are 1 less, top-5 shares are 1. */
  tests?: readonly number[]
  /** Which epoch the result is of, where the best is kept. */
  keptEpoch?: number
}

const SIZES = [31360, 800, 200] as const

/** A pruned MLPNet: every nth weight of a layer is left. */
export function writeRun(folder: string, run: FakeRun = {}): string {
  const { recipe = {}, accuracy, dense = 0.95, epochs = 3, kept = [3136, 80, 20], weights = false, vanished } = run
  const { tests, keptEpoch } = run
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'recipe.yaml'), stringify({ ...tiny, ...recipe }))
  const layers = SIZES.map((size, i) => ({ name: `fc${i + 1}.weight`, size, kept: kept[i], effective: kept[i] }))
  const lines: object[] = Array.from({ length: epochs }, (_, i) => ({
    type: 'epoch',
    epoch: i + 1,
    step: 15 * (i + 1),
    trainLoss: 1 / (i + 1),
    trainAccuracy: 0.5 + 0.1 * i,
    sparsity: 0,
    learningRate: 0.1,
    validationLoss: 1,
    validationAccuracy: 0.6 + 0.1 * i,
    ...(tests && { testSet: { loss: 1 - tests[i], accuracy: tests[i], top5: 1 } }),
    ...(vanished && { gap: { keep: 10, kept: 0.1, removed: 0.01, vanished: vanished[i] }, overlap: 0.5 }),
  }))
  if (accuracy !== undefined)
    lines.push({
      type: 'final',
      layers,
      collapsed: [],
      deadOutputs: 0,
      outputs: 10,
      kernels: [],
      sparsity: 0.9,
      dense: { accuracy: dense },
      final: { accuracy, ...(tests && { top5: 0.99, precision: 0.8, recall: 0.7, f1: 0.75 }) },
      keptEpoch,
      denseBytes: 1e5,
      modelBytes: 2e4,
      seconds: 12,
    })
  writeFileSync(join(folder, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  if (weights)
    for (const file of ['dense', 'model'] as const) {
      const shapes = [
        [40, 784],
        [20, 40],
        [10, 20],
      ] as const
      const tensors = shapes.map((shape, i) => {
        const every = file === 'dense' ? 1 : Math.round(SIZES[i] / kept[i])
        const value = (at: number) => (at % every === 0 ? Math.sin(at + 1) : 0)
        return [
          `fc${i + 1}.weight`,
          storeFloats(
            Float32Array.from({ length: SIZES[i] }, (_, at) => value(at)),
            shape,
          ),
        ] as const
      })
      writeSafetensors(join(folder, `${file}.safetensors`), { tensors: new Map(tensors), metadata: {} })
    }
  return folder
}
