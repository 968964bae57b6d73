/** @file The key `target` of a recipe's prune section: what the pruned network may take, or lose. */
import { z } from 'zod'
import type { LimitNames } from '../../../target/limits.ts'

export const targetSchema = z.strictObject({
  ms: z.number().positive().optional().describe('Milliseconds of a batch.'),
  kb: z
    .number()
    .positive()
    .optional()
    .describe(
      'Kilobytes (1000 bytes) of the weights as they are stored; where channels go, of the ONNX model without them.',
    ),
  stored: z
    .enum(['sparse', 'dense', 'brotli'])
    .optional()
    .describe(
      'How kb counts: zeros left out where that is smaller, where channels go all that is left (dense), or compressed with brotli (default: sparse, or dense).',
    ),
  flops: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('Share of the multiply-adds of the prunable layers that may stay.'),
  drop: z
    .number()
    .positive()
    .optional()
    .describe('Points of accuracy on training samples that pruning may cost before it trains on.'),
  runtime: z
    .enum(['espalier', 'wasm', 'onnxruntime'])
    .optional()
    .describe('What ms is of (default: the engine of the run); onnxruntime where channels go.'),
  threads: z.int().min(1).max(64).optional().describe('Threads of that (default: those of the run).'),
  batch: z.int().min(1).max(4096).optional().describe('Samples at a time that ms is of (default: 1).'),
  multipleOf: z
    .int()
    .min(1)
    .optional()
    .describe('Where channels go: what their numbers are multiples of (default: 1).'),
  judges: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Training samples whose loss tells levels of sparsity apart (default: 1000, fewer of a network whose passes are dear).',
    ),
})

export type TargetSettings = z.output<typeof targetSchema>

/** What messages call the targets. */
export const TARGET_NAMES: LimitNames = {
  milliseconds: 'prune.target.ms',
  bytes: 'prune.target.kb',
  flops: 'prune.target.flops',
  drop: 'prune.target.drop',
}
