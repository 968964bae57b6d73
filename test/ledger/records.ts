/** @file Records that nobody measured, and their files. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { PruneRecord } from '../../src/ledger/record.ts'
import { sealed, sealedText } from '../../src/ledger/sealed.ts'
import { sha256 } from '../../src/util/sha256.ts'

/** What differs from an MLPNet that OBC has pruned to 98 %. */
export interface Changes extends Partial<Omit<PruneRecord, 'digest' | 'environment'>> {
  /** Right of 10,000. */
  correct?: number
  instructions?: string
  espalier?: string
}

export function recordWith({
  correct = 9259,
  instructions = 'native avx2',
  espalier = '0.1.0',
  ...changes
}: Changes = {}) {
  const { seed = 0 } = changes
  return sealed({
    format: 'espalier prune record 1',
    network: 'mlpnet',
    checkpoint: { name: 'mlpnet-mnist.safetensors', sha256: sha256(['checkpoint']), bytes: 129_816 },
    data: { name: 'mnist', sha256: sha256(['data']), train: 60_000, test: 10_000, mean: [0.1307], std: [0.3081] },
    method: 'obc',
    sparsity: 0.98,
    scope: 'global',
    seed,
    prunable: 'published',
    asked: {},
    settings: { samples: 4000, polish: 30 },
    layers: [
      { name: 'fc1.weight', size: 31_360, kept: 367 },
      { name: 'fc2.weight', size: 800, kept: 180 },
      { name: 'fc3.weight', size: 200, kept: 100 },
    ],
    dense: { loss: 0.2, correct: 9397, count: 10_000 },
    final: { loss: 0.25, correct, count: 10_000 },
    gradients: 340_000,
    images: 4000,
    judged: 5000,
    seconds: 50,
    processorSeconds: 75,
    peakMemory: 690_000_000,
    result: sha256([JSON.stringify([changes, correct, instructions])]),
    environment: {
      espalier,
      node: 'v20.20.2',
      instructions,
      threads: 1,
      processor: 'AMD EPYC',
      processors: 2,
      memoryGiB: 24,
      system: 'linux x64',
      date: '2026-01-02T03:04:05.678Z',
    },
    ...changes,
  } satisfies Omit<PruneRecord, 'digest'>)
}

/** Writes a record as it is, sealed or not, and returns its path. */
export function writeRecordFile(path: string, record: object = recordWith()): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, sealedText(record))
  return path
}
